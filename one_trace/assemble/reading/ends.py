"""Who ends: the spans that ``step:complete`` and ``step:error`` are about, and what that makes of them."""

from __future__ import annotations

from collections.abc import Callable

from one_trace.assemble.agree.expected import expected
from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.live.over import quiet
from one_trace.assemble.live.state import ENDS, LiveSpan
from one_trace.assemble.live.timers import is_due, time_out, time_out_of
from one_trace.assemble.live.tolerance import Tolerance
from one_trace.assemble.reading.against_end import misfit, vouched_for
from one_trace.assemble.reading.against_error import flow_misfit
from one_trace.assemble.reading.blocks import all_done, open_timed_out, unborn
from one_trace.assemble.reading.cascade import ends_another
from one_trace.assemble.reading.evidence import (
    better_by_time,
    choose_end,
    choose_error,
    last_ended_in_twin,
    mark_doubtful,
)
from one_trace.assemble.reading.saves import UNSAVED, Saves
from one_trace.assemble.reading.stops import Stops
from one_trace.assemble.reading.weights import CONTRADICTS
from one_trace.assemble.reading.world import World
from one_trace.record.log import LogLine

_MOST_COMING = 64
"""Ends of one step that are looked ahead at."""


class StepEnds:
    """The ends of steps of one replay. `completed`: ids of steps that have; `last`: the last to end.
    `begin_run`: makes sure that the root flow has begun."""

    def __init__(
        self,
        world: World,
        late: Tolerance,
        saves: Saves,
        stops: Stops,
        faults: list[str],
        begin_run: Callable[[], None],
    ) -> None:
        self._world = world
        self._facts, self._doubts, self._lines = world.facts, world.doubts, world.facts.lines
        self._late = late
        self._saves = saves
        self._stops = stops
        self._faults = faults
        self._begin_run = begin_run
        self.completed: set[str] = set()
        self.last: LiveSpan | None = None
        self._end_cursor: dict[str, int] = {}

    def complete(self, line: LogLine) -> None:
        step_id = line.step_id or ""
        self._saves.completed(self._world.index)
        spans = self._world.open.get(step_id)
        if not spans:
            span = self._end_without_start(line)
        elif len(spans) == 1 and not self._doubts.choices:
            span = spans[0]
            apart = misfit(span, line)
            if apart and apart > self._late(self._world.index, span.begun):
                self._doubts.contradicted(self._world.index, span, surely=False)
        else:
            span = self._chosen_end(spans, line)
        status = line.status or ""
        span.shown.status = ENDS.get(status, "error")
        if status not in ENDS:
            self._faults.append(f"the step {step_id[:80]!r} has ended in a way not known: {status[:40]!r}")
        span.shown.duration, span.shown.host_ms = line.duration_ms, line.host_ms
        if span.act.resume == self._world.resume:
            self.completed.add(step_id)
        span.scope.wrote(span)
        self._ended(span, line)

    def _chosen_end(self, spans: list[LiveSpan], line: LogLine) -> LiveSpan:
        index = self._world.index
        chosen, best, less, cost = choose_end(
            spans, index, self._coming(line.step_id or ""), self._facts, self._late, self._doubts.notes
        )
        if cost >= CONTRADICTS:
            self._doubts.contradicted(
                index,
                chosen,
                lambda: better_by_time(spans, line, reversed(self._world.spans)),
                surely=not vouched_for(chosen, line),
            )
        elif line.status == "success" and last_ended_in_twin(
            chosen, spans, self.last, self._facts, index, self._late
        ):
            self._doubts.contradicted(index, chosen, surely=False)
        if len(best) + len(less) > 1:
            chosen = self._doubts.choose(index, chosen, best, lambda span: self._misfit(span, line), less)
        if len(best) > 1:
            mark_doubtful(chosen, best, line)
        return chosen

    def _misfit(self, span: LiveSpan, line: LogLine) -> float:
        """By how many ms more than it may be late the line is not the span's end; by how many at all, where
        times have to be exact."""
        apart = misfit(span, line)
        return apart if self._doubts.exact else max(0.0, apart - self._late(self._world.index, span.begun))

    def error(self, line: LogLine) -> None:
        spans = self._world.open.get(line.step_id or "")
        last = self.last
        just_ended = (
            last is not None
            and last.node.id == line.step_id
            and last.end_index == self._world.index - 1
            and not last.raised
        )
        if last is not None and just_ended and (not spans or (line.error or "").startswith(UNSAVED)):
            self._unsaved(last, line)
            return
        if not spans:
            span = self._end_without_start(line)
        elif len(spans) == 1 and not self._doubts.choices:
            span = spans[0]
        else:
            span = self._chosen_error(spans, line)
        span.shown.status, span.raised, span.shown.error = "error", True, line.error
        span.shown.duration = line.at - span.start
        self._ended(span, line)
        span.act.thrown.append(span)
        self._world.fail(span.act, line.error)

    def _chosen_error(self, spans: list[LiveSpan], line: LogLine) -> LiveSpan:
        index, late = self._world.index, self._late
        chosen, best, less, cost = choose_error(spans, index, self._facts, late, self._doubts.notes)
        if cost >= CONTRADICTS or ends_another(chosen, self._lines, index, late):
            self._doubts.contradicted(index, chosen, surely=cost >= CONTRADICTS)
        if len(best) + len(less) > 1:
            after = self._facts.after(index)
            chosen = self._doubts.choose(index, chosen, best, lambda span: flow_misfit(span, after), less)
        if len(best) > 1:
            mark_doubtful(chosen, best, line)
        return chosen

    def _unsaved(self, span: LiveSpan, line: LogLine) -> None:
        """The step had completed, but saving the state failed, and the host takes that for the step's
        failure."""
        span.shown.error = line.error
        span.raised, span.shown.status = True, "error"
        span.shown.duration, span.shown.host_ms = line.at - span.start, None
        self._world.next = None
        seq = span.seq
        if seq is not None and seq in seq.act.runs:
            seq.act.runs.remove(seq)
            seq.current = None  # in a damaged log a step further on has begun in it before
        span.act.thrown.append(span)
        self._world.fail(span.act, line.error)

    def _ended(self, span: LiveSpan, line: LogLine) -> None:
        world = self._world
        span.end, span.end_index = float(line.at), world.index
        if world.doubts.notes is not None:
            world.doubts.notes.is_about(world.index, span)
        self.last = span
        if span.acts:
            self._close(span, line)
        world.end(span)
        self._stops.ended(world, span)

    def _close(self, span: LiveSpan, line: LogLine) -> None:
        """A container has ended: the attempt that ended it begins nothing more, unless it was given up while
        it ran."""
        act = span.acts[-1]
        given_up = (
            (span.shown.status == "timeout" or (span.shown.error or "").startswith(span.node.timed_out))
            and not act.failed
            and is_due(time_out(act), line.at)
        )
        error = span.shown.error or (_kept_error(span) if span.shown.status in ("error", "timeout") else None)
        if error is not None:
            open_timed_out(self._world, act, lambda node: node.has_timed_out(error))
        elif span.shown.status == "timeout" and not given_up and not act.failed:
            open_timed_out(self._world, act, lambda node: _throws_time_out(node, act.start, line.at))
        calls = self._world.waits.calls
        if not given_up and act in calls:
            calls.remove(act)
        if not given_up and (
            span.shown.status in ("success", "skipped") or (act.failed and not act.runs) or quiet(act)
        ):
            act.closed = True
            act.progress.idle = -1
        if span.shown.status == "success":
            all_done(self._world, act)
        elif span.shown.status == "skipped" or _never_ran(span):
            unborn(self._world, act)

    def _coming(self, step_id: str) -> list[LogLine]:
        """The ends of a step from here on, this one first; as many as a choice can need."""
        ends = self._facts.ends[step_id]
        cursor = self._end_cursor.get(step_id, 0)
        while ends[cursor] < self._world.index:
            cursor += 1
        self._end_cursor[step_id] = cursor
        return [self._lines[index] for index in ends[cursor : cursor + _MOST_COMING]]

    def _end_without_start(self, line: LogLine) -> LiveSpan:
        """The start was lost: the span is entered where it belongs; its duration implies the start."""
        self._doubts.contradicted(self._world.index, None)
        self._faults.append(f"the start of the step {(line.step_id or '')[:80]!r} is missing")
        self._begin_run()
        started = LogLine(step_id=line.step_id, step_name=line.step_id, type="", at=line.at)
        span = self._world.start(started)
        span.start = span.clock = line.at - (line.duration_ms or 0)
        return span


def _throws_time_out(node: Node, began: float, now: float) -> bool:
    """Its time-out may have gone off by then, and what it is in has to do with it."""
    return not node.goes_on and is_due(time_out_of(node, began), now)


def _kept_error(span: LiveSpan) -> str | None:
    """What it has failed with, by its result: the line of what goes on does not say."""
    result = expected(span)
    if (
        result is None
        or ENDS.get(result.status) != span.shown.status
        or result.duration_ms != span.shown.reported_ms
    ):
        return None
    return result.error


def _never_ran(span: LiveSpan) -> bool:
    """What it requires was missing, so that nothing of it was started."""
    return (span.shown.error or "").startswith(f'Step "{span.node.id}" requires ')
