"""What begins after an await: the next iteration of a loop or while, a later batch of a block, the next
attempt of a container. Nothing in the log leads there; what is due is tried, likeliest first, and where
several are it is a choice.
"""

from __future__ import annotations

from collections.abc import Callable

from one_trace.assemble.agree.expected import expected, iterations_known
from one_trace.assemble.live.around import alive, outside
from one_trace.assemble.live.state import ContainerAttempt, SequenceRun
from one_trace.assemble.live.timers import is_due
from one_trace.assemble.live.tolerance import CLOCK_MS
from one_trace.assemble.reading.begins import begin, new_run
from one_trace.assemble.reading.blocks import advance, could_begin, has_begun
from one_trace.assemble.reading.signs import first_ids, skipped
from one_trace.assemble.reading.standing import Standing


def resumed(world: Standing, step_id: str) -> SequenceRun | None:
    """A next iteration, batch or attempt that begins with this step."""
    world.waits.favoured = None
    acts = world.waits.idle.get(step_id)
    act = _due(world, acts, step_id) if acts else None
    if act is not None and acts is not None and not _rather_again(world, act, step_id):
        acts.remove(act)
        return _next_iteration(world, act)
    tried: set[int] = set()

    def fits(act: ContainerAttempt) -> bool:
        return could_begin(act, step_id, world.now, kept=world.kept)

    if world.waits.favoured is None:
        doubt(world, fits)
    opened: ContainerAttempt | None = None
    while (act := next((act for act in by_life(world, opened) if id(act) not in tried), None)) is not None:
        tried.add(id(act))  # a batch that opens may hold a block that has batches of its own
        if not has_begun(act, world.now):
            continue
        seen = len(act.children)
        begun = _next_batch(world, act, step_id) if act.children else begin(world, act, step_id)
        if begun is not None:
            if act.kind != "parallel":
                world.waits.pending.remove(act)
            world.stack.append(act)
            return begun
        if len(act.children) > seen:
            opened, world.waits.favoured = act, None
            doubt(world, fits, opened)
            if world.waits.favoured is act:
                tried.remove(id(act))
    return None


def _due(world: Standing, acts: list[ContainerAttempt], step_id: str) -> ContainerAttempt | None:
    """Of the loops that may go on, the one that has waited longest. But what goes on does so in the tick
    in which its iteration ended: one that has let another tick pass was over, and is taken only if there
    is no other."""
    acts[:] = [act for act in acts if act.progress.idle >= 0 and not act.closed and not act.failed]
    fitting = [
        act for act in acts if act.node and act.node.body and world.is_this(act.node.body.nodes[0], step_id)
    ]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    fitting = [
        act for act in fitting if (iterations_known(act) or act.progress.started + 1) > act.progress.started
    ]
    due = [act for act in fitting if not _let_pass(world, act)]
    if len(due) > 1:
        for act in due:
            act.unsure.iteration = True
        return world.doubts.choose(world.index, due[0], due)
    return due[0] if due else fitting[-1] if fitting else None


def _let_pass(world: Standing, act: ContainerAttempt) -> bool:
    """Something has ended after the pass of `act` was over, and `act` has not gone on before."""
    return world.last.moment > act.progress.idle_at + CLOCK_MS / 3


def by_life(world: Standing, opened: ContainerAttempt | None = None) -> list[ContainerAttempt]:
    """What may begin after an await: first what is in the block of which a batch was just `opened` for it, if
    there is one, then that in which something has just ended, then the innermost, since what it is in waits
    for it; what was given up, or is known to have failed, last."""
    world.waits.failed_blocks += [act for act in world.waits.pending if _failed_block(act)]
    world.waits.pending[:] = [
        act
        for act in world.waits.pending
        if not act.closed and not act.failed and _begins_more(act) and not _skipped_block(act)
    ]
    if len(world.waits.pending) < 2:
        return list(world.waits.pending)
    last = world.last.act if world.last.index == world.index - 1 else None
    around = {id(last), *map(id, outside(last))} if last is not None else set()
    return sorted(
        world.waits.pending,
        key=lambda act: (
            act is not world.waits.favoured,
            opened is None or not _is_in(act, opened),
            id(act) not in around,
            _unlikely(act, world.now),
            -act.depth,
        ),
    )


def _is_in(act: ContainerAttempt, block: ContainerAttempt) -> bool:
    return any(at is block for at in outside(act))


def doubt(
    world: Standing, fits: Callable[[ContainerAttempt], bool], opened: ContainerAttempt | None = None
) -> None:
    """Where several of what may begin after an await fit a line, which of them it is is a choice; where a
    block was just `opened` for it, one between what is in it and its next batch."""
    fitting = [act for act in by_life(world, opened) if act.span is not None and fits(act)]
    if opened is not None and fitting and _is_in(fitting[0], opened):
        fitting = [act for act in fitting if act is opened or _is_in(act, opened)]
    if len(fitting) < 2:
        return
    first = fitting[0]
    if first.node in world.waits.elder:
        first = min((act for act in fitting if act.node is first.node), key=lambda act: act.start)
    world.waits.favoured = world.doubts.choose(world.index, first, fitting)
    if world.waits.favoured.node is first.node and world.waits.favoured.start < first.start:
        world.waits.elder.add(first.node)


def _rather_again(world: Standing, idle: ContainerAttempt, step_id: str) -> bool:
    """Not the next iteration of `idle`, but another's next attempt or batch. Where both are due, it is a
    choice."""
    if not world.waits.pending:
        return False
    others = [act for act in world.waits.pending if could_begin(act, step_id, world.now, kept=world.kept)]
    nearer = [act for act in others if _let_pass(world, idle) or _nearer(world, act, idle)]
    due = [act for act in others if act.attempt == 1 or is_due(act.start, world.now)]
    if due and world.now - idle.progress.idle_at <= CLOCK_MS:
        first = world.doubts.choose(world.index, nearer[0] if nearer else idle, [idle, *due, *nearer[:1]])
        world.waits.favoured = first if first is not idle else None
        return first is not idle
    return bool(nearer)


def _next_iteration(world: Standing, act: ContainerAttempt) -> SequenceRun:
    assert act.node is not None
    assert act.node.body is not None
    act.progress.batch_end = act.progress.started + act.node.concurrency
    if act.node.concurrency > 1:
        world.stack.append(act)
    return new_run(act, act.node.body, act.progress.started)


def _nearer(world: Standing, attempt: ContainerAttempt, idle: ContainerAttempt) -> bool:
    """Is it rather this attempt's time to begin than the next iteration's?"""
    return attempt.attempt > 1 and abs(world.now - attempt.start) < abs(world.now - idle.progress.idle_at)


def _next_batch(world: Standing, act: ContainerAttempt, step_id: str) -> SequenceRun | None:
    if act.attempt > 1:
        begun = begin(world, act, step_id)
        if begun is not None:
            return begun
    if advance(world, act, lambda node: step_id in first_ids(node)):
        return begin(world, act, step_id)
    return None


def _skipped_block(act: ContainerAttempt) -> bool:
    return act.kind == "parallel" and act.span is not None and act.span.slot >= 0 and skipped(act.span)


def _failed_block(act: ContainerAttempt) -> bool:
    span = act.span
    if act.kind != "parallel" or span is None or act.progress.batch_end >= len(act.steps):
        return False
    return act.failed or (act.closed and span.shown.status not in ("success", "skipped"))


def _begins_more(act: ContainerAttempt) -> bool:
    return act.kind != "parallel" or act.attempt > 1 or act.progress.batch_end < len(act.steps)


def _unlikely(act: ContainerAttempt, now: float) -> int:
    if act.attempt > 1 and act.start > now:
        return 3  # its delay is not over
    if not alive(act):
        return 2
    result = expected(act.span) if act.span is not None else None
    return int(result is not None and result.status not in ("success", "timeout"))
