"""One attempt of a step, as the code of its type sees it, and what the engine passes to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import Any, NamedTuple, Protocol

from one_trace.engine.events import Events
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Awaited, Loop, Promise
from one_trace.engine.observer import Observer, Place
from one_trace.engine.plan import Plans, StepPlan
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle, Step, Values


class RunOptions(NamedTuple):
    """The options of `flow execute` that the engine follows."""

    dry_run: bool = False
    mock: bool = False
    allow_bash: bool = False
    stop_after: str | None = None

    @property
    def dry_resolve(self) -> bool:
        return self.dry_run and not self.mock


class FlowScope(NamedTuple):
    """The flow that a list of steps belongs to. `stack`: the keys of the flows that call it."""

    key: str
    root: str
    stack: tuple[str, ...] = ()
    default_on_error: Any = None


class StepResult:
    """How a step ended. `Values` holds the value."""

    __slots__ = ("duration_ms", "handle", "retries", "status")

    def __init__(
        self, handle: Handle, status: str, duration_ms: int | None = None, retries: int | None = None
    ) -> None:
        self.handle, self.status, self.duration_ms, self.retries = handle, status, duration_ms, retries


class FoundFlow(Protocol):
    """A flow that a step calls. `root`: the folder of its code modules."""

    @property
    def flow(self) -> Json: ...

    @property
    def root(self) -> str: ...


FindFlow = Callable[[str], FoundFlow]
"""The flow with this key. Raises StepFailure if there is none, or it cannot be read."""


class Scheduler(Protocol):
    """What the code of a step type may ask of the engine."""

    values: Values
    loop: Loop
    options: RunOptions
    find_flow: FindFlow
    observer: Observer
    events: Events
    plans: Plans
    reader: Promise[None] | None

    async def flow(
        self, flow: Json, scope: FlowScope, context: Handle, place: Place, done: Collection[str] = ()
    ) -> bool: ...

    async def steps(
        self, steps: Json, context: Handle, scope: FlowScope, place: Place, done: Collection[str] = ()
    ) -> list[StepResult]: ...

    async def step(self, plan: StepPlan, context: Handle, scope: FlowScope, span: int) -> StepResult: ...


class Call:
    """A step, its context, and the span and number of this attempt. No tuple, which takes longer to make."""

    __slots__ = ("attempt", "context", "engine", "scope", "span", "step")

    def __init__(
        self, engine: Scheduler, step: Step, context: Handle, scope: FlowScope, span: int, attempt: int
    ) -> None:
        self.engine, self.step, self.context = engine, step, context
        self.scope, self.span, self.attempt = scope, span, attempt

    def handle(self, kind: str = "results") -> Handle:
        return self.engine.values.new(kind)

    def config(self, key: str, first: str) -> dict[str, Any]:
        """The step's configuration. If there is none, fails as JavaScript would when reading `first`."""
        config = self.step.get(key)
        if config is None:
            what = "null" if key in self.step else "undefined"
            raise StepFailure(f"Cannot read properties of {what} (reading '{first}')")
        return config if isinstance(config, dict) else {}

    def place(self, iteration: int | None = None, branch: str | None = None) -> Place:
        """Where the steps nested in this one run."""
        return Place(self.span, self.attempt, iteration, branch)

    async def list(self, steps: Json, context: Handle, place: Place) -> list[StepResult]:
        """Run a nested list of steps."""
        return await self.engine.loop.go(self.engine.steps(steps, context, self.scope, place))


Body = Callable[[Call], Coroutine[Awaited, None, Handle]]
"""The code of a step type, which runs one attempt."""
