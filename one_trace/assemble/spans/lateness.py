"""What came too late: it started or ended after what it ran in was over. The order of lines is certain; where
it does not tell, two clocks are compared, and the answer says whether that is certain.
"""

from __future__ import annotations

from one_trace.assemble.live.around import logged
from one_trace.assemble.live.over import quiet
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.timers import is_due, latest_time_out, time_out
from one_trace.assemble.live.tolerance import CLOCK_MS

_AT_ONCE = ("loop", "while", "condition")
"""What writes its first line when an attempt of it begins; a sub-flow does so in the same tick."""


Stopped = dict[int, bool]
"""Spans by their `id()`, and what `_was_stopped` says of them: each is within many others."""


def lateness(span: LiveSpan, log_end: float, stopped: Stopped) -> tuple[bool, bool]:
    """Did it start or end after what it ran in was over, or was it still running when the process ended after
    that? And is that certain: two clocks are compared where the order of lines does not tell."""
    late, sure = _lateness(span, log_end, stopped)
    return late, sure and not (late and span.end is None and _was_stopped(span, stopped))


def _was_stopped(span: LiveSpan, known: Stopped) -> bool:
    """What ran in it is over, and it has not ended: --stop-after leaves no line of that in what was given
    up. Without recursion: sub-flows nest as deep as they like."""
    todo = [span]
    while todo:
        at = todo[-1]
        act = at.acts[-1] if at.acts else None
        inside = [seq.current for seq in act.runs if seq.current is not None] if act else []
        unknown = [current for current in inside if id(current) not in known]
        if unknown:
            todo += unknown
            continue
        known[id(at)] = all(known[id(current)] for current in inside) if inside else _is_stopped_leaf(act)
        todo.pop()
    return known[id(span)]


def _is_stopped_leaf(act: ContainerAttempt | None) -> bool:
    if act is None:
        return False
    seen = (
        act.progress.first_index is not None if act.kind == "parallel" else act.progress.over_at is not None
    )
    return seen and quiet(act)


def _lateness(span: LiveSpan, log_end: float, stopped: Stopped) -> tuple[bool, bool]:
    act = span.act
    owner = act.span
    if owner is None:
        return False, True
    if act.attempt <= len(owner.retried):
        late, sure = _after_attempt(span, act, owner)
        return late, sure and not owner.shown.unsure_attempts
    if (span.slot >= 0 or owner.slot >= 0) and owner.shown.status == "success":
        return False, owner.slot < 0 or not owner.shown.doubtful  # a block waits for its children
    if _ended_it(span, owner):
        return False, not is_due(latest_time_out(owner), span.end or 0)
    if span.slot < 0:
        told = _by_lines(span, owner)
        if told is not None:
            return told, True
    over = owner.end
    if over is None:
        return False, not (_may_have_thrown(owner) or _was_stopped(owner, stopped))
    if _attempt_unsure(owner) or _end_supposed(owner):
        return span.end is None or span.end > over + CLOCK_MS, False
    sure = owner.slot < 0 or not (owner.shown.doubtful or owner.shown.shared_result or _outlasted(owner))
    if span.shown.status == "skipped" and span.slot >= 0:
        return span.start > over + CLOCK_MS, span.batch == 0 or (sure and abs(span.start - over) > CLOCK_MS)
    if span.end is None:
        told = span.shown.status not in ("skipped", "stopped")
        if owner.slot >= 0 and span.slot >= 0 and owner.shown.status == "error":
            return told, False  # it may be what threw
        return told, owner.slot < 0 or (sure and abs(over - log_end) > CLOCK_MS)
    sure = sure and not _timed_out_before(owner, span.end)
    return span.end > over + CLOCK_MS, sure and abs(span.end - over) > CLOCK_MS


def _timed_out_before(owner: LiveSpan, end: float) -> bool:
    """An unlogged container, of which the first line from inside it came later than it began: its time-out
    may have been over by then, though something was thrown in it after that."""
    if owner.slot < 0 or owner.shown.result is not None or owner.end_index is None:
        return False
    return is_due(time_out(owner.acts[-1]), end)


def _ended_it(span: LiveSpan, owner: LiveSpan) -> bool:
    """It threw, and that is what ended the unlogged container that it was in."""
    if owner.slot < 0 or span.act.thrown[:1] != [span] or owner.shown.error != span.shown.error:
        return False
    above = logged(owner)
    return above is None or above.end_index is None or above.end_index > (span.end_index or 0)


def _outlasted(owner: LiveSpan) -> bool:
    """What threw in an unlogged container was written after the end of what that is in: it may be late."""
    above = logged(owner)
    return (
        owner.end_index is not None
        and above is not None
        and above.end_index is not None
        and above.end_index < owner.end_index
    )


def _attempt_unsure(owner: LiveSpan) -> bool:
    """What an unlogged container's end is known by may be that of another attempt of one that it is in."""
    if owner.shown.unsure_attempts:
        return True
    block = owner.act.span if owner.slot >= 0 else None
    known = owner.shown.result is not None or owner.end_index is not None
    return block is not None and not known and _attempt_unsure(block)


def _end_supposed(owner: LiveSpan) -> bool:
    """An unlogged container of which nothing says that it was timed out: its timer may have been late."""
    block = owner.act.span
    return (
        owner.slot >= 0
        and owner.shown.result is None
        and owner.end_index is None
        and owner.shown.status == "incomplete"
        and (block is None or owner.end != block.end)
    )


def _may_have_thrown(owner: LiveSpan) -> bool:
    """An unlogged container of which nothing is known, in something that has ended."""
    above = owner.act.span if owner.slot >= 0 else None
    while above is not None and above.end is None and above.slot >= 0:
        above = above.act.span
    return above is not None and above.end is not None


def _after_attempt(span: LiveSpan, act: ContainerAttempt, owner: LiveSpan) -> tuple[bool, bool]:
    """The container was tried again: late is what went on when the next attempt began."""
    begins = owner.retried[act.attempt - 1]
    following = owner.acts[act.attempt] if act.attempt < len(owner.acts) else None
    if span.end is None:
        return span.shown.status != "skipped" or span.start > begins + CLOCK_MS, True
    if following is not None and following.progress.first_index is not None and span.end_index is not None:
        # that line may be the first of another attempt
        known = not following.unsure.doubtful or abs(span.end - begins) > CLOCK_MS
        if span.end_index > following.progress.first_index:
            return True, known
        # a timer may be late, but that line is written as soon as it goes off
        if following.kind in _AT_ONCE:
            return False, known
        if following.kind == "flow":
            return False, following.start - span.end > CLOCK_MS
    return span.end > begins + CLOCK_MS, abs(span.end - begins) > CLOCK_MS


def _by_lines(span: LiveSpan, owner: LiveSpan) -> bool | None:
    """By the order of lines, which is certain; None where they do not tell."""
    if span.end_index is None:
        return None
    if owner.slot < 0:
        return owner.end_index is not None and span.end_index > owner.end_index
    above: LiveSpan | None = owner
    while above is not None and above.slot >= 0:  # the block that an unlogged owner's end was waited for by
        block = above.act.span
        if block is None or block.shown.status != "success" or block.acts[-1] is not above.act:
            return None
        above = block
        if above.end_index is not None and span.end_index > above.end_index:
            return True
    return None
