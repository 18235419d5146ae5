"""What the flow files say of a run that is drawn: the steps, by the step or flow that they stand in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

CONTAINERS = ("loop", "while", "condition", "parallel", "flow")
_PARTS = ("steps", "then", "else")


class DrawnStep(NamedTuple):
    """A step as its flow has it."""

    kind: str
    inner: Mapping[str, DrawnStep] | None = None
    """The steps directly in it, by id; None where that is not known."""
    calls: str | None = None
    """The flow that a `flow` step names."""
    at_once: int = 1
    """Iterations that may run at the same time."""
    after: str | None = None
    """The step before it in its list; None of the first one."""
    must_succeed: bool = False
    """Unless it does, what it is in does not either."""


Plan = Mapping[str, DrawnStep]
"""The steps of one flow by id, in the order of the file."""
Called = Callable[[str], Plan | None]
"""The plan of the flow of that name, if it can be read."""


_FAILING = (None, "fail", "retry")
"""How a step may handle errors so that one ends what it is in."""


def plan_of(definition: Mapping[str, object]) -> Plan:
    """The plan of a flow's definition (decoded JSON). What is not a step is skipped."""
    strict = "defaultOnError" not in definition
    return _plan(definition.get("steps"), strict=strict)


def no_flow(_name: str) -> None:
    """Nothing is known of the flows that are called."""


def _plan(steps: object, *, strict: bool) -> dict[str, DrawnStep]:
    plan: dict[str, DrawnStep] = {}
    before = None
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, dict) and isinstance(step.get("id"), str):
            plan.setdefault(step["id"], _step(step, before, strict=strict))
            before = step["id"]
    return plan


def _step(step: Mapping[str, object], after: str | None, *, strict: bool) -> DrawnStep:
    kind, handling = str(step.get("type", "")), step.get("onError") or {}
    strategy = handling.get("strategy") if isinstance(handling, dict) else "?"
    must = strict and strategy in _FAILING and not (step.keys() & {"if", "unless"})
    drawn, body = DrawnStep(kind, after=after, must_succeed=must), step.get(kind)
    if kind not in CONTAINERS or not isinstance(body, dict):
        return drawn
    if kind == "flow":
        key = body.get("key")
        return drawn._replace(calls=key if isinstance(key, str) else None)
    inner: dict[str, DrawnStep] = {}
    for part in _PARTS:
        inner = {**_plan(body.get(part), strict=strict), **inner}
    most = body.get("maxConcurrency")
    return drawn._replace(inner=inner, at_once=most if isinstance(most, int) and most > 1 else 1)
