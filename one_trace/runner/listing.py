"""What `flow list` says of the flows in this folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from one_trace.guard.files import FLOW_LIMIT, read_plain
from one_trace.runner.javascript import entries
from one_trace.runner.loading import FLOWS, walk
from one_trace.runner.schema import Json


def flows() -> list[dict[str, Any]]:
    """The flows of ``.one/flows``, in the host's words; files that hold no flow are passed over."""
    found: dict[str, dict[str, Any]] = {}
    for path, group in _files(os.path.abspath(FLOWS), None):
        try:
            flow = json.loads(read_plain(path, FLOW_LIMIT).decode("utf-8", "replace"))
            about = _summary(flow, path, group)
        except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
            continue
        key = about.get("key")
        found.setdefault(f"{group}/{key}" if group else str(key), about)
    return list(found.values())


def _files(folder: str, group: str | None) -> Iterator[tuple[str, str | None]]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        full = os.path.join(folder, name)
        if name.startswith("."):
            continue
        if os.path.isdir(full) and not os.path.islink(full):
            flow = os.path.join(full, "flow.json")
            if os.path.exists(flow):
                yield flow, group
            elif not group:
                yield from _files(full, name)
        elif os.path.isfile(full) and not os.path.islink(full) and name.endswith(".flow.json"):
            yield full, group


def _summary(flow: Json, path: str, group: str | None) -> dict[str, Any]:
    steps = list(walk(flow["steps"]))
    about = {
        "key": flow.get("key"),
        "name": flow.get("name"),
        "description": flow.get("description"),
        "inputCount": len(flow["inputs"]),
        "stepCount": len(flow["steps"]),
        "path": path,
        "layout": "folder" if os.path.basename(path) == "flow.json" else "legacy",
        "group": group,
        "stepTypes": sorted({str(step.get("type")) for step in steps}),
        "requiresBash": needs_bash(flow),
        "usesCodeModules": any(
            step.get("type") == "code" and bool((step.get("code") or {}).get("module")) for step in steps
        ),
        "inputs": [_input(name, declared) for name, declared in entries(flow["inputs"])],
    }
    return {key: value for key, value in about.items() if value is not None}


def needs_bash(flow: Json) -> bool:
    """Whether any step of the flow itself is a bash step."""
    return any(step.get("type") == "bash" for step in walk(flow.get("steps")))


def _input(name: str, declared: dict[str, Any]) -> dict[str, Any]:
    about = {"name": name, "type": declared.get("type"), "required": declared.get("required") is not False}
    for key in ("default", "description", "connection"):
        if key in declared:
            about[key] = declared[key]
    return about | {"autoResolvable": bool(declared.get("connection"))}
