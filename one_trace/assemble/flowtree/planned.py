"""What a run was to do: every step of its flow and of those it calls, named as executed steps are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from one_trace.assemble.flowtree.shared_files import SharedFiles, written_by
from one_trace.assemble.flowtree.tree import Node, StepList, Tree
from one_trace.assemble.flowtree.trees import Trees
from one_trace.model.digest import blake2b
from one_trace.model.trace import Assembly, PlannedStep
from one_trace.model.tree import below
from one_trace.record.flows import FlowFile
from one_trace.record.reading import Record

MOST = 10_000
"""Flows that call each other can have more steps than anybody reads."""
DEEPEST = 50
_NESTS = frozenset({"loop", "while", "parallel", "condition"})
_EFFECTS = frozenset({"action", "paginate", "bash", "file-write", "code", "flow"})
_WAITS = frozenset({"action", "paginate", "bash"})
_AWAITS = re.compile(r"\bawait\b|\.then\s*\(")
_STEPS = re.compile(r"\$\.steps(?:\.([A-Za-z0-9_$]+)|\[\s*(?:\"([^\"]*)\"|'([^']*)')\s*\])?")
_WHOLE = re.compile(r"\$(?![.{\d\w])")
"""The whole context is handed on: which parts of it are read cannot be known."""
_AGENT = re.compile(r"(?:^|[\s;&|(\"'`$])(?:\S*/)?(claude|codex|gemini|opencode)(?=\s)")
_PIPE = re.compile(r"(?<!\|)\|(?!\|)")
ANY = "*"
"""Instead of an id: any step."""


def add_plan(assembly: Assembly, record: Record, flow: FlowFile, trees: Trees) -> None:
    """What the run was made of, where the flow files are still those of then."""
    plan = plan_of(trees, trees.root(flow.key, flow))  # which reads the flows that are called, too
    called = [other for other in trees.known_flows() if other is not flow]
    if record.changed_since([flow.path, *(other.path for other in called)]):
        assembly.flow_changed = True
        return
    assembly.flow_version = version_of(flow, called)
    assembly.plan = plan
    assembly.static_paths = [step.path for step in plan]
    assembly.step_timeouts = {step.path: step.timeout_ms for step in plan if step.timeout_ms is not None}


def plan_of(trees: Trees, root: Tree) -> list[PlannedStep]:
    """All steps in the order of the files, the steps of a sub-flow under each step that calls it. A flow that
    stands in itself is followed no further."""
    found: list[PlannedStep] = []
    files: dict[tuple[int, tuple[str, ...]], SharedFiles] = {}
    shared: list[str] = []
    stack = [_walk(root.root, root.key, (root.key,))]
    while stack and len(found) < MOST:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            continue
        node, path, flows = entry
        step = _planned(node, path, files.setdefault((id(node.step_list), flows), SharedFiles()))
        step.at = trees.place(node, line=False)
        found.append(step)
        if len(flows) > 1 and _writes_the_same(node):
            shared.append(path)
        if node.type == "flow":
            called = trees.called_by(node)
            if called is not None and called.known and called.key not in flows and len(flows) < DEEPEST:
                stack.append(_walk(called.root, path, (*flows, called.key)))
            continue
        inner = [step_list for step_list in (node.body, node.then, node.orelse) if step_list is not None]
        for step_list in reversed(inner):
            stack.append(_walk(step_list, path, flows))
    _carry(found, shared)
    return found


def _carry(plan: list[PlannedStep], shared: Iterable[str]) -> None:
    """Mark the loops around steps of sub-flows that write the same file in each iteration."""
    by_path = {step.path: step for step in plan}
    for path in shared:
        while path:
            path = path.rpartition(" > ")[0]
            if path in by_path and by_path[path].type == "loop":
                by_path[path].carries = True


def _walk(
    step_list: StepList, above: str, flows: tuple[str, ...]
) -> Iterator[tuple[Node, str, tuple[str, ...]]]:
    for node in step_list.nodes:
        yield node, below(above, node.id), flows


def version_of(root: FlowFile, called: Sequence[FlowFile]) -> str:
    """A hash of all definitions that a run was made of: the flow's own, and those of the flows it calls."""
    if not called:
        return root.version
    names = sorted({f"{flow.key} {flow.version}" for flow in called})
    versions = "\n".join([root.version, *names]).encode("utf-8", "replace")
    return blake2b(versions, digest_size=8).hexdigest()


def _called(node: Node) -> tuple[str | None, str | None]:
    """The agent that a command starts, and whether its output goes through another command."""
    command = node.config.get("command") if node.type == "bash" else None
    found = _AGENT.search(command) if isinstance(command, str) else None
    if found is None or not isinstance(command, str):
        return None, None
    return found[1], "pipe" if _PIPE.search(command, found.end()) else None


def _planned(node: Node, path: str, files: SharedFiles) -> PlannedStep:
    calls, loses = _called(node)
    return PlannedStep(
        path=path,
        calls=calls,
        loses=loses,
        type=node.type,
        flow_key=node.flow_key,
        branch=node.step_list.branch,
        timeout_ms=node.timeout,
        retries=node.retries,
        strategy=node.strategy,
        concurrency=_concurrency(node),
        guarded=node.guarded,
        waits=node.type in _WAITS or (node.type == "code" and _may_wait(node.config)),
        effects=node.type in _EFFECTS,
        reads=sorted(_reads(_own(node)) | files.add(node.id, node.type, node.config)),
        carries=node.type == "loop" and _carries(node),
        parts=_parts(node),
    )


def _parts(node: Node) -> dict[str, str]:
    """A hash of each part of a step, without those of the steps in it."""
    parts: dict[str, object] = {}
    for key, value in node.step.items():
        if value is node.config:
            nested = ("steps", "then", "else") if node.type in _NESTS else ()
            parts |= {f"{key}/{name}": inner for name, inner in node.config.items() if name not in nested}
        elif key not in ("id", "name"):
            parts[key] = value
    return {key: _digest(value) for key, value in parts.items()}


def _digest(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _concurrency(node: Node) -> int:
    """How many at a time; where a value tells it, more than one for all that is known."""
    given = node.config.get("maxConcurrency")
    return 2 if isinstance(given, str) and node.concurrency == 1 else node.concurrency


def _may_wait(config: dict[str, Any]) -> bool:
    source = config.get("source")
    return bool(config.get("module")) or (isinstance(source, str) and bool(_AWAITS.search(source)))


def _reads(value: object) -> set[str]:
    """Ids of the steps that texts at any depth name; `ANY` where a text may read any."""
    found: set[str] = set()
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            todo.extend(each.values())
            if isinstance(each.get("module"), str):
                found.add(ANY)
        elif isinstance(each, list):
            todo.extend(each)
        elif isinstance(each, str) and "$" in each:
            found |= {one or two or three or ANY for one, two, three in _STEPS.findall(each)}
            if _WHOLE.search(each):
                found.add(ANY)
    return found


def _carries(loop: Node) -> bool:
    """Does a step of the body read what may be of the iteration before: the loop's own result, its own, that
    of a step behind it, or of one that need not have run in this iteration? Or write what the others do?"""
    inside = list(_inside(loop))
    sure: set[str] = set()
    late = {loop.id, *(node.id for node, _ in inside)}
    for node, certain in inside:
        names = _reads(_own(node))
        if ANY in names or names & (late - sure) or _writes_the_same(node):
            return True
        if certain and not node.guarded:
            sure.add(node.id)
    return False


def _writes_the_same(node: Node) -> bool:
    """Whether each iteration writes one and the same file: its name depends on nothing."""
    if node.type == "file-write":
        path = node.config.get("path")
        return bool(node.config.get("append")) or not (isinstance(path, str) and "$" in path)
    return any("$" not in target for target in written_by(node.type, node.config))


def _inside(loop: Node) -> Iterator[tuple[Node, bool]]:
    """The steps in a loop, in order, and whether each runs in every iteration."""
    stack = [(node, True) for node in reversed(loop.body.nodes)] if loop.body is not None else []
    while stack:
        node, certain = stack.pop()
        yield node, certain
        lists = [step_list for step_list in (node.orelse, node.then, node.body) if step_list is not None]
        always = certain and not node.guarded and node.type == "parallel"
        for step_list in lists:
            stack.extend((inner, always) for inner in reversed(step_list.nodes))


def _own(node: Node) -> dict[str, Any]:
    """A step without the steps in it, which speak for themselves."""
    if node.body is None and node.then is None:
        return node.step
    config = {key: value for key, value in node.config.items() if key not in ("steps", "then", "else")}
    return {**{key: value for key, value in node.step.items() if value is not node.config}, "": config}
