"""What must be seen of an unlogged step: the steps with which it can show itself, and whether it can end
without a line of log."""

from __future__ import annotations

from one_trace.assemble.agree.expected import expected
from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan


def has_to_show(act: ContainerAttempt) -> bool:
    """Is there something in a later batch that would be seen, if the block succeeds?"""
    if act.kind != "parallel":
        return False
    return any(shows_itself(node) for node in act.steps[act.progress.batch_end :]) or any(
        child.open and not _did_not_succeed(child) and has_to_show(inner)
        for child in act.children[act.progress.cursor :]
        for inner in child.acts[-1:]
    )


def owes(act: ContainerAttempt) -> bool:
    """Something in it that cannot succeed in silence has not begun."""
    if act.kind != "parallel":
        return False
    return has_to_show(act) or any(
        child.open
        and (
            owes(inner) or (inner.kind == "flow" and not inner.progress.started and shows_itself(child.node))
        )
        for child in act.children
        for inner in child.acts[-1:]
        if not child.node.goes_on
    )


def _did_not_succeed(child: LiveSpan) -> bool:
    """Its result says so, if it is known, or that what it is in was skipped."""
    result = expected(child)
    return skipped(child) or (result is not None and result.status != "success")


def shows_itself(node: Node) -> bool:
    """An unlogged child that cannot succeed without a line of log."""
    if node.guarded or node.goes_on:
        return False
    if node.type == "parallel":
        return node.body is not None and any(shows_itself(child) for child in node.body.nodes)
    return node.type == "flow" or (node.type == "while" and node.body is not None and bool(node.body.nodes))


def can_throw(node: Node) -> bool:
    """Can an attempt of this block fail?"""
    if node.timeout is not None or node.requires:
        return True
    return any(
        not child.goes_on and (child.type != "parallel" or can_throw(child))
        for child in (node.body.nodes if node.body is not None else ())
    )


def calls(node: Node) -> list[Node]:
    """The ``flow`` steps with which an unlogged child can show itself."""
    return [inner for inner in node.unlogged_inside() if inner.type == "flow"]


def skipped(child: LiveSpan) -> bool:
    """It or an unlogged block that it is in: its result says so, if it is known."""
    at: LiveSpan | None = child
    while at is not None:
        result = expected(at)
        if result is not None and result.status == "skipped":
            return True
        at = at.act.span if at.slot >= 0 else None
    return False


def first_ids(node: Node) -> set[str]:
    """The ids of the steps with which an unlogged container can show itself."""
    if node.type == "parallel" and node.body is not None:
        return set().union(*(first_ids(child) for child in node.body.nodes)) if node.body.nodes else set()
    bodies = [node.body] if node.body is not None and node.body.nodes else []
    return {step_list.nodes[0].id for step_list in (*bodies, *node.sides)}
