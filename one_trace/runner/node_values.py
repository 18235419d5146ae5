"""The engine's values, evaluated and held by the worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from one_trace.engine.loop import Loop, Promise
from one_trace.engine.rules import BASH_TIMEOUT_MS
from one_trace.engine.schema import NESTED, Json
from one_trace.engine.values import Handle, Step
from one_trace.runner.worker import Worker


class NodeValues:
    """Each method is one operation of `worker.cjs`: `tell` where no answer is needed, `ask` where JavaScript
    may throw."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def new(self, kind: str) -> Handle:
        return Handle(self, kind)

    def new_number(self) -> int:
        return self.worker.new_number()

    def release(self, kind: str, number: int) -> None:
        self.worker.released.setdefault(kind, []).append(number)

    # -- contexts

    def default_on_error(self, context: Handle, config: Json) -> None:
        self.worker.tell("defaultOnError", context.number, config)

    def accept(self, context: Handle, inputs: Handle, declared: Json) -> None:
        self.worker.ask("acceptNew", context.number, inputs.number, declared)

    def counts(self, context: Handle) -> tuple[int, int, int]:
        completed, failed, skipped = self.worker.ask("counts", context.number)
        return completed, failed, skipped

    # -- steps

    def holds(self, context: Handle, expression: Json) -> bool:
        return bool(self.worker.ask("holds", context.number, expression))

    def requires(self, context: Handle, step: Step) -> None:
        self.worker.ask("requires", context.number, self.worker.step(step))

    def at_once(self, result: Handle, context: Handle, step: Step) -> None:
        self.worker.ask(step["type"], result.number, context.number, self.worker.step(step))

    def begin(self, loop: Loop, result: Handle, context: Handle, step: Step, root: str) -> Promise[None]:
        arguments = (result.number, context.number, self.worker.step(step))
        own = root if step["type"] == "code" else BASH_TIMEOUT_MS
        return self.worker.begin(loop, step["type"], *arguments, own)

    def mock(self, result: Handle, context: Handle, step: Step) -> Json:
        return self.worker.ask("mock", result.number, context.number, self.worker.step(step))

    def given(self, result: Handle, made: dict[str, Any]) -> None:
        self.worker.tell("given", result.number, made)

    def finish(
        self, context: Handle, step: Step, result: Handle, duration_ms: int, retries: int | None
    ) -> None:
        number = self.worker.step(step)
        self.worker.tell("finish", context.number, number, result.number, duration_ms, retries)

    def keep(self, context: Handle, results: Sequence[tuple[Step, Handle]]) -> None:
        pairs = [[self.worker.step(step), result.number] for step, result in results]
        self.worker.tell("place", context.number, pairs)

    # -- containers

    def condition(self, context: Handle, step: Step) -> bool:
        return bool(self.worker.ask("condition", context.number, self.worker.step(step)))

    def close_condition(self, result: Handle, taken: bool, ran: Sequence[Handle]) -> None:
        self.worker.tell("closeCondition", result.number, taken, [one.number for one in ran])

    def close_parallel(self, result: Handle, parts: Sequence[Handle]) -> None:
        self.worker.tell("closeParallel", result.number, [part.number for part in parts])

    def open_loop(self, state: Handle, context: Handle, step: Step, most: int) -> int:
        return int(self.worker.ask("openLoop", state.number, context.number, self.worker.step(step), most))

    def begin_iteration(self, state: Handle, context: Handle, i: int) -> None:
        self.worker.tell("turn", state.number, context.number, i)

    def end_iteration(self, state: Handle, context: Handle, i: int) -> None:
        self.worker.tell("endTurn", state.number, context.number, i)

    def fork(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        self.worker.tell("fork", state.number, context.number, own.number, i)

    def join(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        self.worker.tell("join", state.number, context.number, own.number, i)

    def close_loop(self, state: Handle, context: Handle, result: Handle) -> None:
        self.worker.tell("closeLoop", state.number, context.number, result.number)

    def open_while(self, context: Handle, step: Step, outcomes: Handle) -> None:
        self.worker.tell("openWhile", context.number, self.worker.step(step), outcomes.number)

    def again(self, context: Handle, step: Step) -> bool:
        return bool(self.worker.ask("again", context.number, self.worker.step(step)))

    def end_turn(
        self, context: Handle, step: Step, last: Step | None, iteration: int, outcomes: Handle
    ) -> None:
        number = None if last is None else self.worker.step(last)
        arguments = (self.worker.step(step), number, iteration, outcomes.number)
        self.worker.tell("whileTurn", context.number, *arguments)

    def close_while(self, result: Handle, outcomes: Handle) -> None:
        self.worker.tell("closeWhile", result.number, outcomes.number)

    def open_flow(self, context: Handle, step: Step, inputs: Handle) -> str:
        return str(self.worker.ask("openFlow", context.number, self.worker.step(step), inputs.number))

    def close_flow(self, context: Handle, last: Step | None, result: Handle) -> list[str]:
        number = None if last is None else self.worker.step(last)
        collisions: list[str] = self.worker.ask("closeFlow", context.number, number, result.number)
        return collisions

    # -- dry runs

    def dry_flow(self, context: Handle, steps: Json) -> tuple[Json, Json]:
        inputs, resolved = self.worker.ask("drySteps", context.number, steps, NESTED)
        return inputs, resolved

    def dry_step(self, context: Handle, step: Step) -> dict[str, Any]:
        resolved: dict[str, Any] = self.worker.ask("dryStep", context.number, self.worker.step(step))
        return resolved
