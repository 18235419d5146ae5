"""Input sizes: the worker measures the input of each step execution when it is about to be used, and writes
it to a file beside log and state.

An execution is identified as in the log, as the nth ``step:start`` of an id. The direct children of
`parallel` have no such event: they are identified by their parent, its attempt, and their index in it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from one_trace.engine.observer import Observer, Place

if TYPE_CHECKING:
    from one_trace.engine.failures import StepFailure
    from one_trace.engine.values import Handle
    from one_trace.runner.worker import Worker

Label = dict[str, Any]


class InputSizes(Observer):
    """Has the worker measure every execution."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._labels: dict[int, Label] = {}
        self._parallel: set[int] = set()
        self._attempts: dict[int, int] = {}
        """The last measured attempt of each span."""
        self._started: Counter[str] = Counter()

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        number = super().begin(step, flow_key, place, index, events=events)
        label = self._started_as(step.get("id")) if events else self._inside(place, index)
        if label is not None:
            self._labels[number] = label
            if step.get("type") == "parallel":
                self._parallel.add(number)
        return number

    def _started_as(self, step_id: object) -> Label | None:
        if isinstance(step_id, int | float) and not isinstance(step_id, bool):
            step_id = str(step_id)  # as readers of the log do
        if not isinstance(step_id, str):
            return None  # possible in sub-flows, which are not validated
        self._started[step_id] += 1
        return {"step": step_id, "nth": self._started[step_id]}

    def _inside(self, place: Place, index: int) -> Label | None:
        around = self._labels.get(place.span or 0)
        if around is None:
            return None
        return around | {"child": [*around.get("child", []), place.attempt, index]}

    def resolves(self, span: int, attempt: int, step: dict[str, Any], context: Handle) -> None:
        label, last = self._labels.get(span), self._attempts.get(span, 0)
        if label is None or attempt < last:
            return  # an earlier attempt that timed out and keeps running
        self._attempts[span] = attempt
        self._worker.tell("measure", label, context.number, self._worker.step(step), last > 0)

    def end(
        self, span: int, status: str, result: Handle | None = None, failure: StepFailure | None = None
    ) -> None:
        self._attempts.pop(span, None)
        if span not in self._parallel:  # a parallel step that timed out may start its next batch
            self._labels.pop(span, None)
