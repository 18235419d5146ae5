"""What each type of step does, one module for each family."""

from __future__ import annotations

from one_trace.engine.call import Body, Call
from one_trace.engine.failures import StepFailure
from one_trace.engine.steps.branches import condition, parallel
from one_trace.engine.steps.leaves import at_once, bash, code
from one_trace.engine.steps.loops import loop, while_
from one_trace.engine.steps.subflow import subflow
from one_trace.engine.values import Handle

__all__ = ["run"]

_AT_ONCE = ("transform", "file-read", "file-write")
_IN_TIME: dict[str, Body] = {
    "code": code,
    "condition": condition,
    "loop": loop,
    "parallel": parallel,
    "while": while_,
    "flow": subflow,
    "bash": bash,
}


async def run(call: Call) -> Handle:
    """Run one attempt of a step."""
    kind = call.step.get("type")
    if kind in _AT_ONCE:
        return at_once(call)
    if isinstance(kind, str) and kind in _IN_TIME:
        return await call.engine.loop.called(_IN_TIME[kind](call))
    if kind in ("action", "paginate"):
        raise StepFailure(f'Step "{call.step.get("id")}" ({kind}) needs One CLI: npm install -g @withone/cli')
    raise StepFailure(f"Unknown step type: {'undefined' if kind is None else kind}")
