"""The engine, with its loop and its observer, as the driver of a reading needs them: each event and each
timer comes with the execution that it is of."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from one_trace.assembler.executions import Execution
from one_trace.assembler.maps import Maps
from one_trace.assembler.pending import Timer
from one_trace.assembler.script import FOLLOWED
from one_trace.engine import steps
from one_trace.engine.call import Call, FlowScope, RunOptions, StepResult
from one_trace.engine.control import Engine
from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import truthy
from one_trace.engine.loop import Clock, Loop, Promise
from one_trace.engine.observer import Observer, Place
from one_trace.engine.retry import OnError
from one_trace.engine.rules import TIMER_LONGEST_MS
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle, Step

if TYPE_CHECKING:
    from one_trace.assembler.drive import Drive

T = TypeVar("T")
_OF_STEPS = ("step:start", "step:complete", "step:retry", "step:retry-success")
LEAVES = frozenset(("transform", "code", "file-read", "file-write", "bash", "action", "paginate"))


class LineClock(Clock):
    """The time of the line that the reading has come to."""

    virtual = True

    def __init__(self) -> None:
        self.at = 0.0

    def now_ms(self) -> int:
        return int(self.at)

    def ticks_ms(self) -> float:
        return self.at


class DrivenLoop(Loop):
    """Its timers go off when the driver says so."""

    def __init__(self, clock: Clock, drive: Drive) -> None:
        super().__init__(clock)
        self._drive = drive
        self._by_number: dict[int, Timer] = {}
        self.limited_now: list[tuple[Execution, int]] = []
        """The executions with a time-out whose bodies have begun in this turn, the innermost last."""
        self.pausing: tuple[Execution, int]

    def limited(self, promise: Promise[T], limit_ms: float, timeout: Exception) -> Promise[T]:
        self.pausing = self.limited_now.pop()
        return super().limited(promise, limit_ms, timeout)

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> int:
        if math.isnan(delay_ms) or not 1 <= delay_ms <= TIMER_LONGEST_MS:
            delay_ms = 1
        self._number += 1
        of, attempt = self.pausing
        limit = attempt > 0
        timer = Timer(self.clock.ticks_ms() + int(delay_ms), of, limit, callback, attempt)
        self._by_number[self._number] = timer
        self._drive.pending.timers.append(timer)
        return self._number

    def cancel(self, number: int) -> None:
        timer = self._by_number.pop(number, None)
        if timer is not None and timer in self._drive.pending.timers:
            self._drive.pending.timers.remove(timer)


class Gate:
    """What a sub-flow waits for before it starts: its file, at the time of its first event."""

    settled = False

    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    def __await__(self) -> Generator[Promise[None], None, None]:
        promise: Promise[None] = Promise(self._drive.loop)
        running = self._drive.maps.running
        assert running is not None
        self._drive.pending.gates.append((running, promise))
        yield promise
        return promise.value


class Watch(Observer):
    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        return self._drive.begins(step, flow_key, place, index, events)

    def attempt(self, span: int, number: int) -> None:
        self._drive.attempt_begins(span)

    def resolves(self, span: int, attempt: int, step: dict[str, Any], context: Handle) -> None:
        self._drive.maps.running = self._drive.executions[span - 1]

    def end(self, span: int, status: str, result: Handle | None = None, **how: bool) -> None:
        self._drive.ends(self._drive.executions[span - 1], status, how.get("raised", False))


class Followed(Engine):
    """The host's control flow, with the subject of each event."""

    def __init__(self, drive: Drive, maps: Maps, loop: Loop, options: RunOptions) -> None:
        super().__init__(
            maps, loop, options, drive.find_flow, lambda _event: None, self._no_body, Watch(drive)
        )
        self._drive, self._maps = drive, maps
        self.subject: Execution | None = None
        self._body = self.begin_body
        self.reader = cast("Promise[None]", Gate(drive))

    async def _no_body(self, call: Call) -> Handle:
        raise NotImplementedError

    def emit(self, event: str, **fields: Json) -> None:
        if event in FOLLOWED:
            subject = self.subject if event in _OF_STEPS else None
            self._drive.emitted(event, fields, subject)

    def stamp(self) -> str:
        return ""

    def _completed(self, step: Step, result: StepResult, span: int) -> None:
        self.subject = self._drive.executions[span - 1]
        super()._completed(step, result, span)

    async def step(self, step: Step, context: Handle, scope: FlowScope, span: int) -> StepResult:
        execution = self._drive.executions[span - 1]
        self._maps.running = execution
        try:
            result = await super().step(step, context, scope, span)
        except StepFailure as failure:
            execution.failure = failure
            raise
        self._maps.made(result.handle).of = execution
        return result

    async def _attempt(
        self, step: Step, context: Handle, scope: FlowScope, span: int, attempt: int
    ) -> Handle:
        try:
            handle = await super()._attempt(step, context, scope, span, attempt)
        except StepFailure:
            self.subject = self._drive.executions[span - 1]
            self._maps.running = self.subject
            raise
        self.subject = self._drive.executions[span - 1]
        return handle

    async def _pause(self, step: Step, on_error: OnError, attempt: int) -> None:
        assert self.subject is not None
        self.loop.pausing = (self.subject, 0)  # type: ignore[attr-defined]
        await super()._pause(step, on_error, attempt)

    def _gives_up(self, step: Step, on_error: OnError, failure: StepFailure) -> bool:
        return self._drive.gives_up(self.subject, on_error, failure)

    def begin_body(self, call: Call) -> Coroutine[Promise[Any], None, Handle]:
        execution = self._drive.executions[call.span - 1]
        if truthy(call.step.get("timeoutMs")):
            self.loop.limited_now.append((execution, call.attempt))  # type: ignore[attr-defined]
        if call.step.get("type") in LEAVES:
            return self._leaf(call, execution)
        self._maps.running = execution
        return steps.run(call)

    async def _leaf(self, call: Call, execution: Execution) -> Handle:
        failure = await self._drive.waits(execution, call.attempt)
        if failure is not None:
            raise failure
        return call.handle()
