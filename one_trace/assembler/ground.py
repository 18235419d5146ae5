"""What all readings of a record share: its goes, its flows, and which line the state was saved with last."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from one_trace.assemble.flowtree.tree import Node, Tree
from one_trace.assemble.flowtree.trees import Trees, limit_called, limit_loops
from one_trace.assemble.live.facts import Facts
from one_trace.assembler.script import UNSAVED, Script
from one_trace.engine.failures import StepFailure
from one_trace.record.log import LogLine
from one_trace.record.reading import Record

EXACT, NEAR, ANY = range(3)


class Mode(NamedTuple):
    """How well times have to fit, and whether leaves that took no time were over in the very turn in which
    they began."""

    times: int = EXACT
    at_once: bool = False


class Saved(NamedTuple):
    """The line with which the state was saved last, and whether that is a message of the host itself."""

    line: int
    by_word: bool


class Done(Collection[str]):
    """The steps that a resumed run leaves out: those that had completed, but for one that the log begins."""

    def __init__(self, completed: set[str], script: Script) -> None:
        self._completed, self._script = completed, script

    def __contains__(self, step_id: object) -> bool:
        if step_id not in self._completed:
            return False
        line = self._script.peek()
        return line is None or line.event != "step:start" or line.step_id != step_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._completed)

    def __len__(self) -> int:
        return len(self._completed)


@dataclass
class Go:
    """The run, or a resume of it: lines `begin` to `end`."""

    number: int
    begin: int
    end: int
    prefix: str
    dry_run: bool = False
    mock: bool = False
    killed: bool = True
    """It has no message of its end."""
    completed: set[str] = field(default_factory=set)

    def done(self, script: Script) -> Collection[str]:
        return Done(self.completed, script) if self.number > 1 else ()


@dataclass
class Found:
    flow: Any
    root: str = ""


class Ground:
    def __init__(self, record: Record, facts: Facts) -> None:
        self.record, self.facts = record, facts
        self.mode = Mode()
        self.faults: list[str] = []
        self.trees = Trees(record.flows, facts.warnings, self.faults)
        self._nodes: dict[int, Node] = {}
        self.goes = _goes(record) or [Go(1, 0, 0, record.files.flow_key)]
        self.stop_after = next(iter(facts.stopped_after), None)
        tree = self.tree = self.trees.root(record.files.flow_key, record.flow)
        self._index(tree)
        if record.state is not None and record.state.context is not None:
            limit_loops(tree, record.state.context.input)
        self.bare = record.flow is None
        """The engine cannot run these flows: lines are placed by the flow files alone."""
        self.saved = _saved(record)

    @property
    def root_flow(self) -> dict[str, Any]:
        flow = self.record.flow
        return flow.definition if flow is not None else {"steps": []}

    @property
    def prefix(self) -> str:
        """What paths of the last go begin with."""
        return self.goes[-1].prefix if self.goes else self.record.files.flow_key

    def _index(self, tree: Tree) -> None:
        for nodes in tree.by_id.values():
            for node in nodes:
                self._nodes[id(node.step)] = node

    def node_of(self, step: dict[str, Any], flow_key: str) -> Node:
        return self._nodes[id(step)]

    def say_misplaced(self, node: Node) -> None:
        if not self.tree.known:
            return
        if (node.id, node.type) not in self.trees.kinds:
            self.faults.append(f"the flow files have no place for the step {node.id[:80]!r}")
        else:
            self.faults.append(f"the step {node.id[:80]!r} ran where the flow files have none")

    def find_flow(self, key: str, call: Node | None) -> Found:
        flow = self.record.flows.named(key)
        if flow is None:
            raise StepFailure(f"Flow not found: {key}")
        tree = self.trees.root(flow.key, flow)
        self._index(tree)
        limit_called(tree, call)
        return Found(flow.definition)


def _goes(record: Record) -> list[Go]:
    goes: list[Go] = []
    lines, key = record.lines, record.files.flow_key
    completed: set[str] = set()
    for index, line in enumerate(lines):
        if not goes or (line.event is None and line.msg == "Flow resumed"):
            if goes:
                goes[-1].end = index
            number = len(goes) + 1
            prefix = key if number == 1 else f"{key}#{number}"
            goes.append(Go(number, index, len(lines), prefix, completed=set(completed)))
        elif line.event == "step:complete" and line.step_id is not None:
            completed.add(line.step_id)
        elif line.event is None:
            goes[-1].killed = False
        elif line.event == "flow:mock-start":
            goes[-1].mock = True
        elif line.event in ("flow:dry-run", "step:dry-resolve"):
            goes[-1].dry_run = True
    return goes


def _saved(record: Record) -> Saved:
    state, lines = record.state, record.lines
    if state is None:
        return Saved(-1, by_word=False)
    saves = [
        index
        for index, line in enumerate(lines)
        if line.event == "step:complete" and not _fails_at_once(lines, index)
    ]
    if state.status not in ("completed", "failed"):
        count = state.saves
        if count is not None and count <= len(saves):
            return Saved(saves[count - 1] if count else -1, by_word=False)
        return Saved(saves[-1] if saves else -1, by_word=False)
    words = [
        index for index, line in enumerate(lines) if line.event is None and not line.msg.endswith("started")
    ]
    last_word = words[-1] if words else -1
    last_save = saves[-1] if saves else -1
    return Saved(max(last_word, last_save), by_word=last_word > last_save)


def _fails_at_once(lines: list[LogLine], index: int) -> bool:
    after = lines[index + 1] if index + 1 < len(lines) else None
    return (
        after is not None
        and after.event == "step:error"
        and after.step_id == lines[index].step_id
        and (after.error or "").startswith(UNSAVED)
    )
