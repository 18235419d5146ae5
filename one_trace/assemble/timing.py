"""When: starts and durations that the log does not give, and what came too late.

A direct child of `parallel` writes no events. It starts with its batch: the first batch with the block, each
next one when all of the batch before it are done. Its duration is the one in its result.
"""

from __future__ import annotations

from one_trace.assemble.live import CLOCK_MS, Act, LiveSpan


def settle_children(spans: list[LiveSpan]) -> None:
    """Status, start and duration of the silent children, from their results; parents come before children."""
    for span in spans:
        for act in span.acts:
            if act.kids:
                _settle_block(act)


def _settle_block(act: Act) -> None:
    starts: dict[int, float] = {0: act.start}
    if act.span is not None and act.attempt == 1:
        starts[0] = act.span.start
    for kid in act.kids:
        _settle_outcome(kid)
        if kid.status == "skipped":
            _forget(kid)
    for kid in act.kids:
        if kid.batch not in starts:
            before = [other for other in act.kids if other.batch == kid.batch - 1]
            begun = starts[kid.batch - 1]
            starts[kid.batch] = max(begun + (other.duration or 0) for other in before)
        seen = [k.inner_start for k in act.kids if k.batch == kid.batch and k.inner_start is not None]
        if seen and (kid.batch > 0 or min(seen) < starts[kid.batch]):
            starts[kid.batch] = min(seen)
        kid.start = starts[kid.batch]
        if kid.end is None and kid.duration is not None:
            kid.end = kid.start + kid.duration


def _settle_outcome(kid: LiveSpan) -> None:
    result = kid.result
    if kid.status == "stopped":
        return
    if result is None:
        kid.status, kid.duration, kid.end = "incomplete", None, None
        return
    kid.status = "error" if result.status == "failed" else result.status
    kid.duration = result.duration_ms
    kid.error, kid.error_code = result.error, result.error_code
    kid.end = None
    if result.status == "success":
        kid.attempts = max(kid.attempts, (result.retries or 0) + 1)


def is_late(span: LiveSpan) -> bool:
    """Did it start or end after what it ran in was over, or was it still running when the process ended after
    that?"""
    act = span.act
    owner = act.span
    if owner is None:
        return False
    over = _attempt_over(act, owner)
    if over is not None and (span.start > over + CLOCK_MS or span.end is None or span.end > over + CLOCK_MS):
        return span.status != "skipped" or span.start > over + CLOCK_MS
    if owner.status in ("incomplete", ""):
        return False
    if owner.end_index is not None and span.seq is not None:
        return span.end_index is None or span.end_index > owner.end_index
    if span.end is None:
        return owner.end is not None and span.status not in ("skipped", "stopped")
    if owner.status == "success" and owner.slot >= 0:
        return False
    return owner.end is not None and span.end > owner.end + CLOCK_MS


def _attempt_over(act: Act, owner: LiveSpan) -> float | None:
    """When the next attempt of the container began; None for the last one."""
    return owner.retried[act.attempt - 1] if act.attempt <= len(owner.retried) else None


def _forget(kid: LiveSpan) -> None:
    """A silent block that was skipped started none of its children."""
    for act in kid.acts:
        for inner in act.kids:
            inner.born = False
            _forget(inner)
