"""The events of a run, as One CLI writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from one_trace.engine.loop import Clock
from one_trace.engine.plan import MISSING, StepPlan
from one_trace.engine.schema import Json
from one_trace.model.times import to_iso

Event: TypeAlias = dict[str, Any]
Emit: TypeAlias = Callable[[Event], None]


class Events:
    """Makes the events and hands them to `emit`. `span`: the number of the execution that one is of."""

    def __init__(self, emit: Emit, clock: Clock) -> None:
        self._emit, self._clock = emit, clock

    def other(self, event: str, **fields: Json) -> None:
        """One that is not of an execution. A field that is MISSING is left out."""
        self._emit({"event": event} | {key: value for key, value in fields.items() if value is not MISSING})

    def stamp(self) -> str:
        return to_iso(self._clock.now_ms())

    def started(self, plan: StepPlan, span: int) -> None:
        get = plan.step.get
        about = {"stepId": plan.id, "stepName": get("name", MISSING), "type": get("type", MISSING)}
        self.other("step:start", **about, timestamp=self.stamp())

    def completed(
        self, plan: StepPlan, span: int, status: str, duration_ms: int | None, retries: int | None
    ) -> None:
        """Raises StepFailure if what has been done cannot be saved."""
        duration = MISSING if duration_ms is None else duration_ms
        again = MISSING if retries is None else retries
        self.other("step:complete", stepId=plan.id, status=status, durationMs=duration, retries=again)

    def failed(self, plan: StepPlan, span: int, error: str) -> None:
        self.other("step:error", stepId=plan.id, error=error, strategy=plan.strategy)

    def pausing(self, plan: StepPlan, span: int, attempt: int, delay_ms: int) -> None:
        """`attempt`: the one that follows the pause."""
        fields = {"attempt": attempt, "maxRetries": plan.on_error.max_retries, "delayMs": delay_ms}
        self.other("step:retry", stepId=plan.id, **fields)

    def gave_up(self, plan: StepPlan, span: int, reason: str, error: str) -> None:
        self.other("step:retry-skip", stepId=plan.id, reason=reason, error=error)

    def retried(self, plan: StepPlan, span: int, retries: int) -> None:
        """Successfully."""
        self.other("step:retry-success", stepId=plan.id, retries=retries)

    def mocked(self, plan: StepPlan, span: int, config: Json) -> None:
        self.other("step:mock", stepId=plan.id, type=plan.step["type"], config=config)
