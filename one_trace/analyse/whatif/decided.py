"""The engine's values where nothing is evaluated: each decision is the one that a past run made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from one_trace.analyse.whatif.course import Course
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Loop, Promise
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle, Step


class DecidedValues:
    """Holds no value. The engine asks about the step that `course` has noted last."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._numbers = 0

    def new_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def release(self, kind: str, number: int) -> None:
        pass

    # -- decisions

    def holds(self, context: Handle, expression: Json) -> bool:
        course = self._course
        return (expression is course.step.get("if")) is not course.skipped

    def condition(self, context: Handle, step: Step) -> bool:
        branch = self._course.branch
        if branch is None:  # nothing ran in either: the one without steps
            return not (step.get("condition") or {}).get("then")
        return branch == "then"

    def open_loop(self, state: Handle, context: Handle, step: Step, most: int) -> int:
        return self._course.iterations

    def again(self, context: Handle, step: Step) -> bool:
        return self._course.again()

    def open_flow(self, context: Handle, step: Step, inputs: Handle) -> str:
        written = (step.get("flow") or {}).get("key")
        called = self._course.called or written
        if not isinstance(called, str):
            raise StepFailure("It is not known which flow this step calls")
        return called

    def begin(self, loop: Loop, result: Handle, context: Handle, step: Step, root: str) -> Promise[None]:
        raise NotImplementedError  # `Replay.body` runs steps without children

    def at_once(self, result: Handle, context: Handle, step: Step) -> None:
        raise NotImplementedError

    # -- what a value would be needed for

    def default_on_error(self, context: Handle, config: Json) -> None:
        pass

    def accept(self, context: Handle, inputs: Handle, declared: Json) -> None:
        pass

    def counts(self, context: Handle) -> tuple[int, int, int]:
        return 0, 0, 0

    def requires(self, context: Handle, step: Step) -> None:
        pass

    def mock(self, result: Handle, context: Handle, step: Step) -> Json:
        return None

    def given(self, result: Handle, made: dict[str, Any]) -> None:
        pass

    def finish(
        self, context: Handle, step: Step, result: Handle, duration_ms: int, retries: int | None
    ) -> None:
        pass

    def keep(self, context: Handle, results: Sequence[tuple[Step, Handle]]) -> None:
        pass

    def close_condition(self, result: Handle, taken: bool, ran: Sequence[Handle]) -> None:
        pass

    def close_parallel(self, result: Handle, parts: Sequence[Handle]) -> None:
        pass

    def begin_iteration(self, state: Handle, context: Handle, i: int) -> None:
        pass

    def end_iteration(self, state: Handle, context: Handle, i: int) -> None:
        pass

    def fork(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        pass

    def join(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        pass

    def close_loop(self, state: Handle, context: Handle, result: Handle) -> None:
        pass

    def open_while(self, context: Handle, step: Step, outcomes: Handle) -> None:
        pass

    def end_turn(
        self, context: Handle, step: Step, last: Step | None, iteration: int, outcomes: Handle
    ) -> None:
        pass

    def close_while(self, result: Handle, outcomes: Handle) -> None:
        pass

    def close_flow(self, context: Handle, last: Step | None, result: Handle) -> list[str]:
        return []

    def dry_flow(self, context: Handle, steps: Json) -> tuple[Json, Json]:
        return None, None

    def dry_step(self, context: Handle, step: Step) -> dict[str, Any]:
        return {}
