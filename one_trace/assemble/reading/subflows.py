"""Sub-flows: which ``flow`` step a ``flow:start`` belongs to, and which flow a ``flow:complete`` or
``flow:error`` ends. The lines have the flow's key alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.assemble.agree.expected import expected
from one_trace.assemble.flowtree.tree import Node, Tree
from one_trace.assemble.flowtree.trees import Trees, limit_called
from one_trace.assemble.live.around import alive, first_sign
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.tolerance import CLOCK_MS
from one_trace.assemble.reading.awaits import by_life, doubt
from one_trace.assemble.reading.blocks import advance, may_open, reopen, within_reach
from one_trace.assemble.reading.open_flows import OpenFlows
from one_trace.assemble.reading.signs import calls, skipped
from one_trace.assemble.reading.world import World
from one_trace.record.log import LogLine


def begin_sub_flow(world: World, trees: Trees, line: LogLine) -> bool:
    """Enter the sub-flow that a ``flow:start`` begins; False if nothing leads to it."""
    key = line.flow_key or ""
    act = _found(world, trees, key, due=True) or _waiting_for(world, trees, key)
    if act is None and reopen(world, lambda node: _may_show(trees, node, key)):
        act = _found(world, trees, key)
    if act is None:
        act = next((act for act in world.waits.calls if act.node and trees.may_call(act.node, key)), None)
    if act is None:
        return False
    world.waits.calls.remove(act)
    world.waits.imported = min(world.waits.imported, line.at)
    act.start = float(line.at)
    first_sign(act, float(line.at), world.index)
    tree = trees.sub_flow(key, act.node)
    limit_called(tree, act.node)
    world.begin_flow(act, tree)
    return True


def _found(world: World, trees: Trees, key: str, *, due: bool = False) -> ContainerAttempt | None:
    """One that waits, or is in a batch that can begin."""
    act = _waiting_for(world, trees, key, due=due)
    opened: ContainerAttempt | None = None
    while act is None and (opened := _open_batch_for(world, trees, key, opened)) is not None:
        act = _waiting_for(world, trees, key, due=due)
    return act


def _open_batch_for(
    world: World, trees: Trees, key: str, opened: ContainerAttempt | None
) -> ContainerAttempt | None:
    """The block of which a batch opens."""
    world.waits.favoured = None
    doubt(world, lambda block: _may_call_next(world, trees, block, key), opened)
    return next((block for block in by_life(world, opened) if _advance(world, trees, block, key)), None)


def _may_call_next(world: World, trees: Trees, block: ContainerAttempt, key: str) -> bool:
    return may_open(block, lambda node: _may_show(trees, node, key), world.now, kept=world.kept)


def _may_show(trees: Trees, node: Node, key: str) -> bool:
    """An unlogged child that calls this sub-flow."""
    return any(trees.may_call(call, key) for call in calls(node))


def _advance(world: World, trees: Trees, block: ContainerAttempt, key: str) -> bool:
    """Open a later batch of a block, in which a child calls this sub-flow."""
    return advance(world, block, lambda node: _may_show(trees, node, key))


def _waiting_for(world: World, trees: Trees, key: str, *, due: bool = False) -> ContainerAttempt | None:
    """`due`: no one that was given up, and has not begun in its tick."""
    waiting = [act for act in world.waits.calls if act.node is not None and trees.may_call(act.node, key)]
    # the delay before a next attempt is over, or this is not it
    begun = [act for act in waiting if act.start <= world.now]
    if due:
        waiting = [act for act in begun if world.now <= act.opened + CLOCK_MS or _will_begin(world, act)]
    else:
        waiting = begun or waiting
    waiting.sort(key=lambda act: not _will_begin(world, act))
    waiting = [act for act in waiting if act.span is None or not skipped(act.span)]
    skipping = (block for act in waiting for block in _if_skipped(world, trees, act, key))
    blocks = list(dict.fromkeys(skipping)) if due else []
    opening = _opening(world, trees, waiting, key) if due else []
    if len(waiting) + len(blocks) + len(opening) < 2:
        return waiting[0] if waiting else None
    if blocks and world.facts.exact and all(act.attempt == 1 and act.opened < world.now for act in waiting):
        alike = [block for block in blocks if block.node is blocks[0].node]
        less = [*waiting, *(block for block in blocks if block not in alike)]
        first = world.doubts.choose(world.index, blocks[0], alike, less=less)
    else:
        first = world.doubts.choose(world.index, waiting[0], [*waiting, *opening], less=blocks)
    forced = world.doubts.was_forced
    begins = first if first in waiting else _opened_by(world, trees, first, key)
    if begins is not None and blocks:
        begins.unsure.astray = not forced
    return begins


def _opened_by(world: World, trees: Trees, block: ContainerAttempt, key: str) -> ContainerAttempt | None:
    """What calls the flow when the block's batch has opened; if nothing does there, what waited before."""
    before = list(world.waits.calls)
    _advance(world, trees, block, key)
    calling = [act for act in world.waits.calls if act.node is not None and trees.may_call(act.node, key)]
    return min(calling, key=lambda act: act in before, default=None)


def _opening(world: World, trees: Trees, waiting: list[ContainerAttempt], key: str) -> list[ContainerAttempt]:
    """Blocks of which a batch may call the flow as well now as an attempt begins, neither in any tick."""
    if not waiting or any(act.attempt == 1 for act in waiting):
        return []
    return [block for block in by_life(world) if _may_call_next(world, trees, block, key)]


def _will_begin(world: World, act: ContainerAttempt) -> bool:
    """It goes on, or was given up after it was called, which only the log tells: all begin in turn."""
    called = act.span is not None and act.span.slot < 0 and not act.failed
    return called or alive(act) or world.now <= world.waits.imported + CLOCK_MS


def _if_skipped(world: World, trees: Trees, act: ContainerAttempt, key: str) -> Iterator[ContainerAttempt]:
    """Blocks in which a later child may call the same flow, if this call was skipped in silence."""
    child, guarded = act.span, False
    while child is not None and child.slot >= 0 and expected(child) is None:
        guarded = guarded or child.node.guarded
        block = child.act
        if guarded and not block.failed and within_reach(block, lambda node: _may_show(trees, node, key)):
            yield block
        child = block.span
    if guarded:
        yield from (block for block in by_life(world) if _may_call_next(world, trees, block, key))


def flow_that_ends(flows: OpenFlows, line: LogLine, failed: bool) -> ContainerAttempt | None:
    fitting = flows.with_key(line.flow_key)
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    if failed:
        dead = [act for act in fitting if act.failed and act.error == line.error]
        fitting = dead or [act for act in fitting if act.failed] or fitting
    else:
        fitting = [act for act in fitting if act.finished] or fitting
    if line.duration_ms is None:
        return fitting[-1]
    begun = line.at - line.duration_ms
    return min(fitting, key=lambda act: abs(begun - act.start) if act.span is not None else 1e12)


def has_too_many(flow: ContainerAttempt, line: LogLine) -> bool:
    """More of its steps have succeeded than the line of its end counts. What is not certain to be in its
    results then is left out: steps that are silent, or that may write there again."""
    if line.steps_completed is None or flow.tree is None or flow.merging or flow.resume > 1:
        return False
    written = flow.scope.last.values()
    certain = (span for span in written if span.shown.status == "success" and _stays(span, flow.tree))
    return sum(1 for _ in certain) > line.steps_completed


def _stays(span: LiveSpan, tree: Tree) -> bool:
    """Nothing but an event can have changed its result."""
    return span.node.type != "while" and not any(node.unlogged for node in tree.by_id.get(span.node.id, ()))
