"""Where a step may stand that nothing in the log leads to: lines are missing, or what was held to be done
with its block went on beside what threw there in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.live.state import Act, LiveSpan, Pass
from one_trace.assemble.reading.evidence import may_go_on_beside

if TYPE_CHECKING:
    from one_trace.assemble.reading.world import World


def past_a_gap(world: World, step_id: str) -> Pass | None:
    """The pass in which the step stands further on, in a list under way or in a container that is open."""
    for flow in reversed(world.flows):
        for node in flow.tree.by_id.get(step_id, ()) if flow.tree is not None else ():
            seq = _listing_under_way(world, flow, node)
            if seq is not None:
                return seq
    return None


def _listing_under_way(world: World, flow: Act, node: Node) -> Pass | None:
    owner = node.listing.owner
    acts = (
        [flow]
        if owner is None
        else [
            span.acts[-1]
            for span in world.open.get(owner.id, []) + world.kids.get(owner.id, [])
            if span.acts and (span.open or _goes_on_beside(span))
        ]
    )
    for act in acts:
        if owner is not None and act.node is not owner:
            continue
        for seq in act.passes:
            if (
                seq.nodes is node.listing.nodes
                and node.index is not None
                and seq.pos <= node.index
                and seq.current is None
            ):
                seq.pos = node.index
                return seq
    for act in acts:
        if owner is not None and (act.node is not owner or act.kind == "parallel"):
            continue
        for seq in act.passes:
            if seq.nodes is node.listing.nodes and node.index is not None and seq.pos < node.index:
                seq.pos = node.index
                return seq
        if owner is not None and not act.passes and node.index is not None:
            seq = world.new_pass(act, node.listing, act.started if act.kind in ("loop", "while") else None)
            seq.pos = node.index
            act.closed = False
            return seq
    return None


def _goes_on_beside(kid: LiveSpan) -> bool:
    """Its last attempt has not begun yet."""
    return not kid.acts[-1].started and may_go_on_beside(kid)
