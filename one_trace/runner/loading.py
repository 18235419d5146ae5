"""Finding and reading flow files, with the errors of One CLI."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from one_trace.guard.files import FLOW_LIMIT, read_plain
from one_trace.record.flow_files import resolve

JsonError = Callable[[str], str]
"""JavaScript's error for a text that is not JSON."""


class FlowUnreadable(Exception):
    """There is no such flow, or the file is not JSON. The message is One CLI's."""


class Loaded(NamedTuple):
    """A flow file. `root`: the folder of its code modules."""

    flow: Any
    path: str
    root: str


def load(key_or_path: str, json_error: JsonError) -> Loaded:
    """Read a flow. Raises FlowUnreadable."""
    path = resolve(key_or_path)
    if not os.path.exists(path):
        raise FlowUnreadable(f"Flow not found: {path}")
    return read(path, json_error)


def read(path: str, json_error: JsonError) -> Loaded:
    """Read the flow file at an absolute path. Raises FlowUnreadable."""
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


def node_message(error: OSError, call: str, path: str) -> str:
    """An error of the operating system as Node words it."""
    import errno

    name = errno.errorcode.get(error.errno or 0, "EIO")
    words = {"EISDIR": "illegal operation on a directory"}.get(name, (error.strerror or "").lower())
    return f"{name}: {words}, {call}" + ("" if name == "EISDIR" else f" '{path}'")


def _no_constant(name: str) -> object:
    raise ValueError(name)
