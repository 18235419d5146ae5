"""The engine, with its loop and its observer, as the driver of a reading needs them: each event and each
timer comes with the execution that it is of."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from one_trace.assembler.executions import Execution
from one_trace.assembler.maps import Held, Maps
from one_trace.assembler.pending import Timer
from one_trace.assembler.script import FOLLOWED
from one_trace.engine import steps
from one_trace.engine.call import Call, RunOptions
from one_trace.engine.control import Engine
from one_trace.engine.events import Events
from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import truthy
from one_trace.engine.loop import Awaited, Clock, Loop, Promise
from one_trace.engine.observer import Observer, Place
from one_trace.engine.plan import StepPlan
from one_trace.engine.rules import TIMER_LONGEST_MS
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle

if TYPE_CHECKING:
    from one_trace.assembler.drive import Drive

T = TypeVar("T")
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

    def end(self, span: int, status: str, result: Held = None, failure: StepFailure | None = None) -> None:
        execution = self._drive.executions[span - 1]
        if result is not None:
            result.of = execution
        execution.failure = failure
        self._drive.ends(execution, status)


class Told(Events):
    """Each event of a step with its execution."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    def other(self, event: str, **fields: Json) -> None:
        if event in FOLLOWED:
            self._drive.emitted(event, None, fields.get("flowKey"))

    def stamp(self) -> str:
        return ""

    def started(self, plan: StepPlan, span: int) -> None:
        self._drive.emitted("step:start", self._drive.executions[span - 1])

    def completed(
        self, plan: StepPlan, span: int, status: str, duration_ms: int | None, retries: int | None
    ) -> None:
        self._drive.emitted("step:complete", self._drive.executions[span - 1], status)

    def failed(self, plan: StepPlan, span: int, error: str) -> None:
        self._drive.emitted("step:error", self._drive.executions[span - 1], error)

    def pausing(self, plan: StepPlan, span: int, attempt: int, delay_ms: int) -> None:
        self._drive.loop.pausing = (self._drive.executions[span - 1], 0)
        self._drive.emitted("step:retry", self._drive.executions[span - 1], attempt)

    def retried(self, plan: StepPlan, span: int, retries: int) -> None:
        self._drive.emitted("step:retry-success", self._drive.executions[span - 1], retries)

    def gave_up(self, plan: StepPlan, span: int, reason: str, error: str) -> None:
        pass

    def mocked(self, plan: StepPlan, span: int, config: Json) -> None:
        pass


class Followed(Engine):
    """The host's control flow, with the execution that each event is of."""

    def __init__(self, drive: Drive, maps: Maps, loop: DrivenLoop, options: RunOptions) -> None:
        super().__init__(
            maps, loop, options, drive.find_flow, lambda _event: None, self._begin_body, Watch(drive)
        )
        self._drive, self._maps, self._limited_now = drive, maps, loop.limited_now
        self.events = Told(drive)
        self.reader = cast("Promise[None]", Gate(drive))

    def _gives_up(self, plan: StepPlan, span: int, failure: StepFailure) -> bool:
        return self._drive.gives_up(self._drive.executions[span - 1], plan.on_error, failure)

    def _begin_body(self, call: Call) -> Coroutine[Awaited, None, Handle]:
        execution = self._drive.executions[call.span - 1]
        if "timeoutMs" in call.step and truthy(call.step["timeoutMs"]):
            self._limited_now.append((execution, call.attempt))
        if not execution.where.silent and not self._drive.ground.is_logged(execution):
            return self._never()
        if execution.node.type in LEAVES:
            return self._leaf(call, execution)
        return steps.run(call)

    async def _never(self) -> Handle:
        """A step of another version of its flow file: what the log has is not in it."""
        return await Promise(self.loop)

    async def _leaf(self, call: Call, execution: Execution) -> Handle:
        failure = await self._drive.waits(execution, call.attempt)
        if failure is not None:
            raise failure
        return call.handle()
