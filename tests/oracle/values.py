"""The engine's values in a run that is made of a reading: its decisions, and the results that the state would
hold, without what the steps made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from one_trace.engine.decided import DecidedValues, Decisions
from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import number
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle, Step
from tests.oracle.results import Results

_CONSTANTS = {"true": True, "false": False}


class ReadDecisions(Decisions, Protocol):
    @property
    def own_failure(self) -> str | None:
        """The error, if the step that the engine runs now threw before anything ran in it."""


@dataclass
class _Loop:
    iterations: list[Results | None] = field(default_factory=list)
    seen: dict[int, set[str]] = field(default_factory=dict)
    """By iteration, which results there were when it began."""


class KeptValues(DecidedValues):
    """What a flow file says outright is no decision of the reading."""

    def __init__(self, decisions: ReadDecisions) -> None:
        super().__init__(decisions)
        self._read = decisions
        self._held: dict[int, Any] = {}

    def release(self, kind: str, number: int) -> None:
        self._held.pop(number, None)

    def results(self, context: Handle) -> Results:
        found: Results = self._held[context.number]
        return found

    def begin_with(self, context: Handle, results: Results) -> None:
        self._held[context.number] = results

    # -- decisions

    def holds(self, context: Handle, expression: Json) -> bool:
        constant = _CONSTANTS.get(str(expression))
        return super().holds(context, expression) if constant is None else constant

    def condition(self, context: Handle, step: Step) -> bool:
        self._check()
        constant = _CONSTANTS.get(str((step.get("condition") or {}).get("expression")))
        return super().condition(context, step) if constant is None else constant

    def open_loop(self, state: Handle, context: Handle, step: Step, most: int) -> int:
        self._check()
        self._held[state.number] = _Loop()
        config = step.get("loop") or {}
        over = config.get("over")
        if not isinstance(over, list):
            return super().open_loop(state, context, step, most)
        return min(len(over), int(number(config.get("maxIterations"))) or most)

    def again(self, context: Handle, step: Step) -> bool:
        constant = _CONSTANTS.get(str(step["while"].get("condition")))
        return super().again(context, step) if constant is None else constant

    def open_flow(self, context: Handle, step: Step, inputs: Handle) -> str:
        self._held[inputs.number] = self._read.own_failure
        key = (step.get("flow") or {}).get("key")
        if isinstance(key, str) and "$" not in key:
            return key
        self._check()
        return super().open_flow(context, step, inputs)

    def accept(self, context: Handle, inputs: Handle, declared: Json) -> None:
        error = self._held[inputs.number]
        if error is not None:
            raise StepFailure(error)
        self.begin_with(context, {})

    def requires(self, context: Handle, step: Step) -> None:
        self._check()

    def _check(self) -> None:
        error = self._read.own_failure
        if error is not None:
            raise StepFailure(error)

    # -- results

    def counts(self, context: Handle) -> tuple[int, int, int]:
        statuses = [result["status"] for result in self.results(context).values()]
        return statuses.count("success"), statuses.count("failed"), statuses.count("skipped")

    def given(self, result: Handle, made: dict[str, Any]) -> None:
        self._held[result.number] = made

    def finish(
        self, context: Handle, step: Step, result: Handle, duration_ms: int, retries: int | None
    ) -> None:
        made = self._held[result.number]
        made["durationMs"] = duration_ms
        if retries is not None:
            made["retries"] = retries
        self.results(context)[_id(step)] = made

    def keep(self, context: Handle, results: Sequence[tuple[Step, Handle]]) -> None:
        kept = self.results(context)
        for step, result in results:
            kept[_id(step)] = self._held[result.number]

    def close_condition(self, result: Handle, taken: bool, ran: Sequence[Handle]) -> None:
        executed = [self._held[one.number] for one in ran]
        self.given(result, _success({"conditionResult": taken, "stepsExecuted": executed}))

    def close_parallel(self, result: Handle, parts: Sequence[Handle]) -> None:
        made = [self._held[part.number] for part in parts]
        self.given(result, _success(made) | {"response": made})

    def end_iteration(self, state: Handle, context: Handle, i: int) -> None:
        # the host keeps every result so far, not only those of this iteration
        self._held[state.number].iterations.append(dict(self.results(context)))

    def fork(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        shared = self.results(context)
        self.begin_with(own, dict(shared))
        self._held[state.number].seen[i] = set(shared)

    def join(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        loop: _Loop = self._held[state.number]
        shared, mine = self.results(context), self.results(own)
        changed = {
            key: value
            for key, value in mine.items()
            if key not in loop.seen[i] or value is not shared.get(key)
        }
        loop.iterations += [None] * (i + 1 - len(loop.iterations))
        loop.iterations[i] = changed
        shared |= mine

    def close_loop(self, state: Handle, context: Handle, result: Handle) -> None:
        iterations = self._held[state.number].iterations
        self.given(result, _success(None) | {"response": {"iterations": iterations}})

    def open_while(self, context: Handle, step: Step, outcomes: Handle) -> None:
        self._check()
        self._held[outcomes.number] = []
        self.results(context)[_id(step)] = _success({"iteration": 0, "results": []})

    def end_turn(
        self, context: Handle, step: Step, last: Step | None, iteration: int, outcomes: Handle
    ) -> None:
        made = None if last is None else (self.results(context).get(_id(last)) or {}).get("output")
        so_far = self._held[outcomes.number]
        so_far.append(made)
        output = {"lastResult": made, "iteration": iteration, "results": so_far}
        self.results(context)[_id(step)] = _success(output)

    def close_while(self, result: Handle, outcomes: Handle) -> None:
        so_far = self._held[outcomes.number]
        output = {"lastResult": so_far[-1] if so_far else None, "iteration": len(so_far), "results": so_far}
        self.given(result, _success(output) | {"response": {"results": so_far}})

    def close_flow(self, context: Handle, last: Step | None, result: Handle) -> list[str]:
        made = self.results(context)
        final = None if last is None else (made.get(_id(last)) or {}).get("output")
        if isinstance(final, dict):
            output, collisions = {**made, **final}, [key for key in final if key in made]
        else:
            output, collisions = {**made, "_finalOutput": final}, []
        self.given(result, _success(output) | {"response": output})
        return collisions


def _success(output: Any) -> dict[str, Any]:
    return {"status": "success", "output": output}


def _id(step: Step) -> str:
    return str(step.get("id"))
