"""What speaks against a retry: a ``step:retry`` that is held to be a span's next attempt."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.assemble.agree.expected import expected
from one_trace.assemble.live.over import is_over, last_batch_is_done, waits_still
from one_trace.assemble.live.state import LiveSpan
from one_trace.assemble.live.timers import (
    goes_off,
    is_due,
    is_early,
    last_began,
    latest_time_out,
    time_out_of,
)
from one_trace.assemble.live.tolerance import CLOCK_MS, ROUNDED_MS
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.against_end import before_attempt
from one_trace.record.log import LogLine


def against_retry(span: LiveSpan, line: LogLine, late: float) -> Iterator[int]:
    """`late`: by how many ms the line may be late."""
    if line.attempt is not None and span.attempts != line.attempt - 1:
        yield weights.OTHER_ATTEMPT
    if before_attempt(span, line):
        yield weights.BEFORE_ATTEMPT
    if span.attempts > span.node.retries:
        yield weights.NO_RETRIES_LEFT
    yield from _against_handling(span, line)
    if span.acts and not span.acts[-1].failed and (span.slot >= 0 or span.node.timeout is None):
        yield weights.FAILED_UNSEEN
    if not _in_time(span, line, late) or last_batch_is_done(span) or is_over(span):
        yield weights.CANNOT_FAIL_NOW
    elif may_go_on_beside(span) or _just_before(span, line) or _not_due(span, line, late):
        yield weights.FAILS_RATHER_LATER
    result = expected(span)
    if result is not None and (result.retries or 0) < span.attempts:
        yield weights.STATE_HAS_FEWER_RETRIES


def _against_handling(span: LiveSpan, line: LogLine) -> Iterator[int]:
    """The line says what its step's file has: how often it is tried again, and the delay."""
    node = span.node
    if line.max_retries not in (None, node.retries):
        yield weights.OTHER_HANDLING
    given, delay = line.delay_ms, node.retry_delay
    if given is not None and delay is not None and abs(given - delay) > ROUNDED_MS:
        yield weights.OTHER_HANDLING


def may_go_on_beside(child: LiveSpan) -> bool:
    """An unlogged step that was held to be done with a block in which another may have thrown in silence:
    this one goes on then."""
    if child.slot < 0 or child.open or child.end is not None:
        return False
    act = child.act
    while act.span is not None and act.span.slot >= 0:
        block = act.span
        result = expected(block)
        failed = result is None or result.status != "success"
        if failed and block.node.goes_on and len(act.children) > 1:
            return True
        act = block.act
    return False


def cannot_have_failed(span: LiveSpan, line: LogLine, late: float) -> bool:
    """Its attempt had begun something, of which the log would tell if it had thrown, and is not timed out
    by now."""
    act = span.acts[-1] if span.acts else None
    if act is None or not act.progress.started:
        return False
    if span.slot < 0:
        return span.node.timeout is None and waits_still(act)
    return not _in_time(span, line, late)


def _just_before(child: LiveSpan, line: LogLine) -> bool:
    """An unlogged step's time-out is all but over: it began before the first line from inside it."""
    return child.slot >= 0 and is_early(latest_time_out(child), line.at) and not child.acts[-1].failed


def _not_due(leaf: LiveSpan, line: LogLine, late: float) -> bool:
    """It has a time-out, which does not go off now: it may have thrown."""
    if leaf.acts or leaf.slot >= 0:
        return False
    timer = time_out_of(leaf.node, last_began(leaf))
    return timer is not None and not goes_off(timer, line.at, late)


def _in_time(span: LiveSpan, line: LogLine, late: float) -> bool:
    """Can its attempt have failed by now? What did not throw was timed out, and nothing fails after that."""
    act = span.acts[-1] if span.acts else None
    if span.node.timeout is None:
        return True
    if span.slot >= 0:
        if act is None or act.kind == "parallel":
            return True  # nothing is seen of it
        return act.failed or is_due(latest_time_out(span), line.at)
    timer = last_began(span) + span.node.timeout
    threw = act is None or act.failed
    return (threw or is_due(timer, line.at)) and line.at <= timer + max(late, CLOCK_MS)
