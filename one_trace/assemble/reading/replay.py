"""What happened: the log, replayed line by line over the flow's steps. Who begins is told by `world`, who
ends by `evidence`."""

from __future__ import annotations

from collections.abc import Callable

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.flowtree.trees import Trees, limit_loops
from one_trace.assemble.live import other_events
from one_trace.assemble.live.facts import RESUMED, Facts
from one_trace.assemble.live.state import ContainerAttempt, Foreseen, Scope
from one_trace.assemble.live.tolerance import CLOCK_MS, Tolerance
from one_trace.assemble.reading.attempts import announced, succeeded
from one_trace.assemble.reading.doubts import Doubts
from one_trace.assemble.reading.ends import StepEnds
from one_trace.assemble.reading.evidence import (
    mark_inside,
)
from one_trace.assemble.reading.saves import Saves
from one_trace.assemble.reading.stops import Stops, under_way
from one_trace.assemble.reading.subflows import begin_sub_flow, flow_that_ends, has_too_many
from one_trace.assemble.reading.tick import began_apart
from one_trace.assemble.reading.world import World
from one_trace.model.trace import RunStatus
from one_trace.record.log import LogLine
from one_trace.record.reading import Record

_NO_NEWS = other_events.NO_NEWS | {"flow:dry-run", "step:retry-success"}
"""Events that say nothing of the tree that other lines do not say as well."""


class SeenRun:
    """What the log says of the run as a whole. `outcome`: what the root flow's last event says, None where
    there is none. `ended_at`: epoch ms of the line that ends it."""

    def __init__(self) -> None:
        self.outcome: RunStatus | None = None
        self.ended_at: int | None = None
        self.error: str | None = None
        self.overs: list[float] = []
        """When the run was over each time it was resumed later: the time of its last line."""
        self.others: dict[str, int] = {}
        """Kinds of events that are not known, and how many there were."""


class Replay:
    """Replays a record's log. Afterwards `world.spans` are all executions of steps, parents before
    children."""

    def __init__(
        self, record: Record, facts: Facts, doubts: Doubts, foreseen: Foreseen | None = None
    ) -> None:
        self.record = record
        self.foreseen = foreseen
        self.doubts = doubts
        self.seen = SeenRun()
        self.saves = Saves(record, facts)
        self.faults: list[str] = []
        self.trees = Trees(record.flows, facts.warnings, self.faults)
        self.world = World(doubts, foreseen or {}, self.trees.kinds, self.saves.last(), facts)
        self._late = Tolerance(facts, exact=doubts.exact)
        self._stops = Stops()
        self._ends = StepEnds(
            self.world, self._late, self.saves, self._stops, self.faults, self._begin_unless_begun
        )
        context = record.state.context if record.state is not None else None
        self._scope = Scope(context.steps if context is not None else None, None)
        self._expect_results()
        self.root = self._new_root(1)

    def _handlers(self) -> dict[str, Callable[[LogLine], None]]:
        return {
            "step:start": self._on_start,
            "step:complete": self._ends.complete,
            "step:error": self._ends.error,
            "step:retry": lambda line: announced(self.world, line, self._late(self.world.index)),
            "step:retry-success": lambda line: succeeded(self.world, line),
            "step:dry-resolve": lambda line: self._stops.look_at(self.world, line),
            "flow:start": self._on_flow_start,
            "flow:mock-start": self._on_flow_start,
            "flow:complete": self._on_flow_end,
            "flow:error": self._on_flow_end,
            "flow:stopped": self._on_stopped,
        }

    def run(self) -> None:
        handlers = self._handlers()
        world = self.world
        for index, line in enumerate(self.record.lines):
            world.index, world.now = index, line.at
            if line.event is None:
                self._on_word(line)
                continue
            handler = handlers.get(line.event)
            if handler is not None:
                handler(line)
            elif line.event not in _NO_NEWS:
                other_events.count(self.seen.others, line.event)
        self._stops.stop_rest(world)
        self.saves.check_killed()
        world.check(self._scope)
        if self.doubts.ended_either:
            mark_inside(world.spans)

    # -- the run

    def _new_root(self, resume: int) -> ContainerAttempt:
        root = ContainerAttempt(None, None, 1, self._scope, resume)
        key = self.record.files.flow_key
        root.prefix = key if resume == 1 else f"{key}#{resume}"
        return root

    def _expect_results(self) -> None:
        """What the state holds is of the last resume, if it has run the same steps once more."""
        self._scope.guess = self._scope.results if self.world.resume > self.world.facts.resumes else None

    def _on_word(self, line: LogLine) -> None:
        if line.msg == RESUMED:
            self.seen.overs.append(self.record.lines[max(0, self.world.index - 1)].at)
            self.world.forget()
            self.world.resume += 1
            self.seen.outcome = self.seen.ended_at = None
            self.root = self._new_root(self.world.resume)
            self._expect_results()
        elif line.msg.startswith("Flow failed"):
            self.saves.saved = self.world.index
            self.seen.outcome, self.seen.ended_at = "error", line.at
            self.seen.error = line.error if line.error is not None else self.seen.error
        elif line.msg.startswith("Flow completed"):
            self.saves.saved = self.world.index
            self.seen.outcome, self.seen.ended_at = self.seen.outcome or "success", line.at

    def _begin_root(self) -> None:
        skip = frozenset(self._ends.completed) if self.world.resume > 1 else frozenset()
        tree = self.trees.root(self.record.files.flow_key, self.record.flow)
        state = self.record.state
        if state is not None and state.context is not None:
            limit_loops(tree, state.context.input)
        self.world.begin_flow(self.root, tree, skip)

    def _begin_unless_begun(self) -> None:
        if not self.world.flows:
            self._begin_root()

    # -- flows

    def _on_flow_start(self, line: LogLine) -> None:
        if not self.root.progress.started:
            self._begin_root()
            self._note(self.root)
        elif begin_sub_flow(self.world, self.trees, line):
            self._note(self.world.flows.innermost)
        else:
            self.doubts.contradicted(self.world.index, None)
            self.faults.append(f"nothing in the log starts the sub-flow {line.flow_key or ''!r}")

    def _on_flow_end(self, line: LogLine) -> None:
        world = self.world
        failed = line.event == "flow:error"
        act = flow_that_ends(self.world.flows, line, failed)
        if act is None:
            return
        self._note(act)
        unfinished = act is not self.root and not (act.failed if failed else act.finished)
        if unfinished or has_too_many(act, line):
            self.doubts.contradicted(world.index, act.span)
        elif act is not self.root and began_apart(line, act.start) > max(self._late(world.index), CLOCK_MS):
            self.doubts.contradicted(world.index, act.span, surely=False)
        world.flows.remove(act)
        world.stack.clear()
        world.next = None
        world.last.act, world.last.index = act, world.index
        if act is self.root:
            self.seen.outcome = "error" if failed else "success"
            self.seen.error = line.error
        elif failed:
            world.fail(act, line.error)
        else:
            act.finished = True
            world.check(act.scope)

    def _on_stopped(self, line: LogLine) -> None:
        ended = (
            span
            for span in self.world.spans
            if span.node.id == line.stopped_after and span.node.flow_key == line.flow_key
        )
        # what has failed or was given up is not what stopped the flow
        last = max(
            ended, key=lambda span: (under_way(span.act), span.end_index or -1), default=self._ends.last
        )
        act = self._stops.stop_flow(self.world, line, last.act if last is not None else None)
        if act is self.root:
            self.seen.outcome = "stopped"

    def _note(self, act: ContainerAttempt) -> None:
        if self.doubts.notes is not None:
            self.doubts.notes.is_about(self.world.index, act)

    # -- steps

    def _on_start(self, line: LogLine) -> None:
        if not self.world.flows:
            if self.root.progress.started and self.root not in self.world.flows:
                self.world.flows.add(self.root)  # its end came first: what was given up goes on
            else:
                self._begin_root()
        span = self.world.start(line)
        if not span.placed and (span.act.tree is None or span.act.tree.known):
            self._say_misplaced(span.node)

    def _say_misplaced(self, node: Node) -> None:
        if (node.id, node.type) not in self.trees.kinds:
            self.faults.append(f"the flow files have no place for the step {node.id[:80]!r}")
        elif not self.doubts.unsettled:  # else it is the reading that may be wrong, and that is said
            self.faults.append(f"the step {node.id[:80]!r} ran where the flow files have none")
