"""When: starts and durations that the log does not give, and what came too late.

A direct child of `parallel` writes no events. It starts with its batch, or a little later where those before
it in the batch have kept the thread busy: the first batch with the block, each next one when all of the batch
before it are done. Its duration is the one in its result; what runs in it tells when it was over, and bounds
its start.
"""

from __future__ import annotations

from one_trace.assemble.agree.settled import Saved, overwritten, settle_results
from one_trace.assemble.live.around import unlogged_children
from one_trace.assemble.live.state import ENDS, ContainerAttempt, LiveSpan
from one_trace.assemble.live.timers import goes_off, is_due, is_early, last_began, time_out, time_out_of
from one_trace.assemble.live.tolerance import CLOCK_MS, LONG_BUSY_MS
from one_trace.assemble.reading.blocks import all_done, open_next_batch
from one_trace.assemble.reading.world import World


def settle_children(world: World, over: float, saved: Saved) -> None:
    """Status, start and duration of the unlogged children, from their results; parents come before
    children."""
    for span in world.spans:  # grows while batches are found that nothing was seen of
        for act in span.acts:
            if act.children:
                _find_batches(world, act, saved)
    for span in world.spans:
        for act in span.acts:
            for child in act.children:
                if child.shown.result is not None and (overwritten(child) or _too_short(child)):
                    _left_nothing(child)
            if act.children:
                _settle_block(world, act, over, saved)


def drop_too_short(world: World) -> None:
    """Results of unlogged children that are another's."""
    for span in world.spans:
        if span.slot >= 0 and span.shown.result is not None and _too_short(span):
            _left_nothing(span)


def _too_short(child: LiveSpan) -> bool:
    """A success lasts at least as long as what it waited for: else the result is another run's of it."""
    result, over = child.shown.result, _inside_over(child)
    if result is None or result.status != "success" or result.duration_ms is None or over is None:
        return False
    return child.inner_start is not None and over - child.inner_start > result.duration_ms + CLOCK_MS


def _inside_over(child: LiveSpan) -> float | None:
    """When the last of what its last attempt waited for was over, as far as the log tells."""
    act = child.acts[-1] if child.acts else None
    if act is None or act.kind != "parallel":
        return act.progress.over_at if act is not None else None
    return max((over for inner in act.children if (over := _waited_for(inner)) is not None), default=None)


def _waited_for(child: LiveSpan) -> float | None:
    """Until when its block has waited for it, at the least: what was given up in it goes on after that."""
    over, result = _inside_over(child), child.shown.result
    if over is None:
        return None
    timer = time_out(child.acts[-1])
    if timer is not None:
        over = min(over, timer)
    lasted = result.duration_ms if result is not None and result.status != "success" else None
    return min(over, child.start + lasted) if lasted is not None else over


def _find_batches(world: World, act: ContainerAttempt, saved: Saved) -> None:
    """The batches of which nothing was seen. A block that succeeded has had all of them; of one that did not:
    if all of a batch have left a result, the next one was started."""
    block = act.span
    if block is None or block.act.resume != world.resume or act is not block.acts[-1] or not block.shown.born:
        return
    if block.shown.result is not None and block.shown.result.status == "success":
        before = len(world.spans)
        all_done(world, act)
        settle_results(world.spans[before:], saved)
    if block.shown.result is not None and block.shown.result.status in ("success", "skipped"):
        return
    named = next(
        (
            child.id
            for child in act.steps[act.progress.batch_end :]
            if f'"{child.id}"' in (block.shown.error or "")
        ),
        None,
    )
    while named or all(
        child.shown.result is not None for child in act.children if child.batch == act.progress.batch
    ):
        before = len(world.spans)
        if not open_next_batch(world, act):
            break
        settle_results(world.spans[before:], saved)
        if any(child.node.id == named for child in act.children):
            return
    last = [child for child in act.children if child.batch == act.progress.batch]
    if _threw_inside(block) and all(child.shown.result is not None for child in last):
        for child in last:  # one of them threw, so that what stands under its id is an earlier one's
            _left_nothing(child)


def _left_nothing(child: LiveSpan) -> None:
    """Nor did what is unlogged in it."""
    child.shown.result = None
    for act in child.acts:
        for inner in act.children:
            _left_nothing(inner)


def _threw_inside(block: LiveSpan) -> bool:
    own = f'Step "{block.node.id}" '  # its own time-out, or what it requires
    error = block.shown.error or (block.shown.result.error if block.shown.result is not None else None)
    return block.shown.status == "error" and not (error or own).startswith(own)


def _settle_block(world: World, act: ContainerAttempt, over: float, saved: Saved) -> None:
    starts: dict[int, float] = {0: act.start}
    if act.span is not None and act.attempt == 1:
        starts[0] = act.span.start
    for child in act.children:
        _settle_outcome(world, child)
        if child.shown.status == "skipped":
            _forget(child)
        elif child.shown.status != "success":
            _forget(child, assumed=True)
    for child in act.children:
        if child.batch not in starts:
            starts[child.batch] = _batch_start(act, child.batch, starts[child.batch - 1])
        child.start = _start(act, child, starts[child.batch])
        until = saved.at if child.shown.result is not None else over
        if child.shown.duration is not None and not _could_take(child, child.shown.duration, until):
            _left_nothing(child)  # what stands there is an earlier one's: this one had no time for it
            _settle_outcome(world, child)
        _settle_success(act, child)
        _settle_end(act, child, over)
        if child.acts:
            child.acts[0].start = child.start


def _settle_success(act: ContainerAttempt, child: LiveSpan) -> None:
    """It has said so itself, and what it left was overwritten."""
    shown = child.shown
    if shown.result is None and child.succeeded is not None and _start_known(act, child):
        shown.status, shown.duration = "success", max(0.0, child.succeeded - child.start)
        shown.doubtful = shown.doubtful or shown.unsure_attempts or _start_doubtful(act, child)


def _settle_end(act: ContainerAttempt, child: LiveSpan, over: float) -> None:
    shown = child.shown
    if shown.status == "stopped" and child.end is not None:
        shown.duration = child.end - child.start
        shown.doubtful = shown.doubtful or not _start_known(act, child)
    elif child.end is None and shown.duration is not None:
        child.end = child.start + shown.duration
    elif shown.result is None and child.end is None:
        child.end = _given_up_at(child, over)
    if shown.result is None and shown.status == "incomplete" and _must_have_succeeded(act, child):
        shown.status = "success"


def _must_have_succeeded(act: ContainerAttempt, child: LiveSpan) -> bool:
    """A block succeeds when all of its children have ended, and a child that throws makes it throw unless the
    child handles errors. Nothing tells when this one ended."""
    block = act.span
    if block is None or block.shown.status != "success" or block.acts[-1] is not act or act.unsure.doubtful:
        return False
    return not (child.node.goes_on or child.node.guarded or child.end is not None)


def _start(act: ContainerAttempt, child: LiveSpan, batch_start: float) -> float:
    """Those of a batch start one after another: none later than the first sign of itself or of a later one,
    and none so early that it would have ended before what runs in it."""
    beside = [other for other in act.children if other.batch == child.batch]
    signs = [other.inner_start for other in beside if other.inner_start is not None]
    start = min([batch_start, *signs])
    before = next((other for other in beside if other.slot == child.slot - 1), None)
    if before is not None and before.shown.status != "skipped":
        start = max(start, before.start)
    over = _inside_over(child) if child.shown.status == "success" else None
    if over is not None and child.shown.duration is not None:
        block = act.span
        if block is not None and block.shown.status == "success" and block.end is not None:
            over = min(over, block.end)  # what was timed out in it goes on after that
        later = [
            other.inner_start
            for other in beside
            if other.slot >= child.slot and other.inner_start is not None
        ]
        start = max(start, min([over - child.shown.duration, *later]))
        if _starts_in_silence(child) and not _waits_in_silence(child.acts[-1:]):
            start = min(start, over - child.shown.duration)
    return start


def _starts_in_silence(child: LiveSpan) -> bool:
    """The first line from inside it is not of what begins with it."""
    act = child.acts[-1]
    return act.kind == "parallel" and all(
        inner.inner_start is None for inner in act.children if not inner.batch
    )


def _could_take(child: LiveSpan, duration: float, over: float) -> bool:
    """Was there time for it, and was it not long done when what runs in it was over?"""
    end = child.start + duration
    if end > over + CLOCK_MS:
        return False
    inside = (
        _inside_over(child)
        if child.shown.status == "success" and not _waits_in_silence(child.acts[-1:])
        else None
    )
    return inside is None or end <= inside + LONG_BUSY_MS


def _waits_in_silence(acts: list[ContainerAttempt]) -> bool:
    """It may have waited last for what the log does not tell of when it was done: a leaf, or what failed."""
    children = [child for act in acts for child in _waited_last(act)]
    return any(
        not child.acts or _may_fail(child) or _waits_in_silence(child.acts[-1:]) for child in children
    ) or any(len(act.children) < len(act.steps) for act in acts if act.kind == "parallel")


def _waited_last(act: ContainerAttempt) -> list[LiveSpan]:
    """Of the last batch of which the log tells when something in it was over, and of those after it: one of
    these was waited for last."""
    seen = [child.batch for child in act.children if _waited_for(child) is not None]
    first = max(seen, default=act.progress.batch)
    return [child for child in act.children if child.batch >= first]


def _may_fail(child: LiveSpan) -> bool:
    return child.node.goes_on and (child.shown.result is None or child.shown.result.status != "success")


def _start_known(act: ContainerAttempt, child: LiveSpan) -> bool:
    block = act.span
    if block is not None and block.slot >= 0 and not _start_known(block.act, block):
        return False
    return all(
        other.shown.duration is not None or other.shown.status == "skipped"
        for other in act.children[: child.slot]
    ) or (child.batch == 0)


def _start_doubtful(act: ContainerAttempt, child: LiveSpan) -> bool:
    """It began when those before it were done, by results that may be others'."""
    before = act.children[: child.slot] if child.batch else []
    return any(
        other.shown.duration is not None and (other.shown.doubtful or other.shown.shared_result)
        for other in before
    )


def _batch_start(act: ContainerAttempt, batch: int, before: float) -> float:
    """A batch starts when all of the one before are done; by the first sign of it where that is not known."""
    done = [
        _done_at(child)
        for child in act.children
        if child.batch == batch - 1 and child.shown.status != "skipped"
    ]
    seen = [
        child.inner_start for child in act.children if child.batch == batch and child.inner_start is not None
    ]
    if None in done and seen:
        return min(seen)
    later = [
        child.inner_start for child in act.children if child.batch >= batch and child.inner_start is not None
    ]
    return min([max([before, *filter(None, done)]), *later])


def _done_at(child: LiveSpan) -> float | None:
    over = _inside_over(child)
    if child.shown.duration is None:
        return _waited_for(child)
    if child.shown.status != "success":
        return child.start + child.shown.duration  # what was begun in it may go on
    return max(child.start + child.shown.duration, over or 0)


def _given_up_at(child: LiveSpan, over: float) -> float | None:
    """When an unlogged child threw: its block ended with the error that names its time-out or one inside it,
    or as timed out, at that time, with no time-out of its own. Else it was over by its own time-out."""
    block = child.act.span
    if block is None or block.end is None or block.acts[-1] is not child.act:
        return _own_time_out(child, over)
    error = _error_of(block)
    if error is not None and _named(child, error):
        return block.end
    timeout = child.node.timeout
    if (
        block.shown.status == "timeout"
        and timeout is not None
        and not (child.node.goes_on or _timed_out(block))
    ):
        timer = last_began(child) + timeout
        if not is_early(timer, block.end):
            return block.end if block.end - timer <= 2 * CLOCK_MS else None
    return _own_time_out(child, over)


def _own_time_out(child: LiveSpan, over: float) -> float | None:
    """When it was over at the latest, if the log goes on to then."""
    if not child.acts or child.attempts <= child.node.retries:
        return None
    timer = time_out_of(child.node, last_began(child))
    return timer if is_due(timer, over) else None


def _error_of(block: LiveSpan) -> str | None:
    """What a block threw; an unlogged one threw what the block that it is in did, if it was this one."""
    if block.shown.error is not None:
        return block.shown.error
    if block.shown.result is not None:
        return block.shown.result.error
    above = block.act.span
    if above is None or block.slot < 0 or block.end is None or above.acts[-1] is not block.act:
        return None
    return _error_of(above)


def _named(child: LiveSpan, error: str) -> bool:
    """Is it this unlogged child, or one in it, that the error says was timed out?"""
    return any(inner.node.has_timed_out(error) for inner in (child, *unlogged_children(child)))


def _timed_out(block: LiveSpan) -> bool:
    """By its own time-out, not by that of one in it."""
    return block.end is not None and goes_off(time_out(block.acts[-1]), block.end, 2 * CLOCK_MS)


def _settle_outcome(world: World, child: LiveSpan) -> None:
    result = child.shown.result
    if child.shown.status == "stopped":
        return
    if result is None:
        child.shown.status, child.shown.duration = "incomplete", None
        return
    child.shown.status = ENDS.get(result.status, "error")
    child.shown.duration = child.shown.host_ms = result.duration_ms
    if child.shown.duration is not None and child.shown.duration < 0:
        child.shown.duration = world.facts.clock.elapsed(child.start, child.shown.duration)
    child.shown.error = result.error
    child.end = None
    if result.status == "success":
        child.attempts = max(child.attempts, (result.retries or 0) + 1)


def _forget(child: LiveSpan, *, assumed: bool = False) -> None:
    """An unlogged block that was skipped started none of its children; one that failed, none of those only
    `assumed`."""
    for act in child.acts:
        for inner in act.children:
            if inner.shown.assumed or not assumed:
                inner.shown.born = False
                _forget(inner)
