"""What the engine needs of a step definition, read once for all executions of it."""

from __future__ import annotations

from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import number, truthy
from one_trace.engine.retry import OnError
from one_trace.engine.schema import Json
from one_trace.engine.values import Step

MISSING = object()
"""A field that the flow file does not have."""
EXTERNAL = ("action", "paginate", "bash")
"""Step types that --mock replaces."""
_MOST_PLANS = 1_000


class StepPlan:
    """`guards`: the expressions of `if` and `unless`, and what they are when the step is skipped; `limit_ms`:
    `timeoutMs`, if there is one; `external`: --mock replaces it."""

    __slots__ = ("default", "external", "guards", "id", "limit_ms", "on_error", "requires", "step", "timeout")

    def __init__(self, step: Step, default: Json) -> None:
        self.step, self.default = step, default
        self.id: Json = step.get("id", MISSING)
        self.guards = [
            (step[key], skips) for key, skips in (("if", False), ("unless", True)) if truthy(step.get(key))
        ]
        self.on_error = OnError(step, default)
        self.requires = truthy(step.get("requires"))
        self.external = step.get("type") in EXTERNAL
        limit = step.get("timeoutMs")
        self.limit_ms = number(limit) if truthy(limit) else None
        self.timeout = f'Step "{step.get("id")}" exceeded timeout of {_plain(limit)}ms'

    @property
    def strategy(self) -> Json:
        """As the event of its failure has it."""
        own = self.step.get("onError")
        return (own.get("strategy") if isinstance(own, dict) else None) or "fail"

    def timed_out(self) -> StepFailure:
        return StepFailure(self.timeout, code="TIMEOUT", timeout=True)


class Plans:
    """The plans of the definitions that ran last."""

    def __init__(self) -> None:
        self._plans: dict[int, StepPlan] = {}

    def of(self, step: Step, default: Json) -> StepPlan:
        """`default`: `defaultOnError` of the step's flow."""
        plan = self._plans.get(id(step))  # which holds the step, so that no other can get its number
        if plan is None or plan.default is not default:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()  # each call of a sub-flow may have read its file again
            plan = self._plans[id(step)] = StepPlan(step, default)
        return plan


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
