"""What happened: the log, replayed line by line over the flow's steps. Who begins is told by `world`, who
ends by `evidence`."""

from __future__ import annotations

from collections.abc import Callable

from one_trace.assemble.agree.results import expected
from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.flowtree.trees import Trees, limit_loops
from one_trace.assemble.live.facts import Facts
from one_trace.assemble.live.state import CLOCK_MS, ENDS, Act, Foreseen, LiveSpan, Scope, quiet
from one_trace.assemble.reading.attempts import announced, succeeded
from one_trace.assemble.reading.blocks import (
    all_done,
    open_timed_out,
    unborn,
)
from one_trace.assemble.reading.cascade import began_apart, ends_another
from one_trace.assemble.reading.doubts import Doubts
from one_trace.assemble.reading.evidence import (
    CONTRADICTS,
    better_by_time,
    choose_end,
    choose_error,
    flow_misfit,
    last_ended_in_twin,
    mark_doubtful,
    mark_inside,
    misfit,
    vouched_for,
)
from one_trace.assemble.reading.stops import Stops, under_way
from one_trace.assemble.reading.subflows import begin_sub_flow, flow_that_ends, has_too_many
from one_trace.assemble.reading.world import World
from one_trace.record.log import LogLine
from one_trace.record.reading import Record

_UNSAVED = ("Invalid string length", "Do not know how to serialize", "Converting circular structure")
"""What JSON.stringify throws when the host saves its state after a step."""
_NO_NEWS = frozenset(
    {
        "flow:deprecation",
        "flow:dry-run",
        "flow:warning",
        "step:mock",
        "step:page",
        "step:retry-skip",
        "step:retry-success",
        "workflow:result",
    }
)
"""Events that say nothing of the tree that other lines do not say as well."""
_KIND_CHARS = 80
_KINDS = 50


class Replay:
    """Replays a record's log. Afterwards `world.spans` are all executions of steps, parents before children.

    `outcome`: what the root flow's last event says of the run, None where there is none. `ended_at`: epoch ms
    of the line that ends the run.
    """

    def __init__(
        self, record: Record, facts: Facts, doubts: Doubts, foreseen: Foreseen | None = None
    ) -> None:
        self.record = record
        self.facts = facts
        self.doubts = doubts
        self.lines = record.lines
        self.faults: list[str] = []
        self.trees = Trees(record.flows, facts.warnings, self.faults)
        self.world = World(doubts, foreseen or {}, self.trees.kinds, self._last_save(), facts)
        self.overs: list[float] = []
        """When each go but the last was over: the time of its last line."""
        self.others: dict[str, int] = {}
        """Kinds of events that are not known, and how many there were."""
        self.outcome: str | None = None
        self.ended_at: int | None = None
        self.error: str | None = None
        self.saved = -1
        """The line that the state was saved with last: what was written after it is not in it."""
        self._completed: set[str] = set()
        self._saves: list[int] = []
        self._last: LiveSpan | None = None
        self.stops = Stops()
        self._end_cursor: dict[str, int] = {}
        state = record.state
        self._context = state.context if state is not None else None
        self._scope = Scope(self._context.steps if self._context is not None else None, None)
        self.root = self._new_root(1)
        self._handlers: dict[str, Callable[[LogLine], None]] = {
            "step:start": self._on_start,
            "step:complete": self._on_complete,
            "step:error": self._on_error,
            "step:retry": lambda line: announced(self.world, line, self._late(self.world.index)),
            "step:retry-success": lambda line: succeeded(self.world, line),
            "step:dry-resolve": self._on_dry_resolve,
            "flow:start": self._on_flow_start,
            "flow:mock-start": self._on_flow_start,
            "flow:complete": self._on_flow_end,
            "flow:error": self._on_flow_end,
            "flow:stopped": self._on_stopped,
        }

    def run(self) -> None:
        handlers = self._handlers
        world = self.world
        for index, line in enumerate(self.lines):
            world.index, world.now = index, line.at
            if line.event is None:
                self._on_word(line)
                continue
            handler = handlers.get(line.event)
            if handler is not None:
                handler(line)
            elif line.event not in _NO_NEWS:
                kind = line.event[:_KIND_CHARS]
                if kind in self.others or len(self.others) < _KINDS:
                    self.others[kind] = self.others.get(kind, 0) + 1
        self.stops.stop_rest(world)
        self._check_saved()
        world.check(self._scope)
        if self.doubts.ended_either:
            mark_inside(world.spans)

    # -- the run

    def _last_save(self) -> int:
        """The line before which all that was done is in the state; -1 where the run was cut off."""
        state = self.record.state
        if state is None or state.status not in ("completed", "failed"):
            return -1
        last = range(len(self.lines) - 1, -1, -1)
        return next((at for at in last if self.lines[at].event is None or self._saves_after(at)), -1)

    def _saves_after(self, at: int) -> bool:
        """A step completes with this line, and the state could be saved then."""
        if self.lines[at].event != "step:complete":
            return False
        failed = self.facts.fails_at_once(at)
        return failed is None or not (failed.error or "").startswith(_UNSAVED)

    def _check_saved(self) -> None:
        """A run that was killed between a line and the save that follows it."""
        state = self.record.state
        if state is None or state.status in ("completed", "failed"):
            return
        saves = state.saves
        if saves is not None and saves < len(self._saves):
            self.saved = self._saves[saves - 1] if saves else -1

    def _new_root(self, go: int) -> Act:
        root = Act(None, None, 1, self._scope, go)
        key = self.record.files.flow_key
        root.prefix = key if go == 1 else f"{key}#{go}"
        return root

    def _on_word(self, line: LogLine) -> None:
        if line.msg == "Flow resumed":
            self.overs.append(self.lines[max(0, self.world.index - 1)].at)
            self.world.forget()
            self.world.go += 1
            self.outcome = self.ended_at = None
            self.root = self._new_root(self.world.go)
        elif line.msg.startswith("Flow failed"):
            self.saved = self.world.index
            self.outcome, self.ended_at = "error", line.at
            self.error = line.error if line.error is not None else self.error
        elif line.msg.startswith("Flow completed"):
            self.saved = self.world.index
            self.outcome, self.ended_at = self.outcome or "success", line.at

    def _begin_root(self) -> None:
        skip = frozenset(self._completed) if self.world.go > 1 else frozenset()
        tree = self.trees.root(self.record.files.flow_key, self.record.flow)
        if self._context is not None:
            limit_loops(tree, self._context.input)
        self.world.begin_flow(self.root, tree, skip)

    # -- flows

    def _on_flow_start(self, line: LogLine) -> None:
        if not self.root.started:
            self._begin_root()
        elif not begin_sub_flow(self.world, self.trees, line):
            self.doubts.contradicted(self.world.index, None)
            self.faults.append(f"nothing in the log starts the sub-flow {line.flow_key or ''!r}")

    def _on_flow_end(self, line: LogLine) -> None:
        world = self.world
        failed = line.event == "flow:error"
        act = flow_that_ends(self.world.flows, line, failed)
        if act is None:
            return
        unfinished = act is not self.root and not (act.failed if failed else act.finished)
        if unfinished or has_too_many(act, line):
            self.doubts.contradicted(world.index, act.span)
        elif act is not self.root and began_apart(line, act.start) > max(self._late(world.index), CLOCK_MS):
            self.doubts.contradicted(world.index, act.span, surely=False)
        world.flows.remove(act)
        world.stack.clear()
        world.next = None
        world.last, world.last_index = act, world.index
        if act is self.root:
            self.outcome = "error" if failed else "success"
            self.error = line.error
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
        last = max(ended, key=lambda span: (under_way(span.act), span.end_index or -1), default=self._last)
        act = self.stops.stop_flow(self.world, line, last.act if last is not None else None)
        if act is self.root:
            self.outcome = "stopped"

    def _on_dry_resolve(self, line: LogLine) -> None:
        self.stops.look_at(self.world, line)

    # -- steps

    def _on_start(self, line: LogLine) -> None:
        if not self.world.flows:
            if self.root.started and self.root not in self.world.flows:
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

    def _on_complete(self, line: LogLine) -> None:
        step_id = line.step_id or ""
        if self._saves_after(self.world.index):
            self.saved = self.world.index
            self._saves.append(self.saved)
        spans = self.world.open.get(step_id)
        if not spans:
            span = self._end_without_start(line)
        elif len(spans) == 1 and not self.doubts.choices:
            span = spans[0]
            apart = misfit(span, line)
            if apart and apart > self._late(self.world.index, span.begun):
                self.doubts.contradicted(self.world.index, span, surely=False)
        else:
            span = self._chosen_end(spans, line)
        status = line.status or ""
        span.status = ENDS.get(status, "error")
        if status not in ENDS:
            self.faults.append(f"the step {step_id[:80]!r} has ended in a way not known: {status[:40]!r}")
        span.duration, span.host_ms = line.duration_ms, line.host_ms
        if span.act.go == self.world.go:
            self._completed.add(step_id)
        span.scope.wrote(span)
        self._ended(span, line)

    def _late(self, index: int, begun: int = -1) -> float:
        return self.facts.late_ms(index, begun, exact=self.doubts.exact)

    def _chosen_end(self, spans: list[LiveSpan], line: LogLine) -> LiveSpan:
        index = self.world.index
        chosen, best, less, cost = choose_end(
            spans, index, self._coming(line.step_id or ""), self.facts, self._late
        )
        if cost >= CONTRADICTS:
            self.doubts.contradicted(
                index,
                chosen,
                lambda: better_by_time(spans, line, reversed(self.world.spans)),
                surely=not vouched_for(chosen, line),
            )
        elif line.status == "success" and last_ended_in_twin(
            chosen, spans, self._last, self.facts, index, self._late
        ):
            self.doubts.contradicted(index, chosen, surely=False)
        if len(best) + len(less) > 1:
            chosen = self.doubts.choose(index, chosen, best, lambda span: self._misfit(span, line), less)
        if len(best) > 1:
            mark_doubtful(chosen, best, line)
        return chosen

    def _misfit(self, span: LiveSpan, line: LogLine) -> float:
        """By how many ms more than it may be late the line is not the span's end; by how many at all, where
        times have to be exact."""
        apart = misfit(span, line)
        return apart if self.doubts.exact else max(0.0, apart - self._late(self.world.index, span.begun))

    def _on_error(self, line: LogLine) -> None:
        spans = self.world.open.get(line.step_id or "")
        last = self._last
        just_ended = (
            last is not None
            and last.node.id == line.step_id
            and last.end_index == self.world.index - 1
            and not last.raised
        )
        if last is not None and just_ended and (not spans or (line.error or "").startswith(_UNSAVED)):
            self._unsaved(last, line)
            return
        if not spans:
            span = self._end_without_start(line)
        elif len(spans) == 1 and not self.doubts.choices:
            span = spans[0]
        else:
            span = self._chosen_error(spans, line)
        span.status, span.raised, span.error = "error", True, line.error
        span.duration = line.at - span.start
        self._ended(span, line)
        span.act.thrown.append(span)
        self.world.fail(span.act, line.error)

    def _chosen_error(self, spans: list[LiveSpan], line: LogLine) -> LiveSpan:
        index, late = self.world.index, self._late
        chosen, best, less, cost = choose_error(spans, index, self.facts, late)
        if cost >= CONTRADICTS or ends_another(chosen, self.lines, index, late):
            self.doubts.contradicted(index, chosen, surely=cost >= CONTRADICTS)
        if len(best) + len(less) > 1:
            after = self.facts.after(index)
            chosen = self.doubts.choose(index, chosen, best, lambda span: flow_misfit(span, after), less)
        if len(best) > 1:
            mark_doubtful(chosen, best, line)
        return chosen

    def _unsaved(self, span: LiveSpan, line: LogLine) -> None:
        """The step had completed, but saving the state failed, and the host takes that for the step's
        failure."""
        span.error = line.error
        span.raised, span.status = True, "error"
        span.duration, span.host_ms = line.at - span.start, None
        self.world.next = None
        seq = span.seq
        if seq is not None and seq in seq.act.passes:
            seq.act.passes.remove(seq)
            seq.current = None  # in a damaged log a step further on has begun in it before
        span.act.thrown.append(span)
        self.world.fail(span.act, line.error)

    def _ended(self, span: LiveSpan, line: LogLine) -> None:
        world = self.world
        span.end, span.end_index = float(line.at), world.index
        self._last = span
        if span.acts:
            self._close(span, line)
        world.end(span)
        self.stops.ended(world, span)

    def _close(self, span: LiveSpan, line: LogLine) -> None:
        """A container has ended: the attempt that ended it begins nothing more, unless it was given up while
        it ran."""
        act = span.acts[-1]
        timeout = span.node.timeout
        given_up = (
            (span.status == "timeout" or (span.error or "").startswith(span.node.timed_out))
            and timeout is not None
            and not act.failed
            and act.start + timeout <= line.at + CLOCK_MS
        )
        error = span.error or (_kept_error(span) if span.status in ("error", "timeout") else None)
        if error is not None:
            open_timed_out(self.world, act, lambda node: node.has_timed_out(error))
        elif span.status == "timeout" and not given_up and not act.failed:
            open_timed_out(self.world, act, lambda node: _throws_time_out(node, line.at - act.start))
        if act.kind == "flow" and not act.started and not given_up and act in self.world.waiting:
            self.world.waiting.remove(act)
        if not given_up and (
            span.status in ("success", "skipped") or (act.failed and not act.passes) or quiet(act)
        ):
            act.closed = True
            act.idle = -1
        if span.status == "success":
            all_done(self.world, act)
        elif span.status == "skipped" or _never_ran(span):
            unborn(self.world, act)

    def _coming(self, step_id: str) -> list[LogLine]:
        """The ends of a step from here on, this one first; as many as a choice can need."""
        ends = self.facts.ends[step_id]
        cursor = self._end_cursor.get(step_id, 0)
        while ends[cursor] < self.world.index:
            cursor += 1
        self._end_cursor[step_id] = cursor
        return [self.lines[index] for index in ends[cursor : cursor + 64]]

    def _end_without_start(self, line: LogLine) -> LiveSpan:
        """The start was lost: the span is entered where it belongs; its duration implies the start."""
        self.doubts.contradicted(self.world.index, None)
        self.faults.append(f"the start of the step {(line.step_id or '')[:80]!r} is missing")
        if not self.world.flows:
            self._begin_root()
        started = LogLine(step_id=line.step_id, step_name=line.step_id, type="", at=line.at)
        span = self.world.start(started)
        span.start = span.clock = line.at - (line.duration_ms or 0)
        return span


def _throws_time_out(node: Node, within: float) -> bool:
    """Its time-out may have gone off by then, and what it is in has to do with it."""
    return node.timeout is not None and not node.goes_on and node.timeout <= within + CLOCK_MS


def _kept_error(span: LiveSpan) -> str | None:
    """What it has failed with, by its result: the line of what goes on does not say."""
    result = expected(span)
    if result is None or ENDS.get(result.status) != span.status or result.duration_ms != span.reported_ms:
        return None
    return result.error


def _never_ran(span: LiveSpan) -> bool:
    """What it requires was missing, so that nothing of it was started."""
    return (span.error or "").startswith(f'Step "{span.node.id}" requires ')
