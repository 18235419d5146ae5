"""What begins after an await: the next iteration of a loop or while, a later batch of a block, the next
attempt of a container. Nothing in the log leads there; what is due is tried, likeliest first, and where
several are it is a choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from one_trace.assemble.agree.results import expected, iterations_known
from one_trace.assemble.live.state import CLOCK_MS, Act, Pass, alive, outside
from one_trace.assemble.reading.blocks import advance, could_begin, first_ids, has_begun, skipped

if TYPE_CHECKING:
    from one_trace.assemble.reading.world import World


def resumed(world: World, step_id: str) -> Pass | None:
    """A next iteration, batch or attempt that begins with this step."""
    world.favoured = None
    acts = world.idle.get(step_id)
    act = _due(world, acts, step_id) if acts else None
    if act is not None and acts is not None and not _rather_again(world, act, step_id):
        acts.remove(act)
        return _next_iteration(world, act)
    tried: set[int] = set()

    def fits(act: Act) -> bool:
        return could_begin(act, step_id, world.now, kept=world.kept)

    if world.favoured is None:
        doubt(world, fits)
    opened: Act | None = None
    while (act := next((act for act in by_life(world, opened) if id(act) not in tried), None)) is not None:
        tried.add(id(act))  # a batch that opens may hold a block that has batches of its own
        if not has_begun(act, world.now):
            continue
        seen = len(act.kids)
        begun = (
            _next_batch(world, act, step_id)
            if act.kind == "parallel" and act.kids
            else world.begin(act, step_id)
        )
        if begun is not None:
            if act.kind != "parallel":
                world.pending.remove(act)
            world.stack.append(act)
            return begun
        if len(act.kids) > seen:
            opened, world.favoured = act, None
            doubt(world, fits, opened)
            if world.favoured is act:
                tried.remove(id(act))
    return None


def _due(world: World, acts: list[Act], step_id: str) -> Act | None:
    """Of the loops that may go on, the one that has waited longest. But what goes on does so in the turn
    in which its iteration ended: one that has let another turn pass was over, and is taken only if there
    is no other."""
    acts[:] = [act for act in acts if act.idle >= 0 and not act.closed and not act.failed]
    fitting = [
        act for act in acts if act.node and act.node.body and world.is_this(act.node.body.nodes[0], step_id)
    ]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    fitting = [act for act in fitting if (iterations_known(act) or act.started + 1) > act.started]
    due = [act for act in fitting if not _let_pass(world, act)]
    if len(due) > 1:
        for act in due:
            act.unsure_turn = True
        return world.doubts.choose(world.index, due[0], due)
    return due[0] if due else fitting[-1] if fitting else None


def _let_pass(world: World, act: Act) -> bool:
    """Something has ended after the pass of `act` was over, and `act` has not gone on before."""
    return world.moment > act.idle_at + CLOCK_MS / 3


def by_life(world: World, opened: Act | None = None) -> list[Act]:
    """What may begin after an await: first what is in the block of which a batch was just `opened` for it, if
    there is one, then that in which something has just ended, then the innermost, since what it is in waits
    for it; what was given up, or is known to have failed, last."""
    world.failed_blocks += [act for act in world.pending if _failed_block(act)]
    world.pending[:] = [
        act
        for act in world.pending
        if not act.closed and not act.failed and _begins_more(act) and not _skipped_block(act)
    ]
    if len(world.pending) < 2:
        return list(world.pending)
    last = world.last if world.last_index == world.index - 1 else None
    around = {id(last), *map(id, outside(last))} if last is not None else set()
    return sorted(
        world.pending,
        key=lambda act: (
            act is not world.favoured,
            opened is None or not _is_in(act, opened),
            id(act) not in around,
            _unlikely(act, world.now),
            -act.depth,
        ),
    )


def _is_in(act: Act, block: Act) -> bool:
    return any(at is block for at in outside(act))


def doubt(world: World, fits: Callable[[Act], bool], opened: Act | None = None) -> None:
    """Where several of what may begin after an await fit a line, which of them it is is a choice; where a
    block was just `opened` for it, one between what is in it and its next batch."""
    fitting = [act for act in by_life(world, opened) if act.span is not None and fits(act)]
    if opened is not None and fitting and _is_in(fitting[0], opened):
        fitting = [act for act in fitting if act is opened or _is_in(act, opened)]
    if len(fitting) < 2:
        return
    first = fitting[0]
    if first.node in world.elder:
        first = min((act for act in fitting if act.node is first.node), key=lambda act: act.start)
    world.favoured = world.doubts.choose(world.index, first, fitting)
    if world.favoured.node is first.node and world.favoured.start < first.start:
        world.elder.add(first.node)


def _rather_again(world: World, idle: Act, step_id: str) -> bool:
    """Not the next iteration of `idle`, but another's next attempt or batch. Where both are due, it is a
    choice."""
    if not world.pending:
        return False
    others = [act for act in world.pending if could_begin(act, step_id, world.now, kept=world.kept)]
    nearer = [act for act in others if _let_pass(world, idle) or _nearer(world, act, idle)]
    due = [act for act in others if act.attempt == 1 or act.start <= world.now + CLOCK_MS]
    if due and world.now - idle.idle_at <= CLOCK_MS:
        first = world.doubts.choose(world.index, nearer[0] if nearer else idle, [idle, *due, *nearer[:1]])
        world.favoured = first if first is not idle else None
        return first is not idle
    return bool(nearer)


def _next_iteration(world: World, act: Act) -> Pass:
    assert act.node is not None
    assert act.node.body is not None
    act.batch_end = act.started + act.node.concurrency
    if act.node.concurrency > 1:
        world.stack.append(act)
    return world.new_pass(act, act.node.body, act.started)


def _nearer(world: World, attempt: Act, idle: Act) -> bool:
    """Is it rather this attempt's time to begin than the next iteration's?"""
    return attempt.attempt > 1 and abs(world.now - attempt.start) < abs(world.now - idle.idle_at)


def _next_batch(world: World, act: Act, step_id: str) -> Pass | None:
    if act.attempt > 1:
        begun = world.begin(act, step_id)
        if begun is not None:
            return begun
    if advance(world, act, lambda node: step_id in first_ids(node)):
        return world.begin(act, step_id)
    return None


def _skipped_block(act: Act) -> bool:
    return act.kind == "parallel" and act.span is not None and act.span.slot >= 0 and skipped(act.span)


def _failed_block(act: Act) -> bool:
    span = act.span
    if act.kind != "parallel" or span is None or act.batch_end >= len(act.steps):
        return False
    return act.failed or (act.closed and span.status not in ("success", "skipped"))


def _begins_more(act: Act) -> bool:
    return act.kind != "parallel" or act.attempt > 1 or act.batch_end < len(act.steps)


def _unlikely(act: Act, now: float) -> int:
    if act.attempt > 1 and act.start > now:
        return 3  # its delay is not over
    if not alive(act):
        return 2
    result = expected(act.span) if act.span is not None else None
    return int(result is not None and result.status not in ("success", "timeout"))
