"""What speaks against an end: a ``step:complete`` that is held to be a span's.

Strongest first:
* what follows: a step that is not the last of its list is followed at once by the start of the next one;
* what was made: a success reports its retries, and a container ends after what runs in it;
* what the state holds: status, duration and retries of this very step, where its result is kept;
* time: start + duration is the end, but for the delay of the log.
"""

from __future__ import annotations

from one_trace.assemble.agree.belied import may_be_merged
from one_trace.assemble.agree.expected import expected
from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.live.facts import Facts
from one_trace.assemble.live.over import all_run, quiet, through_at, waits_still
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.timers import is_early, is_past, latest_time_out
from one_trace.assemble.live.tolerance import CLOCK_MS, TWICE_ROUNDED_MS, Tolerance
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.blocks import may_go_on
from one_trace.assemble.reading.cascade import ill_followed
from one_trace.assemble.reading.signs import has_to_show
from one_trace.assemble.reading.tick import began_apart
from one_trace.record.log import LogLine
from one_trace.record.state import Result

_FOLLOWS_UNASKED = ("flow:stopped", "step:dry-resolve")
"""Events that may come between an end and the start after it."""


class EndLine:
    """A ``step:complete``, and what of its log matters for whichever span it ends."""

    __slots__ = ("after", "facts", "index", "late", "line", "stops")

    def __init__(self, index: int, facts: Facts, late: Tolerance) -> None:
        self.index = index
        self.facts = facts
        self.late = late
        self.line = facts.lines[index]
        self.after = facts.after(index)
        self.stops = self.line.step_id in facts.stopped_after
        """What comes after it may have been left out."""


def against_end(span: LiveSpan, end: EndLine) -> list[int]:
    """How ill an end fits a span; nothing: it fits in all but time."""
    line = end.line
    against: list[int] = []
    if span.retried and before_attempt(span, line):
        against.append(weights.BEFORE_ATTEMPT)
    if not end.stops:
        seq = span.seq
        if seq is not None and seq.pos + 1 < len(seq.nodes):
            _look_at_next(against, seq.nodes[seq.pos + 1], end)
        else:
            against.append(ill_followed(span, end.facts.lines, end.index, end.late, failed=False))
    _look_at_status(against, span, line)
    _look_at_time_and_state(against, span, end)
    return against


def _look_at_next(against: list[int], following: Node, end: EndLine) -> None:
    """Its list goes on with this step."""
    after = end.after
    if after is None:
        return
    if after.event == "step:start":
        if after.step_id != following.id:
            against.append(weights.OTHER_STEP_FOLLOWS)
    elif after.event not in _FOLLOWS_UNASKED and not end.facts.fails_at_once(end.index):
        against.append(weights.NO_STEP_FOLLOWS)


def _look_at_status(against: list[int], span: LiveSpan, line: LogLine) -> None:
    act = span.acts[-1] if span.acts else None
    if line.status in ("failed", "timeout") and not span.node.goes_on:
        against.append(weights.WOULD_HAVE_THROWN)
    if line.status == "skipped":
        if act is not None and act.progress.first_index is not None:
            against.append(weights.RAN_BEFORE_SKIP)
        elif not span.node.guarded:
            against.append(weights.CANNOT_SKIP)
    if line.status == "success":
        if (line.retries or 0) != span.attempts - 1:
            against.append(weights.OTHER_RETRIES)
        if act is not None and not _may_end(act, line.at):
            against.append(weights.SUCCESS_INSIDE_OPEN)
    if line.status == "failed" and act is not None:
        if waits_still(act) or all_run(act):
            against.append(weights.FAILURE_INSIDE_OPEN)
        elif act.progress.started and not act.failed:
            against.append(weights.FAILURE_UNSEEN)


def _look_at_time_and_state(against: list[int], span: LiveSpan, end: EndLine) -> None:
    line, facts, delay = end.line, end.facts, 0.0
    if line.duration_ms is not None:
        delay = line.at - span.clock - line.duration_ms
        # what is written at the end cannot be earlier than the step's own clock has it
        if delay < (0 if span.started_at is not None else -CLOCK_MS):
            against.append(weights.ENDS_TOO_EARLY)
    if span.acts and facts.exact:
        if _overdue(span.acts[-1], line.at):
            against.append(weights.CHILD_TIMED_OUT)
        over = through_at(span.acts[-1]) if line.status == "success" else None
        if over is not None and over + end.late(end.index) < line.at:
            against.append(weights.THROUGH_BEFORE)
    result = expected(span)
    agrees = result is not None and _agrees(result, line)
    if result is not None and not agrees:
        merged = may_be_merged(result, span)
        against.append(weights.STATE_MAY_BE_MERGED if merged else weights.STATE_DIFFERS)
    # it may once have been later than was measured, but seldom
    if delay > 0 and delay > end.late(end.index, span.begun) + (0 if facts.exact else TWICE_ROUNDED_MS):
        against.append(weights.LATE_BUT_STORED if agrees else weights.ENDS_TOO_LATE)


def before_attempt(span: LiveSpan, line: LogLine) -> bool:
    """The delay before its last attempt is not over yet."""
    return bool(span.retried) and is_early(span.retried[-1], line.at)


def _may_end(act: ContainerAttempt, now: float) -> bool:
    return may_go_on(act, now, kept=False) and not has_to_show(act) if act.kind == "parallel" else quiet(act)


def _overdue(act: ContainerAttempt, at: float) -> bool:
    """An unlogged child was timed out by then, which would have ended the block: where no timer is late."""
    return act.kind == "parallel" and any(
        child.open
        and not child.node.goes_on
        and child.attempts > child.node.retries
        and (_outran(child, inner, at) or _overdue(inner, at))
        for child in act.children
        for inner in child.acts[-1:]
    )


def _outran(child: LiveSpan, act: ContainerAttempt, at: float) -> bool:
    """What runs in it went on after its time-out."""
    over = latest_time_out(child)
    if not is_past(over, at) or act.failed:
        return False
    return not quiet(act) or is_past(over, act.progress.over_at or 0)


def misfit(span: LiveSpan, line: LogLine) -> float:
    """By how many ms start + duration is not the end."""
    return began_apart(line, span.clock)


def vouched_for(span: LiveSpan, line: LogLine) -> bool:
    """The state has just this end for the span: only its times speak against it."""
    result = expected(span)
    return result is not None and _agrees(result, line)


def _agrees(result: Result, line: LogLine) -> bool:
    return (
        result.status == line.status
        and result.duration_ms == line.reported_ms
        and (result.retries or 0) == (line.retries or 0)
    )
