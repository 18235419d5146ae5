"""What begins with a step, of an attempt of a container that is under way."""

from __future__ import annotations

from one_trace.assemble.flowtree.tree import Node, StepList
from one_trace.assemble.live.around import in_doubtful_block
from one_trace.assemble.live.state import ContainerAttempt, Scope, SequenceRun
from one_trace.assemble.reading.blocks import has_begun
from one_trace.assemble.reading.signs import skipped
from one_trace.assemble.reading.standing import Standing


def begin(world: Standing, act: ContainerAttempt, step_id: str) -> SequenceRun | None:
    """A run of `act` that begins with this step, if one can begin now."""
    node = act.node
    if node is None or act.failed:
        return None
    if act.kind == "parallel":
        return _begin_child(world, act, step_id)
    if act.kind == "condition":
        return _begin_side(world, act, node, step_id)
    return _begin_iteration(world, act, node, step_id)


def _begin_child(world: Standing, block: ContainerAttempt, step_id: str) -> SequenceRun | None:
    progress = block.progress
    for position in range(progress.cursor, len(block.children)):
        child = block.children[position]
        due = child.acts and child.open and has_begun(child.acts[-1], world.now)
        begins = due and not (child.node.guarded and skipped(child))
        begun = begin(world, child.acts[-1], step_id) if begins else None
        if begun is not None:
            progress.cursor = position
            return begun
    return None


def _begin_side(world: Standing, act: ContainerAttempt, node: Node, step_id: str) -> SequenceRun | None:
    if act.progress.started:
        return None
    sides = [side for side in node.sides if world.is_this(side.nodes[0], step_id)]
    if len(sides) > 1:  # a flow that was not validated: the line has its type and name
        alike = [side for side in sides if (side.nodes[0].type, side.nodes[0].name) == world.kind]
        sides, act.unsure.either = alike or sides, len(alike) != 1
    return new_run(act, sides[0], None) if sides else None


def _begin_iteration(world: Standing, act: ContainerAttempt, node: Node, step_id: str) -> SequenceRun | None:
    """Of a loop or while; those that run concurrently begin one after the other."""
    body, progress = node.body, act.progress
    if body is None or not body.nodes or body.nodes[0].id != step_id:
        return None
    if not world.is_this(body.nodes[0], step_id):
        return None
    if progress.started == 0:
        progress.batch_end = node.concurrency
    elif progress.started >= progress.batch_end:
        return None
    if node.most is not None and progress.started >= node.most:
        return None
    return new_run(act, body, progress.started)


def new_run(act: ContainerAttempt, step_list: StepList, iteration: int | None) -> SequenceRun:
    scope, prefix = act.scope, act.prefix
    if in_doubtful_block(act):
        act.unsure.doubtful = True
    if iteration is not None:
        prefix = f"{prefix}[{iteration}]"
        if act.kind == "loop":
            merged = act.node is not None and act.node.concurrency > 1
            scope = Scope(None, act.scope, act, iteration, merged=merged)
    seq = SequenceRun(act, step_list, iteration, scope, prefix)
    act.runs.append(seq)
    act.progress.started += 1
    act.progress.idle = -1
    return seq
