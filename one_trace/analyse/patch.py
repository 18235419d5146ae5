"""The edits that findings propose, as JSON Patches (RFC 6902) of flow files that still pass validation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from one_trace.analyse.findings import Action, InsightsDocument

SCHEMA = "one-trace-patch/1"
SAFE = frozenset({"near-timeout", "far-timeout", "sequential-loop"})
"""Rules whose edit changes when and how long, and not how often something is done."""


class Operation(Struct, kw_only=True):
    """One operation of RFC 6902."""

    op: str
    path: str
    value: Any


class FilePatch(Struct, rename="camel", kw_only=True):
    """What to change in one flow file, and the findings (rule and path) that it is for."""

    file: str
    flow_key: str
    findings: list[str]
    patch: list[Operation]


class PatchDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace insights FLOW --patch``; `left` are findings without an edit that is safe."""

    schema: str = SCHEMA
    flow_key: str
    project: str | None
    files: list[FilePatch]
    left: list[str]


class FlowSource(NamedTuple):
    """A flow file: its path, its `key` and what it holds."""

    file: str
    key: str
    definition: dict[str, Any]


def propose(
    document: InsightsDocument,
    source: Callable[[str], FlowSource | None],
    valid: Callable[[dict[str, Any]], bool],
) -> PatchDocument:
    """The safe edits of a document's findings, each kept only if the flow is still valid with it.

    `source` finds a flow file by its key.
    """
    patches: dict[str, FilePatch] = {}
    patched: dict[str, dict[str, Any]] = {}
    left: list[str] = []
    for finding in document.findings:
        name, action = f"{finding.rule} {finding.path}", finding.action
        flow = source(action.flow_key) if action and finding.rule in SAFE else None
        if flow is None or action is None:
            left.append(name)
            continue
        before = patched.get(flow.file, flow.definition)
        operations = list(_operations(before, action))
        after = apply(before, operations)
        if not operations or not valid(after):
            left.append(name)
            continue
        patched[flow.file] = after
        patch = patches.setdefault(
            flow.file, FilePatch(file=flow.file, flow_key=flow.key, findings=[], patch=[])
        )
        patch.findings.append(name)
        patch.patch += operations
    return PatchDocument(
        flow_key=document.flow_key, project=document.project, files=list(patches.values()), left=left
    )


def _operations(definition: dict[str, Any], action: Action) -> Iterator[Operation]:
    """The operations that set the keys of an action; none where the step's id is not there just once."""
    places = list(_places(definition.get("steps"), "/steps", action.step_id))
    if len(places) != 1:
        return
    pointer, step = places[0]
    for dotted, value in action.set.items():
        *parents, last = dotted.split(".")
        at, path = step, pointer
        for name in parents:
            inner = at.get(name) if isinstance(at, dict) else None
            if not isinstance(inner, dict):
                return
            at, path = inner, f"{path}/{_escaped(name)}"
        yield Operation(op="replace" if last in at else "add", path=f"{path}/{_escaped(last)}", value=value)


def _places(value: object, pointer: str, step_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where steps with this id stand, at any depth."""
    todo = [(value, pointer, False)]
    while todo:
        each, path, in_list = todo.pop()
        if isinstance(each, dict):
            if in_list and each.get("id") == step_id and isinstance(each.get("type"), str):
                yield path, each
            todo += [(inner, f"{path}/{_escaped(str(key))}", False) for key, inner in each.items()]
        elif isinstance(each, list):
            todo += [(inner, f"{path}/{place}", True) for place, inner in enumerate(each)]


def apply(definition: dict[str, Any], operations: list[Operation]) -> dict[str, Any]:
    """A copy of a flow with the keys set."""
    changed = copy.deepcopy(definition)
    for operation in operations:
        *parents, last = [
            part.replace("~1", "/").replace("~0", "~") for part in operation.path[1:].split("/")
        ]
        at: Any = changed
        for name in parents:
            at = at[int(name)] if isinstance(at, list) else at[name]
        at[last] = operation.value
    return changed


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
