"""Silent blocks: the direct children of `parallel` start and end without a line of log.

They run in batches of `maxConcurrency`. A batch starts as a whole when all of the one before are done, so a
sign of life from a later child tells that all batches between are over, and a block that has succeeded has
seen all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from one_trace.assemble.agree.results import expected, is_last
from one_trace.assemble.flowtree.tree import CONTAINERS, Node
from one_trace.assemble.live.state import CLOCK_MS, Act, LiveSpan, quiet

if TYPE_CHECKING:
    from one_trace.assemble.reading.world import World


def open_batch(world: World, act: Act, first: int) -> None:
    """The children of one batch of a parallel block start together, and in silence."""
    nodes = act.steps
    abreast = act.node.concurrency if act.node is not None else 1
    act.batch_end = min(first + abreast, len(nodes))
    act.batch += first > 0
    act.cursor = first
    before = [kid for kid in act.kids if kid.batch == act.batch - 1] if first else []
    since = max([act.start, *map(_done_since, before)])
    for slot in range(first, act.batch_end):
        node = nodes[slot]
        kid = LiveSpan(node, None, act, f"{act.prefix} > {node.id}", since, len(world.spans))
        kid.doubtful = act.unsure_batch
        kid.slot, kid.batch = slot, act.batch
        world.spans.append(kid)
        act.kids.append(kid)
        world.kids.setdefault(node.id, []).append(kid)
        if world.foreseen:
            world.foresee(kid)
        if node.type in CONTAINERS:
            world.new_act(kid, since)
    if act.batch_end < len(nodes) and first == 0:
        world.pending.append(act)


def _done_since(kid: LiveSpan) -> float:
    """Before which it was not done, as far as that is known."""
    result = expected(kid)
    if result is not None:
        return kid.start + (result.duration_ms or 0)
    act = kid.acts[-1] if kid.acts else None
    if act is None or act.over_at is None or kid.node.timeout is not None or not quiet(act):
        return kid.start
    return max(kid.start, act.over_at)


def advance(world: World, act: Act, shows: Callable[[Node], bool]) -> bool:
    """Open batches of a parallel block up to that of a child that `shows` itself now; False if there is
    none. Those between were over without a line of log."""
    if not may_open(act, shows, world.now, kept=world.kept):
        return False
    while open_next_batch(world, act):
        if any(shows(kid.node) for kid in act.kids[act.cursor :]):
            act.unsure_batch = False
            return True
    return False


def may_open(act: Act, shows: Callable[[Node], bool], now: float, *, kept: bool) -> bool:
    """A later batch of a block can begin, in which a child `shows` itself. `kept`: the state was saved after
    this."""
    return (
        act.kind == "parallel"
        and not (act.failed or act.closed)
        and within_reach(act, shows)
        and may_go_on(act, now, kept=kept)
    )


def within_reach(act: Act, shows: Callable[[Node], bool]) -> bool:
    """A later batch has a child that `shows`, and nothing in the batches before it would have been seen."""
    nodes = act.steps
    at = next((at for at in range(act.batch_end, len(nodes)) if shows(nodes[at])), None)
    if at is None or act.node is None:
        return False
    first = at - (at - act.batch_end) % act.node.concurrency
    return not any(_shows(node) for node in nodes[act.batch_end : first]) and not _ended_before(act, first)


def _ended_before(act: Act, first: int) -> bool:
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


def reopen(world: World, shows: Callable[[Node], bool]) -> bool:
    """A later batch of a failed block in which something shows itself had begun before, in silence."""
    for act in reversed(world.failed_blocks):
        if not act.thrown and any(shows(node) for node in act.steps[act.batch_end :]):
            while not any(shows(kid.node) for kid in act.kids[act.cursor :]):
                open_next_batch(world, act)
            world.pending += [
                inner
                for kid in act.kids[act.cursor :]
                for inner in kid.acts
                if kid.node.type != "flow" and inner not in world.pending
            ]
            return True
    return False


def open_next_batch(world: World, act: Act) -> bool:
    """All of a batch are done, the next one starts; False after the last."""
    nodes = act.steps
    if act.batch_end >= len(nodes):
        return False
    _children_done(
        world, act, next((kid.slot for kid in act.kids if kid.batch == act.batch), 0), len(act.kids)
    )
    open_batch(world, act, act.batch_end)
    return True


def all_done(world: World, act: Act) -> None:
    """A container has succeeded: a block's children are done then, those of batches of which nothing was
    seen as well."""
    seen = len(act.kids)
    while act.kind == "parallel" and open_next_batch(world, act):
        pass
    _children_done(world, act, 0, seen)


def open_timed_out(world: World, act: Act, is_it: Callable[[Node], bool]) -> None:
    """The block has ended with the error of a child's time-out, so that this child had begun."""
    if act.kind != "parallel":
        return
    while not any(map(is_it, _throwing(kid.node for kid in act.kids))) and any(
        map(is_it, _throwing(act.steps[act.batch_end :]))
    ):
        open_next_batch(world, act)
    if any(is_it(kid.node) for kid in act.kids):
        return
    for kid in act.kids:
        for inner in kid.acts[-1:] if not kid.node.goes_on else ():
            open_timed_out(world, inner, is_it)


def _throwing(nodes: Iterable[Node]) -> Iterator[Node]:
    """Silent steps whose errors end the block."""
    for node in nodes:
        if not node.goes_on:
            yield node
            yield from _throwing(node.silent_steps)


def _children_done(world: World, act: Act, first: int, seen: int) -> None:
    """These silent children begin nothing more; what was not seen of them is assumed."""
    for position in range(first, len(act.kids)):
        kid = act.kids[position]
        if act.span is None or act.span.acts[-1] is act:
            _claim_success(world, kid)
        kid.open = False
        kid.assumed = kid.assumed or (position >= seen and _may_have_failed(act.span))
        result = expected(kid)
        threw = result is not None and result.status not in ("success", "skipped")
        threw = threw or (position < seen and kid.node.goes_on and any(map(_owes, kid.acts[-1:])))
        for inner in kid.acts if not threw else ():  # what was begun in it may go on
            over = quiet(inner) or (inner is kid.acts[-1] and _must_be_done(kid))
            if over and not _timed_out(kid, inner, world.now):  # else it was given up, and goes on
                all_done(world, inner)
                inner.closed = True
                inner.idle = -1
                if inner in world.waiting:
                    world.waiting.remove(inner)


def _claim_success(world: World, kid: LiveSpan) -> None:
    """It is done, so that it has said so if it was tried again and had to succeed: what another one of that
    step is held to have said may be its."""
    if not kid.retried or kid.succeeded is not None or not kid.open or not _had_to_succeed(kid):
        return
    for twin in reversed(world.kids[kid.node.id]):
        said = twin.succeeded
        if twin.open and said is not None and twin.attempts == kid.attempts and kid.retried[-1] <= said + 1:
            kid.succeeded, twin.succeeded = said, None
            return


def _must_be_done(kid: LiveSpan) -> bool:
    """A block that had to succeed: what still runs in it was given up in it."""
    return kid.node.type == "parallel" and not kid.node.guarded and _had_to_succeed(kid)


def _had_to_succeed(kid: LiveSpan) -> bool:
    """What it is in is done, which it would not be if this one had failed, unless it was skipped."""
    above = kid.act.span
    while above is not None and above.slot >= 0:
        if _may_have_failed(above):
            return False
        above = above.act.span
    return not kid.node.goes_on


def _timed_out(kid: LiveSpan, act: Act, now: float) -> bool:
    """It may have been given up by its time-out; its result says so, if it is known."""
    timeout = kid.node.timeout
    if timeout is None or now < act.start + timeout - CLOCK_MS:
        return False
    if act.attempt <= len(kid.retried):
        return kid.retried[act.attempt - 1] >= act.start + timeout - CLOCK_MS
    if _had_to_succeed(kid):
        return False
    result = expected(kid)
    return result is None or result.status == "timeout"


def may_go_on(act: Act, now: float, *, kept: bool) -> bool:
    """Its children so far may be done. `kept`: the state was saved after this."""
    if not has_begun(act, now):
        return False
    return all(_may_be_done(kid, now) and (not kept or _left_something(kid)) for kid in act.kids)


def has_begun(act: Act, now: float) -> bool:
    """The delay before this attempt, and that of what it is silent in, is over: no timer goes off early, but
    for the rounding of clocks."""
    at: Act | None = act
    while at is not None and (at.attempt == 1 or at.start <= now + 1):
        at = at.span.act if at.span is not None and at.span.slot >= 0 else None
    return at is None


def _left_something(kid: LiveSpan) -> bool:
    """What is done by now has left a result, where the state that was saved after it is known."""
    scope = kid.scope.shared
    known = scope.owner is None and scope.results is not None
    return not known or kid.node.id in (scope.results or ())


def _may_be_done(kid: LiveSpan, now: float) -> bool:
    """Nothing runs in it any more that the log would tell of, or it was given up by its time-out or by one
    that threw in it."""
    if kid.open and kid.retried and kid.retried[-1] > now:
        return False
    if not kid.open:
        return True
    result = expected(kid)
    if result is not None and kid.start + (result.duration_ms or 0) > now + CLOCK_MS:
        return False
    if not kid.acts:
        return True
    if quiet(kid.acts[-1]):
        return result is None or result.status != "success" or not has_to_show(kid.acts[-1])
    act = kid.acts[-1]
    unseen = act.kind == "parallel" and not any(_shows(node) for node in act.steps[act.batch_end :])
    if unseen and all(_may_be_done(inner, now) for inner in act.kids):
        return True
    if kid.node.strategy not in ("continue", "fallback"):
        return False
    return kid.acts[-1].kind == "parallel" or _timed_out(kid, kid.acts[-1], now)


def has_to_show(act: Act) -> bool:
    """Is there something in a later batch that would be seen, if the block succeeds?"""
    if act.kind != "parallel":
        return False
    return any(_shows(node) for node in act.steps[act.batch_end :]) or any(
        kid.open and not _did_not_succeed(kid) and has_to_show(inner)
        for kid in act.kids[act.cursor :]
        for inner in kid.acts[-1:]
    )


def _owes(act: Act) -> bool:
    """Something in it that cannot succeed in silence has not begun."""
    if act.kind != "parallel":
        return False
    return has_to_show(act) or any(
        kid.open and (_owes(inner) or (inner.kind == "flow" and not inner.started and _shows(kid.node)))
        for kid in act.kids
        for inner in kid.acts[-1:]
        if not kid.node.goes_on
    )


def _did_not_succeed(kid: LiveSpan) -> bool:
    """Its result says so, if it is known, or that what it is in was skipped."""
    result = expected(kid)
    return skipped(kid) or (result is not None and result.status != "success")


def _shows(node: Node) -> bool:
    """A silent child that cannot succeed without a line of log."""
    if node.guarded or node.goes_on:
        return False
    if node.type == "parallel":
        return node.body is not None and any(_shows(child) for child in node.body.nodes)
    return node.type == "flow" or (node.type == "while" and node.body is not None and bool(node.body.nodes))


def unborn(world: World, act: Act) -> None:
    """The container was skipped: its silent children, held to have started with it, never did."""
    for kid in act.kids:
        kid.open = kid.born = False
        for inner in kid.acts:
            unborn(world, inner)
            if inner in world.waiting:
                world.waiting.remove(inner)


def could_begin(act: Act, step_id: str, now: float, *, kept: bool) -> bool:
    """Can this next attempt, or a later batch of this block, begin with the step?"""
    if act.failed or act.closed or act.node is None or (act.attempt > 1 and act.started):
        return False
    again = act.attempt > 1 and _may_start(act, step_id, now)
    return again or may_open(act, lambda node: step_id in first_ids(node), now, kept=kept)


def _may_start(act: Act, step_id: str, now: float) -> bool:
    """Nothing was seen of it, or of what is silent in it, and it can start with the step."""
    if act.node is None or not has_begun(act, now):
        return False
    if act.kind == "parallel":
        return any(_may_start(kid.acts[-1], step_id, now) for kid in act.kids if kid.open and kid.acts)
    return not act.started and step_id in first_ids(act.node)


def _may_have_failed(span: LiveSpan | None) -> bool:
    """A silent child that did not succeed, and yet the block went on."""
    if span is None or span.slot < 0 or span.succeeded is not None:
        return False
    return span.node.guarded or (span.node.goes_on and _throws(span.node))


def _throws(node: Node) -> bool:
    """Can an attempt of this block fail?"""
    if node.timeout is not None or node.requires:
        return True
    return any(
        not child.goes_on and (child.type != "parallel" or _throws(child))
        for child in (node.body.nodes if node.body is not None else ())
    )


def calls(node: Node) -> list[Node]:
    """The ``flow`` steps with which a silent child can show itself."""
    return [inner for inner in node.silently() if inner.type == "flow"]


def skipped(kid: LiveSpan) -> bool:
    """It or a silent block that it is in: its result says so, if it is known."""
    at: LiveSpan | None = kid
    while at is not None:
        result = expected(at)
        if result is not None and result.status == "skipped":
            return True
        at = at.act.span if at.slot >= 0 else None
    return False


def first_ids(node: Node) -> set[str]:
    """The ids of the steps with which a silent container can show itself."""
    if node.type == "parallel" and node.body is not None:
        return set().union(*(first_ids(child) for child in node.body.nodes)) if node.body.nodes else set()
    bodies = [node.body] if node.body is not None and node.body.nodes else []
    return {listing.nodes[0].id for listing in (*bodies, *node.sides)}
