"""When: starts and durations that the log does not give, and what came too late.

A direct child of `parallel` writes no events. It starts with its batch, or a little later where those before
it in the batch have kept the thread busy: the first batch with the block, each next one when all of the batch
before it are done. Its duration is the one in its result; what runs in it tells when it was over, and bounds
its start.
"""

from __future__ import annotations

from one_trace.assemble.agree.results import Saved, overwritten, settle_results
from one_trace.assemble.live.state import CLOCK_MS, ENDS, Act, LiveSpan, last_began, silent_kids
from one_trace.assemble.reading.blocks import all_done, open_next_batch
from one_trace.assemble.reading.world import World

_STALL_MS = 250
"""How long the host may be busy, with saving a large state, before a container ends after what runs in it."""


def settle_children(world: World, over: float, saved: Saved) -> None:
    """Status, start and duration of the silent children, from their results; parents come before children."""
    for span in world.spans:  # grows while batches are found that nothing was seen of
        for act in span.acts:
            if act.kids:
                _find_batches(world, act, saved)
    for span in world.spans:
        for act in span.acts:
            for kid in act.kids:
                if kid.result is not None and (overwritten(kid) or _too_short(kid)):
                    _left_nothing(kid)
            if act.kids:
                _settle_block(world, act, over, saved)


def drop_too_short(world: World) -> None:
    """Results of silent children that are another's."""
    for span in world.spans:
        if span.slot >= 0 and span.result is not None and _too_short(span):
            _left_nothing(span)


def _too_short(kid: LiveSpan) -> bool:
    """A success lasts at least as long as what it waited for: else the result is another run's of it."""
    result, over = kid.result, _inside_over(kid)
    if result is None or result.status != "success" or result.duration_ms is None or over is None:
        return False
    return kid.inner_start is not None and over - kid.inner_start > result.duration_ms + CLOCK_MS


def _inside_over(kid: LiveSpan) -> float | None:
    """When the last of what its last attempt waited for was over, as far as the log tells."""
    act = kid.acts[-1] if kid.acts else None
    if act is None or act.kind != "parallel":
        return act.over_at if act is not None else None
    return max((over for inner in act.kids if (over := _waited_for(inner)) is not None), default=None)


def _waited_for(kid: LiveSpan) -> float | None:
    """Until when its block has waited for it, at the least: what was given up in it goes on after that."""
    over, timeout, result = _inside_over(kid), kid.node.timeout, kid.result
    if over is None:
        return None
    if timeout is not None:
        over = min(over, kid.acts[-1].start + timeout)
    lasted = result.duration_ms if result is not None and result.status != "success" else None
    return min(over, kid.start + lasted) if lasted is not None else over


def _find_batches(world: World, act: Act, saved: Saved) -> None:
    """The batches of which nothing was seen. A block that succeeded has had all of them; of one that did not:
    if all of a batch have left a result, the next one was started."""
    block = act.span
    if block is None or block.act.go != world.go or act is not block.acts[-1] or not block.born:
        return
    if block.result is not None and block.result.status == "success":
        before = len(world.spans)
        all_done(world, act)
        settle_results(world.spans[before:], saved)
    if block.result is not None and block.result.status in ("success", "skipped"):
        return
    named = next((kid.id for kid in act.steps[act.batch_end :] if f'"{kid.id}"' in (block.error or "")), None)
    while named or all(kid.result is not None for kid in act.kids if kid.batch == act.batch):
        before = len(world.spans)
        if not open_next_batch(world, act):
            break
        settle_results(world.spans[before:], saved)
        if any(kid.node.id == named for kid in act.kids):
            return
    last = [kid for kid in act.kids if kid.batch == act.batch]
    if _threw_inside(block) and all(kid.result is not None for kid in last):
        for kid in last:  # one of them threw, so that what stands under its id is an earlier one's
            _left_nothing(kid)


def _left_nothing(kid: LiveSpan) -> None:
    """Nor did what is silent in it."""
    kid.result = None
    for act in kid.acts:
        for inner in act.kids:
            _left_nothing(inner)


def _threw_inside(block: LiveSpan) -> bool:
    own = f'Step "{block.node.id}" '  # its own time-out, or what it requires
    error = block.error or (block.result.error if block.result is not None else None)
    return block.status == "error" and not (error or own).startswith(own)


def _settle_block(world: World, act: Act, over: float, saved: Saved) -> None:
    starts: dict[int, float] = {0: act.start}
    if act.span is not None and act.attempt == 1:
        starts[0] = act.span.start
    for kid in act.kids:
        _settle_outcome(world, kid)
        if kid.status == "skipped":
            _forget(kid)
        elif kid.status != "success":
            _forget(kid, assumed=True)
    for kid in act.kids:
        if kid.batch not in starts:
            starts[kid.batch] = _batch_start(act, kid.batch, starts[kid.batch - 1])
        kid.start = _start(act, kid, starts[kid.batch])
        until = saved.at if kid.result is not None else over
        if kid.duration is not None and not _could_take(kid, kid.duration, until):
            _left_nothing(kid)  # what stands there is an earlier one's: this one had no time for it
            _settle_outcome(world, kid)
        if kid.result is None and kid.succeeded is not None and _start_known(act, kid):
            kid.status, kid.duration = "success", max(0.0, kid.succeeded - kid.start)
            kid.doubtful = kid.doubtful or kid.unsure_attempts or _start_doubtful(act, kid)
        if kid.status == "stopped" and kid.end is not None:
            kid.duration = kid.end - kid.start
            kid.doubtful = kid.doubtful or not _start_known(act, kid)
        elif kid.end is None and kid.duration is not None:
            kid.end = kid.start + kid.duration
        elif kid.result is None and kid.end is None:
            kid.end = _given_up_at(kid, over)
        if kid.result is None and kid.status == "incomplete" and _must_have_succeeded(act, kid):
            kid.status = "success"
        if kid.acts:
            kid.acts[0].start = kid.start


def _must_have_succeeded(act: Act, kid: LiveSpan) -> bool:
    """A block succeeds when all of its children have ended, and a child that throws makes it throw unless the
    child handles errors. Nothing tells when this one ended."""
    block = act.span
    if block is None or block.status != "success" or block.acts[-1] is not act or act.doubtful:
        return False
    return not (kid.node.goes_on or kid.node.guarded or kid.end is not None)


def _start(act: Act, kid: LiveSpan, batch_start: float) -> float:
    """Those of a batch start one after another: none later than the first sign of itself or of a later one,
    and none so early that it would have ended before what runs in it."""
    beside = [other for other in act.kids if other.batch == kid.batch]
    signs = [other.inner_start for other in beside if other.inner_start is not None]
    start = min([batch_start, *signs])
    before = next((other for other in beside if other.slot == kid.slot - 1), None)
    if before is not None and before.status != "skipped":
        start = max(start, before.start)
    over = _inside_over(kid) if kid.status == "success" else None
    if over is not None and kid.duration is not None:
        block = act.span
        if block is not None and block.status == "success" and block.end is not None:
            over = min(over, block.end)  # what was timed out in it goes on after that
        later = [
            other.inner_start for other in beside if other.slot >= kid.slot and other.inner_start is not None
        ]
        start = max(start, min([over - kid.duration, *later]))
        if _starts_in_silence(kid) and not _waits_in_silence(kid.acts[-1:]):
            start = min(start, over - kid.duration)
    return start


def _starts_in_silence(kid: LiveSpan) -> bool:
    """The first line from inside it is not of what begins with it."""
    act = kid.acts[-1]
    return act.kind == "parallel" and all(inner.inner_start is None for inner in act.kids if not inner.batch)


def _could_take(kid: LiveSpan, duration: float, over: float) -> bool:
    """Was there time for it, and was it not long done when what runs in it was over?"""
    end = kid.start + duration
    if end > over + CLOCK_MS:
        return False
    inside = _inside_over(kid) if kid.status == "success" and not _waits_in_silence(kid.acts[-1:]) else None
    return inside is None or end <= inside + _STALL_MS


def _waits_in_silence(acts: list[Act]) -> bool:
    """It may have waited last for what the log does not tell of when it was done: a leaf, or what failed."""
    kids = [kid for act in acts for kid in _waited_last(act)]
    return any(not kid.acts or _may_fail(kid) or _waits_in_silence(kid.acts[-1:]) for kid in kids) or any(
        len(act.kids) < len(act.steps) for act in acts if act.kind == "parallel"
    )


def _waited_last(act: Act) -> list[LiveSpan]:
    """Of the last batch of which the log tells when something in it was over, and of those after it: one of
    these was waited for last."""
    seen = [kid.batch for kid in act.kids if _waited_for(kid) is not None]
    first = max(seen, default=act.batch)
    return [kid for kid in act.kids if kid.batch >= first]


def _may_fail(kid: LiveSpan) -> bool:
    return kid.node.goes_on and (kid.result is None or kid.result.status != "success")


def _start_known(act: Act, kid: LiveSpan) -> bool:
    block = act.span
    if block is not None and block.slot >= 0 and not _start_known(block.act, block):
        return False
    return all(other.duration is not None or other.status == "skipped" for other in act.kids[: kid.slot]) or (
        kid.batch == 0
    )


def _start_doubtful(act: Act, kid: LiveSpan) -> bool:
    """It began when those before it were done, by results that may be others'."""
    before = act.kids[: kid.slot] if kid.batch else []
    return any(other.duration is not None and (other.doubtful or other.shared_result) for other in before)


def _batch_start(act: Act, batch: int, before: float) -> float:
    """A batch starts when all of the one before are done; by the first sign of it where that is not known."""
    done = [_done_at(kid) for kid in act.kids if kid.batch == batch - 1 and kid.status != "skipped"]
    seen = [kid.inner_start for kid in act.kids if kid.batch == batch and kid.inner_start is not None]
    if None in done and seen:
        return min(seen)
    later = [kid.inner_start for kid in act.kids if kid.batch >= batch and kid.inner_start is not None]
    return min([max([before, *filter(None, done)]), *later])


def _done_at(kid: LiveSpan) -> float | None:
    over = _inside_over(kid)
    if kid.duration is None:
        return _waited_for(kid)
    if kid.status != "success":
        return kid.start + kid.duration  # what was begun in it may go on
    return max(kid.start + kid.duration, over or 0)


def _given_up_at(kid: LiveSpan, over: float) -> float | None:
    """When a silent child threw: its block ended with the error that names its time-out or one inside it, or
    as timed out, at that time, with no time-out of its own. Else it was over by its own time-out."""
    block = kid.act.span
    if block is None or block.end is None or block.acts[-1] is not kid.act:
        return _own_time_out(kid, over)
    error = _error_of(block)
    if error is not None and _named(kid, error):
        return block.end
    timeout = kid.node.timeout
    if block.status == "timeout" and timeout is not None and not (kid.node.goes_on or _timed_out(block)):
        lateness = block.end - last_began(kid) - timeout
        if lateness >= -1:  # no timer goes off early, but for the rounding of clocks
            return block.end if lateness <= 2 * CLOCK_MS else None
    return _own_time_out(kid, over)


def _own_time_out(kid: LiveSpan, over: float) -> float | None:
    """When it was over at the latest, if the log goes on to then."""
    timeout = kid.node.timeout
    if timeout is None or not kid.acts or kid.attempts <= kid.node.retries:
        return None
    ends = last_began(kid) + timeout
    return ends if ends <= over + CLOCK_MS else None


def _error_of(block: LiveSpan) -> str | None:
    """What a block threw; a silent one threw what the block that it is in did, if it was this one."""
    if block.error is not None:
        return block.error
    if block.result is not None:
        return block.result.error
    above = block.act.span
    if above is None or block.slot < 0 or block.end is None or above.acts[-1] is not block.act:
        return None
    return _error_of(above)


def _named(kid: LiveSpan, error: str) -> bool:
    """Is it this silent child, or one in it, that the error says was timed out?"""
    return any(inner.node.has_timed_out(error) for inner in (kid, *silent_kids(kid)))


def _timed_out(block: LiveSpan) -> bool:
    """By its own time-out, not by that of one in it."""
    timeout = block.node.timeout
    if timeout is None or block.end is None:
        return False
    return abs(block.acts[-1].start + timeout - block.end) <= 2 * CLOCK_MS


def _settle_outcome(world: World, kid: LiveSpan) -> None:
    result = kid.result
    if kid.status == "stopped":
        return
    if result is None:
        kid.status, kid.duration = "incomplete", None
        return
    kid.status = ENDS.get(result.status, "error")
    kid.duration = kid.host_ms = result.duration_ms
    if kid.duration is not None and kid.duration < 0:
        kid.duration = world.facts.clock.elapsed(kid.start, kid.duration)
    kid.error, kid.error_code = result.error, result.error_code
    kid.end = None
    if result.status == "success":
        kid.attempts = max(kid.attempts, (result.retries or 0) + 1)


def _forget(kid: LiveSpan, *, assumed: bool = False) -> None:
    """A silent block that was skipped started none of its children; one that failed, none of those only
    `assumed`."""
    for act in kid.acts:
        for inner in act.kids:
            if inner.assumed or not assumed:
                inner.born = False
                _forget(inner)
