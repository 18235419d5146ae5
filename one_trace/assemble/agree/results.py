"""Results as the state holds them, taken out of the results of the containers around them."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Raw

from one_trace.assemble.live.state import ContainerAttempt, Results, Scope
from one_trace.record.state import Result, read_result
from one_trace.record.tolerant import UNREADABLE, present, raw_items

_T = TypeVar("_T")
STATUSES = frozenset({"success", "failed", "timeout", "skipped"})


class _Iterations(msgspec.Struct):
    iterations: list[Results | None] | None = None


class _While(msgspec.Struct):
    results: list[Raw] | None = None


class _Condition(msgspec.Struct, rename="camel"):
    steps_executed: list[Raw] | None = None


_iterations = msgspec.json.Decoder(_Iterations)
_results = msgspec.json.Decoder(Results)
_whiles = msgspec.json.Decoder(_While)
_conditions = msgspec.json.Decoder(_Condition)


def is_last(act: ContainerAttempt, result: Result) -> bool:
    """A result is the last attempt's."""
    return act.attempt == (result.retries or 0) + 1


def inner_results(scope: Scope, owner: ContainerAttempt, result: Result) -> Results | None:
    """The map of an iteration or a sub-flow, out of the result of its container."""
    if result.status != "success":
        return None
    if owner.kind == "flow":
        return _without(flow_results(result), owner)
    return iteration_results(owner, result, scope.iteration or 0)


def _without(results: Results | None, owner: ContainerAttempt) -> Results | None:
    """But for what stands in the place of a result: the host spreads the last step's output over them, and
    warns of it only where a result stood there."""
    tree = owner.tree
    if results is None or tree is None or not tree.root.nodes:
        return results
    last = results.get(tree.root.nodes[-1].id)
    final = read_result(last) if last is not None else None
    spread = flow_results(final) if final is not None else None
    hidden = tree.hidden.union(spread) if spread else tree.hidden
    return {step_id: raw for step_id, raw in results.items() if step_id not in hidden} if hidden else results


def iteration_results(act: ContainerAttempt, result: Result, iteration: int) -> Results | None:
    """The map of one iteration of a loop that succeeded."""
    if act.results is None:
        held = _decoded(_iterations, result.response)
        act.results = [found or {} for found in held.iterations or ()] if held is not None else False
    if isinstance(act.results, list) and iteration < len(act.results):
        return act.results[iteration]
    return None


def flow_results(result: Result) -> Results | None:
    """A sub-flow's map, as it stands in the output of its step."""
    return _decoded(_results, result.output)


def child_result(block: Result, slot: int) -> Result | None:
    """The result of a child of a parallel block that succeeded."""
    children = raw_items(block.output)
    return read_result(children[slot]) if children is not None and slot < len(children) else None


def while_outputs(result: Result) -> list[Raw]:
    held = _decoded(_whiles, result.output)
    return (held.results if held is not None else None) or []


def executed_results(condition: Result) -> list[Raw]:
    """The results of the steps that a condition ran, in their order."""
    held = _decoded(_conditions, condition.output)
    return (held.steps_executed if held is not None else None) or []


def _decoded(decoder: msgspec.json.Decoder[_T], raw: Raw) -> _T | None:
    """None if there is nothing, or something else."""
    if not present(raw):
        return None
    try:
        return decoder.decode(raw)
    except UNREADABLE:
        return None
