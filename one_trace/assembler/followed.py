"""The engine as a reading runs it: leaves wait for the log, timers go off when the reading says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Generator
from typing import TypeVar, cast

from one_trace.assembler.emitted import Emitted
from one_trace.assembler.executions import Execution
from one_trace.assembler.ground import Found
from one_trace.assembler.leaves import Leaves
from one_trace.assembler.maps import Maps
from one_trace.assembler.pending import LEAVES, Pending, Timer
from one_trace.assembler.standing import LineClock, Standing
from one_trace.assembler.watch import Watch
from one_trace.engine import steps
from one_trace.engine.call import Call, RunOptions
from one_trace.engine.control import Engine
from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import truthy
from one_trace.engine.loop import Awaited, Loop, Promise
from one_trace.engine.plan import StepPlan
from one_trace.engine.rules import TIMER_LONGEST_MS
from one_trace.engine.values import Handle

T = TypeVar("T")


class DrivenLoop(Loop):
    """Its timers go off when the reading says so. `pending` is where they wait."""

    def __init__(self, clock: LineClock, pending: Pending) -> None:
        super().__init__(clock)
        self._pending = pending
        self._by_number: dict[int, Timer] = {}

    def limited(self, promise: Promise[T], limit_ms: float, timeout: Exception) -> Promise[T]:
        self._pending.pausing = self._pending.limited.pop()
        return super().limited(promise, limit_ms, timeout)

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> int:
        if math.isnan(delay_ms) or not 1 <= delay_ms <= TIMER_LONGEST_MS:
            delay_ms = 1
        self._number += 1
        of, attempt = self._pending.pausing
        timer = Timer(self.clock.ticks_ms() + int(delay_ms), of, attempt > 0, callback, attempt)
        self._by_number[self._number] = timer
        self._pending.timers.append(timer)
        return self._number

    def cancel(self, number: int) -> None:
        timer = self._by_number.pop(number, None)
        if timer is not None and timer in self._pending.timers:
            self._pending.timers.remove(timer)


class Reader:
    """What a sub-flow waits for before it starts: its file, at the time of its first event."""

    settled = False

    def __init__(self, at: Standing) -> None:
        self._at = at

    def __await__(self) -> Generator[Promise[None], None, None]:
        promise: Promise[None] = Promise(self._at.loop)
        running = self._at.running
        assert running is not None
        self._at.pending.gates.append((running, promise))
        yield promise
        return promise.value


class Followed(Engine):
    """The host's control flow, held against the log."""

    def __init__(
        self, at: Standing, maps: Maps, emitted: Emitted, leaves: Leaves, options: RunOptions
    ) -> None:
        super().__init__(
            maps, at.loop, options, self._find_flow, lambda _event: None, self._begin_body, Watch(at)
        )
        self._at, self._leaves = at, leaves
        self.events = emitted
        self.reader = cast("Promise[None]", Reader(at))

    def _find_flow(self, key: str) -> Found:
        running = self._at.running
        return self._at.known.ground.find_flow(key, running.node if running is not None else None)

    def _gives_up(self, plan: StepPlan, span: int, failure: StepFailure) -> bool:
        """Whether the host did not try again: its retry-skip stands before the line that is next."""
        script = self._at.script
        step_id = self._at.executions[span - 1].node.id
        line = script.lines[script.cursor - 1] if script.cursor > 0 else None
        if line is not None and line.event == "step:retry-skip" and line.step_id == step_id:
            return True
        after = script.peek()
        if after is not None and after.event == "step:retry" and after.step_id == step_id:
            return False
        return plan.on_error.no_retry_reason(failure) is not None

    def _begin_body(self, call: Call) -> Coroutine[Awaited, None, Handle]:
        execution = self._at.executions[call.span - 1]
        if "timeoutMs" in call.step and truthy(call.step["timeoutMs"]):
            self._at.pending.limited.append((execution, call.attempt))
        if execution.node.type in LEAVES:
            return self._leaf(call, execution)
        return steps.run(call)

    async def _leaf(self, call: Call, execution: Execution) -> Handle:
        failure = await self._leaves.waits(execution, call.attempt)
        if failure is not None:
            raise failure
        return call.handle()
