"""`flow list`: the flows of this folder."""

from __future__ import annotations

import json
import os
from typing import Any

from one_trace.engine.javascript import entries
from one_trace.engine.schema import Json, steps_in
from one_trace.guard.files import FLOW_LIMIT, read_plain
from one_trace.record.flow_files import flow_paths


def flows() -> list[dict[str, Any]]:
    """The flows of ``.one/flows`` as One CLI describes them. Files that are not flows are skipped."""
    found: dict[str, dict[str, Any]] = {}
    for path, group in ((flow.path, flow.group) for flow in flow_paths()):
        try:
            flow = json.loads(read_plain(path, FLOW_LIMIT).decode("utf-8", "replace"))
            about = _summary(flow, path, group)
        except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
            continue
        key = about.get("key")
        found.setdefault(f"{group}/{key}" if group else str(key), about)
    return list(found.values())


def _summary(flow: Json, path: str, group: str | None) -> dict[str, Any]:
    steps = [step for step, _ in steps_in(flow["steps"])]
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
    """Whether a step of the flow, not counting sub-flows, is a bash step."""
    return any(step.get("type") == "bash" for step, _ in steps_in(flow.get("steps")))


def _input(name: str, declared: dict[str, Any]) -> dict[str, Any]:
    about = {"name": name, "type": declared.get("type"), "required": declared.get("required") is not False}
    for key in ("default", "description", "connection"):
        if key in declared:
            about[key] = declared[key]
    return about | {"autoResolvable": bool(declared.get("connection"))}
