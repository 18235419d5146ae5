"""The flows of a record: their files, looked for once, and which step is which node of their trees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from one_trace.assemble.flowtree.tree import Node, Tree
from one_trace.assemble.flowtree.trees import Trees, limit_called, limit_loops
from one_trace.engine.plan import Plans
from one_trace.record.flows import FlowFile
from one_trace.record.reading import Record


class Found(Struct):
    """A sub-flow, as the engine wants it."""

    flow: Any
    root: str = ""


class Flows:
    """`root`: the tree of the run's own flow; `plans`: what the engine has read of steps; `faults` gets what
    is wrong."""

    def __init__(self, record: Record, faults: list[str]) -> None:
        self.trees, self.plans = Trees(record.flows, faults), Plans()
        self._record = record
        self._files: dict[str, FlowFile | None] = {}
        self._nodes: dict[int, Node] = {}
        self._by_id: dict[str, list[Node]] = defaultdict(list)
        self.root = self.trees.root(record.files.flow_key, record.flow)
        self._index(self.root)
        if record.state is not None and record.state.context is not None:
            limit_loops(self.root, record.state.context.input)

    @property
    def definition(self) -> dict[str, Any]:
        """Of the run's own flow."""
        flow = self._record.flow
        return flow.definition if flow is not None else {"steps": []}

    @property
    def starts_follow(self) -> bool:
        """Whether nothing can start a step of the run's own flow but what has a line: another step's start or
        end, no silent one's."""
        nodes = [node for same in self.root.by_id.values() for node in same]
        return not any(
            node.type == "flow" or len(node.silent_steps) > node.concurrency
            for node in nodes
            if node.type in ("flow", "parallel")
        )

    def _index(self, tree: Tree) -> None:
        """Once: a flow may be called any number of times, and its file found by two keys."""
        for step_id, nodes in tree.by_id.items():
            for node in nodes:
                if id(node.step) in self._nodes:
                    return
                self._nodes[id(node.step)] = node
                self._by_id[step_id].append(node)

    def with_id(self, step_id: str) -> Sequence[Node]:
        """The steps of this id in all flows that have been called."""
        return self._by_id.get(step_id, ())

    def node_of(self, step: dict[str, Any]) -> Node:
        return self._nodes[id(step)]

    def has_step(self, step_id: str, kind: str) -> bool:
        """Whether one that has been called has such a step, anywhere."""
        return (step_id, kind) in self.trees.kinds

    def find(self, key: str) -> Found | None:
        flow = self._named(key)
        if flow is None:
            return None
        tree = self.trees.root(flow.key, flow)
        self._index(tree)
        return Found(flow.definition)

    def limit(self, key: str, call: Node) -> None:
        """What is known of the inputs that a step gives to the flow that it calls."""
        flow = self._named(key)
        if flow is not None:
            limit_called(self.trees.root(flow.key, flow), call)

    def _named(self, key: str) -> FlowFile | None:
        """Looked for once: to look for a file is to ask the file system."""
        if key not in self._files:
            self._files[key] = self._record.flows.named(key)
        return self._files[key]
