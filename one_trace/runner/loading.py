"""Flow files, read and walked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from one_trace.guard.files import FLOW_LIMIT, read_plain
from one_trace.record.flow_files import resolve
from one_trace.runner.schema import NESTED

JsonError = Callable[[str], str]
"""What JavaScript says of a text that is no JSON."""


class FlowUnreadable(Exception):
    """No such flow, or no flow in it; the message is the host's."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A flow file. `root` is the folder in which its code modules lie."""

    flow: Any
    path: str
    root: str


def load(key_or_path: str, json_error: JsonError) -> Loaded:
    """Read a flow; FlowUnreadable where there is none, or it is no JSON."""
    path = resolve(key_or_path)
    if not os.path.exists(path):
        raise FlowUnreadable(f"Flow not found: {path}")
    return read(path, json_error)


def read(path: str, json_error: JsonError) -> Loaded:
    """Read the flow file at `path`, an absolute path."""
    try:
        text = read_plain(path, FLOW_LIMIT).decode("utf-8", "replace")
    except OSError as error:
        raise FlowUnreadable(
            node_message(error, "open" if not os.path.isdir(path) else "read", path)
        ) from error
    try:
        flow = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise FlowUnreadable(json_error(text)) from error
    return Loaded(flow, path, os.path.dirname(path))


def walk(steps: object) -> Iterator[dict[str, Any]]:
    """Every step of a list and of the lists inside it, in order; what is no step is passed over."""
    waiting = [iter(_steps(steps))]
    while waiting:
        step = next(waiting[-1], None)
        if step is None:
            waiting.pop()
            continue
        yield step
        configs = ((step.get(key), field) for key, field in NESTED)
        inside = [
            child
            for config, field in configs
            if isinstance(config, dict)
            for child in _steps(config.get(field))
        ]
        waiting.append(iter(inside))


def _steps(found: object) -> list[dict[str, Any]]:
    return [step for step in found if isinstance(step, dict)] if isinstance(found, list) else []


def node_message(error: OSError, call: str, path: str) -> str:
    """An operating system's error as Node words it."""
    import errno

    name = errno.errorcode.get(error.errno or 0, "EIO")
    words = {"EISDIR": "illegal operation on a directory"}.get(name, (error.strerror or "").lower())
    return f"{name}: {words}, {call}" + ("" if name == "EISDIR" else f" '{path}'")


def _no_constant(name: str) -> object:
    raise ValueError(name)
