"""What speaks against an error: a ``step:error`` that is held to be thrown by a span. It has no duration, but
its text names time-outs, and what it was thrown in ends with it."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.assemble.agree.expected import expected
from one_trace.assemble.flowtree.tree import CONTAINERS, Node
from one_trace.assemble.live.around import unlogged_children
from one_trace.assemble.live.facts import Facts
from one_trace.assemble.live.state import LiveSpan
from one_trace.assemble.live.timers import last_began
from one_trace.assemble.live.tolerance import TWICE_ROUNDED_MS, Tolerance
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.against_end import before_attempt
from one_trace.assemble.reading.cascade import ill_followed
from one_trace.assemble.reading.tick import began_apart, names_time_out
from one_trace.record.log import LogLine


def against_error(span: LiveSpan, index: int, facts: Facts, late: Tolerance) -> Iterator[int]:
    line = facts.lines[index]
    if before_attempt(span, line):
        yield weights.BEFORE_ATTEMPT
    if line.strategy not in (None, span.node.said_strategy):
        yield weights.OTHER_HANDLING
    yield ill_followed(span, facts.lines, index, late, failed=True)
    yield from _against_inside(span, line)
    if span.attempts <= span.node.retries:
        yield weights.ATTEMPTS_LEFT
    yield from _against_timers(span, line)
    if not _may_throw(span, line.error or ""):
        yield weights.CANNOT_THROW
    result = expected(span)
    if result is not None and result.status == "success":
        # what threw leaves no result: that of one before it may stand there
        before = span.node.id in span.scope.shared.last
        yield weights.STORED_SUCCESS_BEFORE if before else weights.STORED_SUCCESS
    if not _fails_above(span, line.error):
        yield weights.ABOVE_SUCCEEDS


def _against_inside(span: LiveSpan, line: LogLine) -> Iterator[int]:
    """A container throws what was thrown in it, or its own time-out."""
    if not span.acts or span.node.has_timed_out(line.error):
        return
    act = span.acts[-1]
    if act.failed:
        if act.error != line.error:
            yield weights.OTHER_ERROR_INSIDE
    else:
        yield weights.NOTHING_THREW if act.progress.started else weights.NOTHING_SEEN


def _against_timers(span: LiveSpan, line: LogLine) -> Iterator[int]:
    """The error may name a time-out, its own or an unlogged child's: which is not early, and no attempt of
    which follows."""
    timeout, act = _named_time_out(span.node, line.error), span.acts[-1] if span.acts else None
    if timeout is not None and not (act is not None and act.failed):
        early = last_began(span) + timeout - line.at
        if early > 0:
            yield weights.TIMER_NEARLY_DUE if early <= TWICE_ROUNDED_MS else weights.TIMER_NOT_DUE
    named = [child for child in unlogged_children(span) if child.node.has_timed_out(line.error)]
    if named and all(child.attempts <= child.node.retries for child in named):
        yield weights.CHILD_IS_RETRIED


def _named_time_out(node: Node, error: str | None) -> float | None:
    """How long the time-out is that the error names: its own, or an unlogged child's."""
    return next((inner.timeout for inner in node.unlogged_inside() if inner.has_timed_out(error)), None)


def _may_throw(span: LiveSpan, error: str) -> bool:
    """An error that names the step which was timed out: it is this one, or one in it."""
    if error.startswith(span.node.timed_out):
        act = span.acts[-1] if span.acts else None
        own = _named_time_out(span.node, error) is not None
        return own or (act is not None and act.failed and act.error == error)
    return span.node.type in CONTAINERS or not names_time_out(error)


def _fails_above(span: LiveSpan, error: str | None) -> bool:
    """Does what stands above it end as it would if this error had been thrown in it?"""
    act = span.act
    above = act.span
    while above is not None:
        if act.attempt <= above.node.retries or not above.open or above.acts[-1] is not act:
            return True  # it is tried again, or was given up before
        result = expected(above)
        if result is not None:
            return result.status != "success" and (result.error == error or result.status == "timeout")
        if above.node.strategy in ("continue", "fallback"):
            return True
        act = above.act
        above = act.span
    return True


def flow_misfit(span: LiveSpan, after: LogLine | None) -> float:
    """A sub-flow ends with the next line, and says how long it took: by how many ms is it not the one that
    the step ran in?"""
    flow = span.act
    if after is None or flow.kind != "flow":
        return 0
    if flow.span is None or flow.tree is None or flow.tree.key != after.flow_key:
        return 0
    return began_apart(after, flow.start)
