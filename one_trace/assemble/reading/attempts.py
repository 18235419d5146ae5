"""A step is tried again: which of several open spans a ``step:retry`` is about, and what becomes of the
attempt before it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from one_trace.assemble.flowtree.tree import CONTAINERS, Node, silent_ids
from one_trace.assemble.live.state import CLOCK_MS, Act, LiveSpan, alive, last_began
from one_trace.assemble.reading.awaits import by_life, doubt
from one_trace.assemble.reading.blocks import advance, all_done, may_go_on, may_open
from one_trace.assemble.reading.evidence import cannot_have_failed, choose_retry, may_go_on_beside
from one_trace.assemble.reading.world import World
from one_trace.record.log import LogLine

_MOST_RAISED = 8
_MOST_BESIDE = 8
_LOOK_BACK = 100
"""What a loop has left behind in silence is not looked through in each of its turns."""


def announced(world: World, line: LogLine, late: float) -> None:
    """`late`: by how many ms the line may be late."""
    step_id = line.step_id or ""
    spans = world.open.get(step_id, []) + [kid for kid in world.kids.get(step_id, ()) if kid.open]

    def shows(node: Node) -> bool:
        return step_id in silent_ids(node)

    if not any(_is_next(span, line) for span in spans):
        world.favoured = None
        doubt(world, lambda block: may_open(block, shows, world.now, kept=world.kept))
    while not any(_is_next(span, line) for span in spans) and any(
        advance(world, block, shows) for block in by_life(world)
    ):
        spans = [kid for kid in world.kids.get(step_id, ()) if kid.open]
    spans += _beside(world, step_id, lambda kid: _is_next(kid, line))
    if not any(_is_next(span, line) for span in spans):
        world.doubts.contradicted(world.index, None)
    if not spans:
        return
    span, best, less = choose_retry(spans, line, late)
    if all(cannot_have_failed(one, line, late) for one in best):
        world.doubts.contradicted(world.index, span, lambda: _thrown_too_soon(world, line), surely=False)
    if len(best) + len(less) > 1:
        span = world.doubts.choose(world.index, span, best, less=less)
    if span.slot >= 0 and any(_holds_another(block, step_id) for block in world.pending):
        span.unsure_attempts = span.doubtful = True
    begins = line.at + max(line.delay_ms or 0, 1)  # no timer is set to less than 1 ms
    _gave_up(span, line)
    span.attempts += 1
    span.retried = (*span.retried, begins)
    world.stack.clear()
    world.next = None
    if span.node.type not in CONTAINERS:
        return
    act = world.new_act(span, begins)
    if act.kind != "flow" and act not in world.pending:
        world.pending.append(act)


def _beside(world: World, step_id: str, fits: Callable[[LiveSpan], bool]) -> list[LiveSpan]:
    """The last of those that fit and may go on beside what threw in silence, in their order."""
    latest = islice(reversed(world.kids.get(step_id, ())), _LOOK_BACK)
    beside = (kid for kid in latest if fits(kid) and may_go_on_beside(kid))
    return list(islice(beside, _MOST_BESIDE))[::-1]


def _thrown_too_soon(world: World, line: LogLine) -> list[LiveSpan]:
    """Those that could have been tried again, but were held to have thrown for good; the last first."""
    raised = (span for span in reversed(world.spans) if span.raised and span.node.id == line.step_id)
    return list(islice((span for span in raised if _is_next(span, line)), _MOST_RAISED))


def _holds_another(block: Act, step_id: str) -> bool:
    """It may be a silent child of a batch of which nothing was seen yet."""
    return block.kind == "parallel" and any(
        step_id in silent_ids(node) for node in block.steps[block.batch_end :]
    )


def succeeded(world: World, line: LogLine) -> None:
    """For a silent child, the only line that tells of its end."""
    step_id = line.step_id or ""

    def fits(kid: LiveSpan) -> bool:
        last = kid.retried[-1] if kid.retried else 0
        return kid.attempts == (line.retries or 0) + 1 and kid.succeeded is None and last <= line.at + 1

    spans = [kid for kid in world.kids.get(step_id, ()) if kid.open and fits(kid)]
    spans = sorted([*spans, *_beside(world, step_id, fits)], key=lambda kid: kid.number)
    if world.open.get(step_id):
        return
    going = [kid for kid in spans if not kid.act.failed] or spans
    going = [kid for kid in going if alive(kid.act)] or going
    if going:
        max(going, key=last_began).succeeded = float(line.at)
    for kid in spans if len(spans) > 1 else ():
        kid.doubtful = True
    if len(spans) == 1 and spans[0].acts:
        all_done(world, spans[0].acts[-1])


def _gave_up(span: LiveSpan, line: LogLine) -> None:
    """An attempt that threw begins nothing more; one that was timed out goes on."""
    if not span.acts:
        return
    act, timeout = span.acts[-1], span.node.timeout
    given_up = timeout is not None and line.at >= act.start + timeout - CLOCK_MS
    if not given_up and not _may_have_timed_out(act, line.at):
        act.failed = True
        act.idle = -1


def _may_have_timed_out(act: Act, now: float) -> bool:
    """Nothing was seen to throw in the block: a child of a later batch may have been timed out."""
    if act.kind != "parallel" or act.failed or not may_go_on(act, now, kept=False):
        return False
    silent = (inner for node in act.steps[act.batch_end :] for inner in node.silently())
    after = now - act.start + CLOCK_MS
    return any(
        node.timeout is not None and node.type in CONTAINERS and node.timeout <= after for node in silent
    )


def _is_next(span: LiveSpan, line: LogLine) -> bool:
    return span.attempts <= span.node.retries and line.attempt in (None, span.attempts + 1)
