"""The edits that findings propose, as JSON Patches (RFC 6902) of flow files that are valid with them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from one_trace.analyse.edit import Operation
from one_trace.analyse.findings import Action, InsightsDocument

SCHEMA = "one-trace-patch/1"
SAFE = frozenset({"near-timeout", "far-timeout", "sequential-loop"})
"""Rules whose edits change when something is done and for how long, but not how often."""


class FilePatch(Struct, rename="camel", kw_only=True):
    """The patch of one flow file, and its findings (rule and path)."""

    file: str
    flow_key: str
    findings: list[str]
    patch: list[Operation]


class PatchDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace insights FLOW --patch``; `left` are findings without a safe edit."""

    schema: str = SCHEMA
    flow_key: str
    project: str | None
    files: list[FilePatch]
    left: list[str]


class FlowSource(NamedTuple):
    """A flow file: its path, its `key` and its content."""

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
    edited: dict[str, dict[str, Any]] = {}
    left: list[str] = []
    for finding in document.findings:
        name, action = f"{finding.rule} {finding.path}", finding.action
        flow = source(action.flow_key) if action and finding.rule in SAFE else None
        definition = copy.deepcopy(edited.get(flow.file, flow.definition)) if flow else {}
        operations = edit(definition, action) if action else []
        if flow is None or not operations or not valid(definition):
            left.append(name)
            continue
        edited[flow.file] = definition
        empty = FilePatch(file=flow.file, flow_key=flow.key, findings=[], patch=[])
        patch = patches.setdefault(flow.file, empty)
        patch.findings.append(name)
        patch.patch += operations
    return PatchDocument(
        flow_key=document.flow_key, project=document.project, files=list(patches.values()), left=left
    )


def edit(definition: dict[str, Any], action: Action) -> list[Operation]:
    """Set the keys of an action, and return the operations that do so; none unless exactly one step has its
    id and all parents of its keys exist."""
    steps = list(_steps(definition.get("steps"), "/steps", action.step_id))
    if len(steps) != 1:
        return []
    operations = []
    for dotted, value in action.set.items():
        path, target = steps[0]
        *parents, last = dotted.split(".")
        for name in parents:
            if not isinstance(target.get(name), dict):
                return []
            path, target = f"{path}/{_escaped(name)}", target[name]
        op = "replace" if last in target else "add"
        operations.append(Operation(op=op, path=f"{path}/{_escaped(last)}", value=value))
        target[last] = value
    return operations


def _steps(value: object, pointer: str, step_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON pointer of each step with this id, at any depth, and the step."""
    todo = [(value, pointer, False)]
    while todo:
        node, path, in_list = todo.pop()
        if isinstance(node, dict):
            if in_list and node.get("id") == step_id and isinstance(node.get("type"), str):
                yield path, node
            todo += [(inner, f"{path}/{_escaped(str(key))}", False) for key, inner in node.items()]
        elif isinstance(node, list):
            todo += [(inner, f"{path}/{index}", True) for index, inner in enumerate(node)]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
