"""Unlogged blocks: the direct children of `parallel` start and end without a line of log.

They run in batches of `maxConcurrency`. A batch starts as a whole when all of the one before are done, so a
sign of life from a later child tells that all batches between are over, and a block that has succeeded has
seen all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from one_trace.assemble.agree.expected import expected
from one_trace.assemble.agree.results import is_last
from one_trace.assemble.flowtree.tree import CONTAINERS, Node
from one_trace.assemble.live.over import quiet
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.timers import is_due, is_early, time_out
from one_trace.assemble.live.tolerance import CLOCK_MS
from one_trace.assemble.reading.signs import can_throw, first_ids, has_to_show, owes, shows_itself
from one_trace.assemble.reading.standing import Standing


def begin_attempt(world: Standing, span: LiveSpan, start: float) -> ContainerAttempt:
    """The next attempt of a container."""
    attempt = span.attempts
    act = ContainerAttempt(span, span.node, attempt, span.scope, world.resume)
    act.prefix = span.path if attempt == 1 else f"{span.path}#{attempt}"
    act.under = span.flow
    act.start, act.opened = start, max(start, world.now)
    act.depth = span.act.depth + 1
    act.unsure.doubtful = span.shown.doubtful or span.act.unsure.doubtful
    act.unsure.astray = span.act.unsure.astray
    span.acts.append(act)
    if act.kind == "loop" and act.node is not None and act.node.concurrency > 1:
        act.under.merging.append(span)
    if act.kind == "flow":
        world.waits.calls.append(act)
    elif act.kind == "parallel":
        open_batch(world, act, 0)
    return act


def open_batch(world: Standing, act: ContainerAttempt, first: int) -> None:
    """The children of one batch of a parallel block start together, and in silence."""
    nodes = act.steps
    concurrency = act.node.concurrency if act.node is not None else 1
    act.progress.batch_end = min(first + concurrency, len(nodes))
    act.progress.batch += first > 0
    act.progress.cursor = first
    before = [child for child in act.children if child.batch == act.progress.batch - 1] if first else []
    since = max([act.start, *map(_done_since, before)])
    for slot in range(first, act.progress.batch_end):
        node = nodes[slot]
        child = LiveSpan(node, None, act, f"{act.prefix} > {node.id}", since, len(world.spans))
        child.shown.doubtful = act.unsure.batch
        child.slot, child.batch = slot, act.progress.batch
        world.spans.append(child)
        act.children.append(child)
        world.children.setdefault(node.id, []).append(child)
        world.foresight.expect(child)
        if node.type in CONTAINERS:
            begin_attempt(world, child, since)
    if act.progress.batch_end < len(nodes) and first == 0:
        world.waits.pending.append(act)


def _done_since(child: LiveSpan) -> float:
    """Before which it was not done, as far as that is known."""
    result = expected(child)
    if result is not None:
        return child.start + (result.duration_ms or 0)
    act = child.acts[-1] if child.acts else None
    if act is None or act.progress.over_at is None or child.node.timeout is not None or not quiet(act):
        return child.start
    return max(child.start, act.progress.over_at)


def advance(world: Standing, act: ContainerAttempt, shows: Callable[[Node], bool]) -> bool:
    """Open batches of a parallel block up to that of a child that `shows` itself now; False if there is
    none. Those between were over without a line of log."""
    if not may_open(act, shows, world.now, kept=world.kept):
        return False
    while open_next_batch(world, act):
        if any(shows(child.node) for child in act.children[act.progress.cursor :]):
            act.unsure.batch = False
            return True
    return False


def may_open(act: ContainerAttempt, shows: Callable[[Node], bool], now: float, *, kept: bool) -> bool:
    """A later batch of a block can begin, in which a child `shows` itself. `kept`: the state was saved after
    this."""
    return (
        act.kind == "parallel"
        and not (act.failed or act.closed)
        and within_reach(act, shows)
        and may_go_on(act, now, kept=kept)
    )


def within_reach(act: ContainerAttempt, shows: Callable[[Node], bool]) -> bool:
    """A later batch has a child that `shows`, and nothing in the batches before it would have been seen."""
    nodes = act.steps
    at = next((at for at in range(act.progress.batch_end, len(nodes)) if shows(nodes[at])), None)
    if at is None or act.node is None:
        return False
    first = at - (at - act.progress.batch_end) % act.node.concurrency
    return not any(
        shows_itself(node) for node in nodes[act.progress.batch_end : first]
    ) and not _ended_before(act, first)


def _ended_before(act: ContainerAttempt, first: int) -> bool:
    """By its result, or by that of a block it is in, one before this child was timed out, and threw."""
    at = act
    while at.span is not None and at.kind == "parallel":
        result = expected(at.span)
        if result is not None:
            last = is_last(at, result)
            threw = [node for node in _throwing(at.steps) if node.has_timed_out(result.error)]
            before = set(_throwing(act.steps[:first])) if last and threw else set()
            return bool(before) and before.issuperset(threw)
        if at.span.slot < 0 or at.span.node.strategy != "fail":
            return False
        at = at.span.act
    return False


def reopen(world: Standing, shows: Callable[[Node], bool]) -> bool:
    """A later batch of a failed block in which something shows itself had begun before, in silence."""
    for act in reversed(world.waits.failed_blocks):
        if not act.thrown and any(shows(node) for node in act.steps[act.progress.batch_end :]):
            while not any(shows(child.node) for child in act.children[act.progress.cursor :]):
                open_next_batch(world, act)
            world.waits.pending += [
                inner
                for child in act.children[act.progress.cursor :]
                for inner in child.acts
                if child.node.type != "flow" and inner not in world.waits.pending
            ]
            return True
    return False


def open_next_batch(world: Standing, act: ContainerAttempt) -> bool:
    """All of a batch are done, the next one starts; False after the last."""
    nodes = act.steps
    if act.progress.batch_end >= len(nodes):
        return False
    _children_done(
        world,
        act,
        next((child.slot for child in act.children if child.batch == act.progress.batch), 0),
        len(act.children),
    )
    open_batch(world, act, act.progress.batch_end)
    return True


def all_done(world: Standing, act: ContainerAttempt) -> None:
    """A container has succeeded: a block's children are done then, those of batches of which nothing was
    seen as well."""
    seen = len(act.children)
    while act.kind == "parallel" and open_next_batch(world, act):
        pass
    _children_done(world, act, 0, seen)


def open_timed_out(world: Standing, act: ContainerAttempt, is_it: Callable[[Node], bool]) -> None:
    """The block has ended with the error of a child's time-out, so that this child had begun."""
    if act.kind != "parallel":
        return
    while not any(map(is_it, _throwing(child.node for child in act.children))) and any(
        map(is_it, _throwing(act.steps[act.progress.batch_end :]))
    ):
        open_next_batch(world, act)
    if any(is_it(child.node) for child in act.children):
        return
    for child in act.children:
        for inner in child.acts[-1:] if not child.node.goes_on else ():
            open_timed_out(world, inner, is_it)


def _throwing(nodes: Iterable[Node]) -> Iterator[Node]:
    """Unlogged steps whose errors end the block."""
    for node in nodes:
        if not node.goes_on:
            yield node
            yield from _throwing(node.unlogged_steps)


def _children_done(world: Standing, act: ContainerAttempt, first: int, seen: int) -> None:
    """These unlogged children begin nothing more; what was not seen of them is assumed."""
    for position in range(first, len(act.children)):
        child = act.children[position]
        if act.span is None or act.span.acts[-1] is act:
            _claim_success(world, child)
        child.open = False
        child.shown.assumed = child.shown.assumed or (position >= seen and _may_have_failed(act.span))
        result = expected(child)
        threw = result is not None and result.status not in ("success", "skipped")
        threw = threw or (position < seen and child.node.goes_on and any(map(owes, child.acts[-1:])))
        for inner in child.acts if not threw else ():  # what was begun in it may go on
            over = quiet(inner) or (inner is child.acts[-1] and _must_be_done(child))
            if over and not _timed_out(child, inner, world.now):  # else it was given up, and goes on
                all_done(world, inner)
                inner.closed = True
                inner.progress.idle = -1
                if inner in world.waits.calls:
                    world.waits.calls.remove(inner)


def _claim_success(world: Standing, child: LiveSpan) -> None:
    """It is done, so that it has said so if it was tried again and had to succeed: what another one of that
    step is held to have said may be its."""
    if not child.retried or child.succeeded is not None or not child.open or not _had_to_succeed(child):
        return
    for twin in reversed(world.children[child.node.id]):
        said = twin.succeeded
        if (
            twin.open
            and said is not None
            and twin.attempts == child.attempts
            and not is_early(child.retried[-1], said)
        ):
            child.succeeded, twin.succeeded = said, None
            return


def _must_be_done(child: LiveSpan) -> bool:
    """A block that had to succeed: what still runs in it was given up in it."""
    return child.node.type == "parallel" and not child.node.guarded and _had_to_succeed(child)


def _had_to_succeed(child: LiveSpan) -> bool:
    """What it is in is done, which it would not be if this one had failed, unless it was skipped."""
    above = child.act.span
    while above is not None and above.slot >= 0:
        if _may_have_failed(above):
            return False
        above = above.act.span
    return not child.node.goes_on


def _timed_out(child: LiveSpan, act: ContainerAttempt, now: float) -> bool:
    """It may have been given up by its time-out; its result says so, if it is known."""
    timer = time_out(act)
    if not is_due(timer, now):
        return False
    if act.attempt <= len(child.retried):
        return is_due(timer, child.retried[act.attempt - 1])
    if _had_to_succeed(child):
        return False
    result = expected(child)
    return result is None or result.status == "timeout"


def may_go_on(act: ContainerAttempt, now: float, *, kept: bool) -> bool:
    """Its children so far may be done. `kept`: the state was saved after this."""
    if not has_begun(act, now):
        return False
    return all(_may_be_done(child, now) and (not kept or _left_something(child)) for child in act.children)


def has_begun(act: ContainerAttempt, now: float) -> bool:
    """The delay before this attempt, and that of what it is unlogged in, is over: no timer goes off early,
    but for the rounding of clocks."""
    at: ContainerAttempt | None = act
    while at is not None and not (at.attempt > 1 and is_early(at.start, now)):
        at = at.span.act if at.span is not None and at.span.slot >= 0 else None
    return at is None


def _left_something(child: LiveSpan) -> bool:
    """What is done by now has left a result, where the state that was saved after it is known."""
    scope = child.scope.shared
    known = scope.results is not None
    return not known or child.node.id in (scope.results or ())


def _may_be_done(child: LiveSpan, now: float) -> bool:
    """Nothing runs in it any more that the log would tell of, or it was given up by its time-out or by one
    that threw in it."""
    if child.open and child.retried and child.retried[-1] > now:
        return False
    if not child.open:
        return True
    result = expected(child)
    if result is not None and child.start + (result.duration_ms or 0) > now + CLOCK_MS:
        return False
    if not child.acts:
        return True
    if quiet(child.acts[-1]):
        return result is None or result.status != "success" or not has_to_show(child.acts[-1])
    act = child.acts[-1]
    unseen = act.kind == "parallel" and not any(
        shows_itself(node) for node in act.steps[act.progress.batch_end :]
    )
    if unseen and all(_may_be_done(inner, now) for inner in act.children):
        return True
    if child.node.strategy not in ("continue", "fallback"):
        return False
    return child.acts[-1].kind == "parallel" or _timed_out(child, child.acts[-1], now)


def unborn(world: Standing, act: ContainerAttempt) -> None:
    """The container was skipped: its unlogged children, held to have started with it, never did."""
    for child in act.children:
        child.open = child.shown.born = False
        for inner in child.acts:
            unborn(world, inner)
            if inner in world.waits.calls:
                world.waits.calls.remove(inner)


def could_begin(act: ContainerAttempt, step_id: str, now: float, *, kept: bool) -> bool:
    """Can this next attempt, or a later batch of this block, begin with the step?"""
    if act.failed or act.closed or act.node is None or act.progress.started:
        return False
    again = act.attempt > 1 and _may_start(act, step_id, now)
    return again or may_open(act, lambda node: step_id in first_ids(node), now, kept=kept)


def _may_start(act: ContainerAttempt, step_id: str, now: float) -> bool:
    """Nothing was seen of it, or of what is unlogged in it, and it can start with the step."""
    if act.node is None or not has_begun(act, now):
        return False
    if act.kind == "parallel":
        return any(
            _may_start(child.acts[-1], step_id, now) for child in act.children if child.open and child.acts
        )
    return not act.progress.started and step_id in first_ids(act.node)


def _may_have_failed(span: LiveSpan | None) -> bool:
    """An unlogged child that did not succeed, and yet the block went on."""
    if span is None or span.slot < 0 or span.succeeded is not None:
        return False
    return span.node.guarded or (span.node.goes_on and can_throw(span.node))
