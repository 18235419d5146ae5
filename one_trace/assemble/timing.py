"""When: starts and durations that the log does not give, and what came too late.

A direct child of `parallel` writes no events. It starts with its batch: the first batch with the block, each
next one when all of the batch before it are done. Its duration is the one in its result.
"""

from __future__ import annotations

from one_trace.assemble.blocks import open_next_batch
from one_trace.assemble.live import CLOCK_MS, Act, LiveSpan
from one_trace.assemble.results import settle_results
from one_trace.assemble.world import World


def settle_children(world: World, over: float) -> None:
    """Status, start and duration of the silent children, from their results; parents come before children."""
    for span in world.spans:  # grows while batches are found that nothing was seen of
        for act in span.acts:
            if act.kids:
                _find_batches(world, act, over)
                _settle_block(act)


def _find_batches(world: World, act: Act, over: float) -> None:
    """Of a block that did not succeed: if all of a batch have left a result, the next one was started."""
    block = act.span
    if block is None or block.act.go != world.go or act is not block.acts[-1] or not block.born:
        return
    if block.result is not None and block.result.status in ("success", "skipped"):
        return
    named = next((kid.id for kid in act.steps[act.batch_end :] if f'"{kid.id}"' in (block.error or "")), None)
    while named or all(kid.result is not None for kid in act.kids if kid.batch == act.batch):
        before = len(world.spans)
        if not open_next_batch(world, act):
            break
        settle_results(world.spans[before:], over)
        if any(kid.node.id == named for kid in act.kids):
            return
    last = [kid for kid in act.kids if kid.batch == act.batch]
    if _threw_inside(block) and all(kid.result is not None for kid in last):
        for kid in last:  # one of them threw, so that what stands under its id is an earlier one's
            kid.result = None


def _threw_inside(block: LiveSpan) -> bool:
    own = f'Step "{block.node.id}" '  # its own time-out, or what it requires
    return block.status == "error" and not (block.error or own).startswith(own)


def _settle_block(act: Act) -> None:
    starts: dict[int, float] = {0: act.start}
    if act.span is not None and act.attempt == 1:
        starts[0] = act.span.start
    for kid in act.kids:
        _settle_outcome(kid)
        if kid.status == "skipped":
            _forget(kid)
        elif kid.status != "success":
            _forget(kid, assumed=True)
    for kid in act.kids:
        if kid.batch not in starts:
            starts[kid.batch] = _batch_start(act, kid.batch, starts[kid.batch - 1])
        seen = [k.inner_start for k in act.kids if k.batch == kid.batch and k.inner_start is not None]
        kid.start = min([starts[kid.batch], *seen])
        if kid.status == "stopped" and kid.end is not None:
            kid.duration = kid.end - kid.start
        if kid.end is None and kid.duration is not None:
            kid.end = kid.start + kid.duration
        elif kid.result is None:
            kid.end = _given_up_at(kid)


def _batch_start(act: Act, batch: int, before: float) -> float:
    """A batch starts when all of the one before are done; by the first sign of it where that is not known."""
    durations = [kid.duration for kid in act.kids if kid.batch == batch - 1 and kid.status != "skipped"]
    seen = [kid.inner_start for kid in act.kids if kid.batch == batch and kid.inner_start is not None]
    if None in durations and seen:
        return min(seen)
    return before + max((duration or 0 for duration in durations), default=0)


def _given_up_at(kid: LiveSpan) -> float | None:
    """When a silent child threw its own time-out: its block says so, or ended as timed out, at that time,
    with no time-out of its own."""
    block = kid.act.span
    if block is None or block.end is None:
        return None
    if (block.error or "").startswith(kid.node.timed_out):
        return block.end
    timeout = kid.node.timeout
    if block.status != "timeout" or block.node.timeout is not None or timeout is None:
        return None
    return block.end if abs(kid.start + timeout - block.end) <= 2 * CLOCK_MS else None


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
    if span.slot >= 0 and owner.status == "success":
        return False  # a block waits for its children
    if owner.status in ("incomplete", "") and owner.end is None:
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


def _forget(kid: LiveSpan, *, assumed: bool = False) -> None:
    """A silent block that was skipped started none of its children; one that failed, none of those only
    `assumed`."""
    for act in kid.acts:
        for inner in act.kids:
            if inner.assumed or not assumed:
                inner.born = False
                _forget(inner)
