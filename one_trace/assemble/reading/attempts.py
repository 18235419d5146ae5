"""A step is tried again: which of several open spans a ``step:retry`` is about, and what becomes of the
attempt before it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from one_trace.assemble.flowtree.tree import CONTAINERS, Node, unlogged_ids
from one_trace.assemble.live.around import alive
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.timers import is_due, is_early, last_began, time_out, time_out_of
from one_trace.assemble.reading.against_retry import cannot_have_failed, may_go_on_beside
from one_trace.assemble.reading.awaits import by_life, doubt
from one_trace.assemble.reading.blocks import advance, all_done, begin_attempt, may_go_on, may_open
from one_trace.assemble.reading.evidence import choose_retry
from one_trace.assemble.reading.world import World
from one_trace.record.log import LogLine

_MOST_RAISED = 8
_MOST_BESIDE = 8
_LOOK_BACK = 100
"""What a loop has left behind in silence is not looked through in each of its iterations."""


def announced(world: World, line: LogLine, late: float) -> None:
    """`late`: by how many ms the line may be late."""
    step_id = line.step_id or ""
    spans = world.open.get(step_id, []) + [child for child in world.children.get(step_id, ()) if child.open]

    def shows(node: Node) -> bool:
        return step_id in unlogged_ids(node)

    if not any(_is_next(span, line) for span in spans):
        world.waits.favoured = None
        doubt(world, lambda block: may_open(block, shows, world.now, kept=world.kept))
    while not any(_is_next(span, line) for span in spans) and any(
        advance(world, block, shows) for block in by_life(world)
    ):
        spans = [child for child in world.children.get(step_id, ()) if child.open]
    spans += _beside(world, step_id, lambda child: _is_next(child, line))
    if not any(_is_next(span, line) for span in spans):
        world.doubts.contradicted(world.index, None)
    if not spans:
        return
    notes = world.doubts.notes
    span, best, less, _ = choose_retry(spans, world.index, line, late, notes)
    if all(cannot_have_failed(one, line, late) for one in best):
        world.doubts.contradicted(world.index, span, lambda: _thrown_too_soon(world, line), surely=False)
    if len(best) + len(less) > 1:
        span = world.doubts.choose(world.index, span, best, less=less)
    if span.slot >= 0 and any(_holds_another(block, step_id) for block in world.waits.pending):
        span.shown.unsure_attempts = span.shown.doubtful = True
    if notes is not None:
        notes.is_about(world.index, span)
    begins = line.at + max(line.delay_ms or 0, 1)  # no timer is set to less than 1 ms
    _gave_up(span, line)
    span.attempts += 1
    span.retried = (*span.retried, begins)
    world.stack.clear()
    world.next = None
    if span.node.type not in CONTAINERS:
        return
    act = begin_attempt(world, span, begins)
    if act.kind != "flow" and act not in world.waits.pending:
        world.waits.pending.append(act)


def _beside(world: World, step_id: str, fits: Callable[[LiveSpan], bool]) -> list[LiveSpan]:
    """The last of those that fit and may go on beside what threw in silence, in their order."""
    latest = islice(reversed(world.children.get(step_id, ())), _LOOK_BACK)
    beside = (child for child in latest if fits(child) and may_go_on_beside(child))
    return list(islice(beside, _MOST_BESIDE))[::-1]


def _thrown_too_soon(world: World, line: LogLine) -> list[LiveSpan]:
    """Those that could have been tried again, but were held to have thrown for good; the last first."""
    raised = (span for span in reversed(world.spans) if span.raised and span.node.id == line.step_id)
    return list(islice((span for span in raised if _is_next(span, line)), _MOST_RAISED))


def _holds_another(block: ContainerAttempt, step_id: str) -> bool:
    """It may be an unlogged child of a batch of which nothing was seen yet."""
    return block.kind == "parallel" and any(
        step_id in unlogged_ids(node) for node in block.steps[block.progress.batch_end :]
    )


def succeeded(world: World, line: LogLine) -> None:
    """For an unlogged child, the only line that tells of its end."""
    step_id = line.step_id or ""

    def fits(child: LiveSpan) -> bool:
        last = child.retried[-1] if child.retried else 0
        return (
            child.attempts == (line.retries or 0) + 1
            and child.succeeded is None
            and not is_early(last, line.at)
        )

    spans = [child for child in world.children.get(step_id, ()) if child.open and fits(child)]
    spans = sorted([*spans, *_beside(world, step_id, fits)], key=lambda child: child.number)
    if world.open.get(step_id):
        return
    going = [child for child in spans if not child.act.failed] or spans
    going = [child for child in going if alive(child.act)] or going
    if going:
        max(going, key=last_began).succeeded = float(line.at)
    for child in spans if len(spans) > 1 else ():
        child.shown.doubtful = True
    if len(spans) == 1 and spans[0].acts:
        all_done(world, spans[0].acts[-1])


def _gave_up(span: LiveSpan, line: LogLine) -> None:
    """An attempt that threw begins nothing more; one that was timed out goes on."""
    if not span.acts:
        return
    act = span.acts[-1]
    if not is_due(time_out(act), line.at) and not _may_have_timed_out(act, line.at):
        act.failed = True
        act.progress.idle = -1


def _may_have_timed_out(act: ContainerAttempt, now: float) -> bool:
    """Nothing was seen to throw in the block: a child of a later batch may have been timed out."""
    if act.kind != "parallel" or act.failed or not may_go_on(act, now, kept=False):
        return False
    unlogged = (inner for node in act.steps[act.progress.batch_end :] for inner in node.unlogged_inside())
    return any(node.type in CONTAINERS and is_due(time_out_of(node, act.start), now) for node in unlogged)


def _is_next(span: LiveSpan, line: LogLine) -> bool:
    return span.attempts <= span.node.retries and line.attempt in (None, span.attempts + 1)
