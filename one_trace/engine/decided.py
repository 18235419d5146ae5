"""The engine's values where nothing is evaluated: each decision is one that a past run has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Loop, Promise
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle, Step


class Decisions(Protocol):
    """What the step did that the engine runs now: an `Observer` knows which one that is."""

    @property
    def step(self) -> Step: ...

    @property
    def skipped(self) -> bool: ...

    @property
    def branch(self) -> str | None:
        """Of a condition; None if nothing ran in either."""

    @property
    def called(self) -> str | None:
        """The key of the flow that it called, if that is known."""

    @property
    def iterations(self) -> int: ...

    def again(self) -> bool:
        """Whether a while step goes on after this iteration."""


class DecidedValues:
    """Holds no value."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._numbers = 0

    def new(self, kind: str) -> Handle:
        return Handle(self, kind)

    def new_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def release(self, kind: str, number: int) -> None:
        pass

    # -- decisions

    def holds(self, context: Handle, expression: Json) -> bool:
        return (expression is self._decisions.step.get("if")) is not self._decisions.skipped

    def condition(self, context: Handle, step: Step) -> bool:
        branch = self._decisions.branch
        if branch is None:  # nothing ran in either: the one without steps
            return not (step.get("condition") or {}).get("then")
        return branch == "then"

    def open_loop(self, state: Handle, context: Handle, step: Step, most: int) -> int:
        return self._decisions.iterations

    def again(self, context: Handle, step: Step) -> bool:
        return self._decisions.again()

    def open_flow(self, context: Handle, step: Step, inputs: Handle) -> str:
        written = (step.get("flow") or {}).get("key")
        called = self._decisions.called or written
        if not isinstance(called, str):
            raise StepFailure("It is not known which flow this step calls")
        return called

    def begin(self, loop: Loop, result: Handle, context: Handle, step: Step, root: str) -> Promise[None]:
        raise NotImplementedError  # the engine's `body` runs steps without children

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
