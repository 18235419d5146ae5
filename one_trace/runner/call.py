"""One attempt of a step, as its body sees it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from one_trace.runner.failures import StepFailure
from one_trace.runner.loop import Loop, Promise
from one_trace.runner.observer import Behaviour, Observer, Place
from one_trace.runner.schema import Json
from one_trace.runner.terms import FlowScope, RunOptions, StepResult
from one_trace.runner.worker import Handle, Worker


class Scheduler(Protocol):
    """What the body of a step may ask of the engine that runs it."""

    worker: Worker
    loop: Loop
    options: RunOptions
    observer: Observer
    reader: Promise[None] | None

    def emit(self, event: str, **fields: Json) -> None: ...
    def context(self) -> Handle: ...
    def json_error(self, text: str) -> str: ...

    async def flow(
        self, flow: Json, scope: FlowScope, context: Handle, place: Place, done: Collection[str] = ()
    ) -> bool: ...

    async def steps(
        self, steps: Json, context: Handle, scope: FlowScope, place: Place, done: Collection[str] = ()
    ) -> list[StepResult]: ...

    async def step(
        self, step: dict[str, Any], context: Handle, scope: FlowScope, span: int
    ) -> StepResult: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A step, its context, and where in the run this attempt stands."""

    engine: Scheduler
    step: dict[str, Any]
    context: Handle
    scope: FlowScope
    span: int
    attempt: int

    @property
    def number(self) -> int:
        """The worker's number of the step."""
        return self.engine.worker.step(self.step)

    def handle(self, kind: str = "results") -> Handle:
        return Handle(self.engine.worker, kind)

    def config(self, key: str, first: str) -> dict[str, Any]:
        """The step's configuration; where there is none, what JavaScript says on reading `first` of it."""
        config = self.step.get(key)
        if config is None:
            what = "null" if key in self.step else "undefined"
            raise StepFailure(f"Cannot read properties of {what} (reading '{first}')")
        return config if isinstance(config, dict) else {}

    def place(self, iteration: int | None = None, branch: str | None = None) -> Place:
        """Where the steps inside this one run."""
        return Place(self.span, self.attempt, iteration, branch)

    async def list(self, steps: Json, context: Handle, place: Place) -> list[StepResult]:
        """Run a list of steps that lies inside this one."""
        return await self.engine.loop.go(self.engine.steps(steps, context, self.scope, place))

    async def behave(self, behaviour: Behaviour) -> Handle:
        """In a test: take a while, then give a value or throw."""
        if behaviour.duration_ms:
            await self.engine.loop.sleep(behaviour.duration_ms)
        if behaviour.error is not None:
            raise StepFailure(behaviour.error)
        handle = self.handle()
        made = {"status": "success", "output": behaviour.output, "response": behaviour.output}
        self.engine.worker.tell("given", handle.number, made)
        return handle


Body = Callable[[Call], Coroutine[Promise[Any], None, Handle]]
"""Runs one attempt of a step."""
