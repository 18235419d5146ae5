"""The static trees of the flows that a run meets, each read once."""

from __future__ import annotations

import re

from msgspec import Raw

from one_trace.assemble.flowtree.tree import Node, Tree, read_tree
from one_trace.engine.rules import LOOP_ITEMS
from one_trace.model.trace import Location
from one_trace.record.flows import FlowFile, FlowFiles
from one_trace.record.tolerant import raw_items, raw_members

_INPUT = re.compile(r"\$\.input\.(\w+)")


def limit_loops(tree: Tree, inputs: Raw) -> None:
    """How many iterations the root flow's loops make that go over one of its inputs."""
    loops = _over_inputs(tree)
    given = (raw_members(inputs) if loops else None) or {}
    for node, name in loops:
        items = raw_items(given[name]) if name in given else None
        _limit(tree, node, len(items) if items is not None else None)
    tree.callers.add(None)


def limit_called(tree: Tree, call: Node | None) -> None:
    """The same of a sub-flow, whose inputs are those that the step that calls it gives, or as they are
    declared."""
    if call in tree.callers:
        return
    given = call.config.get("inputs") if call is not None else None
    given = given if isinstance(given, dict) else {}
    for node, name in _over_inputs(tree):
        declared = tree.inputs.get(name)
        default = declared.get("default") if isinstance(declared, dict) else None
        value = given.get(name, default)
        _limit(tree, node, len(value) if isinstance(value, list) else None)
    tree.callers.add(call)


def _over_inputs(tree: Tree) -> list[tuple[Node, str]]:
    loops = [node for nodes in tree.by_id.values() for node in nodes if node.type == "loop"]
    found = [
        (node, _INPUT.fullmatch(over)) for node in loops if isinstance(over := node.config.get("over"), str)
    ]
    return [(node, name[1]) for node, name in found if name is not None]


def _limit(tree: Tree, node: Node, count: int | None) -> None:
    """Whoever calls it first says how many; another may say more."""
    if count is not None:
        limit = node.config.get("maxIterations")
        count = min(count, limit if isinstance(limit, int) and limit > 0 else LOOP_ITEMS)
    if not tree.callers:
        node.most = count
    elif node.most is not None:
        node.most = max(node.most, count) if count is not None else None


class Trees:
    """`files` are the project's flows. `faults`: what is not found, one sentence each."""

    def __init__(self, files: FlowFiles, faults: list[str]) -> None:
        self._files = files
        self._faults = faults
        self._by_key: dict[str, Tree] = {}
        self.kinds: set[tuple[str, str]] = set()
        """Id and type of each step in the flows that were met."""
        self._called: dict[str, Tree | None] = {}
        self._files_met: list[FlowFile] = []

    def known_flows(self) -> list[FlowFile]:
        """The files of the flows that were met."""
        return list(self._files_met)

    def place(self, node: Node, *, line: bool = True) -> Location | None:
        """Where a step is written; None where its flow's file is not found, or does not hold it."""
        tree = self._by_key.get(node.flow_key)
        file, pointer = tree.file if tree is not None else None, node.pointer
        if file is None or pointer is None:
            return None
        number = file.line_of(pointer) if line else None
        return Location(file=self._files.shown(file), pointer=pointer, line=number)

    def root(self, key: str, flow: FlowFile | None) -> Tree:
        """The tree of the root flow, whose file may be found in its own way."""
        if key not in self._by_key:
            tree = read_tree(flow) if flow is not None else Tree(key, known=False)
            self._files_met += [flow] if flow is not None else []
            self._by_key[key] = tree
            self.kinds.update((node.id, node.type) for nodes in tree.by_id.values() for node in nodes)
        return self._by_key[key]

    def may_call(self, node: Node, key: str) -> bool:
        """Can this ``flow`` step be the one that starts the flow with this key?"""
        called = self.called_by(node)
        if called is not None:
            return called.key == key
        return node.sub_key is None or node.sub_key.rsplit("/", 1)[-1] == key

    def sub_flow(self, key: str, node: Node | None) -> Tree:
        """The tree of the flow with this key, which `node` has called."""
        called = self.called_by(node) if node is not None else None
        if called is not None and called.key == key:
            return called
        if key not in self._by_key:
            flow = self._files.with_key(key)
            if flow is None:
                self._faults.append(f"the flow file of the sub-flow {key!r} is missing")
            return self.root(key, flow)
        return self._by_key[key]

    def called_by(self, node: Node) -> Tree | None:
        """The flow that a ``flow`` step calls; None where a value tells which, or its file is not found."""
        called = node.sub_key
        if called is None:
            return None
        if called not in self._called:
            flow = self._files.named(called)
            self._called[called] = self.root(flow.key, flow) if flow is not None else None
        return self._called[called]
