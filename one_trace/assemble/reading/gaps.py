"""Where a step may stand that nothing in the log leads to: lines are missing, or what was held to be done
with its block went on beside what threw there in silence.
"""

from __future__ import annotations

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan, SequenceRun
from one_trace.assemble.reading.against_retry import may_go_on_beside
from one_trace.assemble.reading.begins import new_run
from one_trace.assemble.reading.standing import Standing


def past_a_gap(world: Standing, step_id: str) -> SequenceRun | None:
    """The pass in which the step stands further on, in a list under way or in a container that is open."""
    for flow in reversed(world.flows):
        for node in flow.tree.by_id.get(step_id, ()) if flow.tree is not None else ():
            seq = _list_under_way(world, flow, node)
            if seq is not None:
                return seq
    return None


def _list_under_way(world: Standing, flow: ContainerAttempt, node: Node) -> SequenceRun | None:
    owner = node.step_list.owner
    acts = (
        [flow]
        if owner is None
        else [
            span.acts[-1]
            for span in world.open.get(owner.id, []) + world.children.get(owner.id, [])
            if span.acts and (span.open or _goes_on_beside(span))
        ]
    )
    for act in acts:
        if owner is not None and act.node is not owner:
            continue
        for seq in act.runs:
            if (
                seq.nodes is node.step_list.nodes
                and node.index is not None
                and seq.pos <= node.index
                and seq.current is None
            ):
                seq.pos = node.index
                return seq
    for act in acts:
        if owner is not None and (act.node is not owner or act.kind == "parallel"):
            continue
        for seq in act.runs:
            if seq.nodes is node.step_list.nodes and node.index is not None and seq.pos < node.index:
                seq.pos = node.index
                return seq
        if owner is not None and not act.runs and node.index is not None:
            seq = new_run(
                act, node.step_list, act.progress.started if act.kind in ("loop", "while") else None
            )
            seq.pos = node.index
            act.closed = False
            return seq
    return None


def _goes_on_beside(child: LiveSpan) -> bool:
    """Its last attempt has not begun yet."""
    return not child.acts[-1].progress.started and may_go_on_beside(child)
