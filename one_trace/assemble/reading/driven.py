"""The clock and the loop of a reading: time is that of the line in hand, timers go off when the reading says
so."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from one_trace.assemble.reading.pending import Pending, Timer
from one_trace.engine.loop import Awaited, Clock, Loop, Promise, Task
from one_trace.engine.rules import TIMER_LONGEST_MS

T = TypeVar("T")
_FEW_TASKS = 1_000
"""So many, and twice as many as run, are kept until those that are over are let go."""


class LineClock(Clock):
    """The time of the line that the reading has come to. `moments`: how many things have happened so far."""

    virtual = True

    def __init__(self) -> None:
        self.at = 0.0
        self.moments = 0

    def now_ms(self) -> int:
        return int(self.at)

    def ticks_ms(self) -> float:
        return self.at

    def moment(self) -> int:
        self.moments += 1
        return self.moments


class DrivenLoop(Loop):
    """Its timers go off when the reading says so. `pending` is where they wait."""

    def __init__(self, clock: LineClock, pending: Pending) -> None:
        super().__init__(clock)
        self._pending = pending
        self._by_number: dict[int, Timer] = {}
        self._tasks: list[Task[Any]] = []
        self._enough = _FEW_TASKS

    def go(self, coroutine: Coroutine[Awaited, None, T]) -> Task[T]:
        task = super().go(coroutine)
        if not task.settled:
            self._tasks.append(task)
            if len(self._tasks) > self._enough:
                self._tasks = [each for each in self._tasks if not each.settled]
                self._enough = 2 * len(self._tasks) + _FEW_TASKS
        return task

    def close(self) -> None:
        """Nothing goes on: what waits for each other would be garbage that only a collector finds."""
        for task in self._tasks:
            task.close()
        self._tasks.clear()
        self._by_number.clear()
        self._pending.timers.clear()
        self.ready.clear()
        del self.tick

    def limited(self, promise: Promise[T], limit_ms: float, timeout: Exception) -> Promise[T]:
        self._pending.pausing = (*self._pending.limited.pop(), None)
        return super().limited(promise, limit_ms, timeout)

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> int:
        if math.isnan(delay_ms) or not 1 <= delay_ms <= TIMER_LONGEST_MS:
            delay_ms = 1
        self._number += 1
        of, attempt, reported = self._pending.pausing
        due = self.clock.ticks_ms() + int(delay_ms if reported is None else max(1, reported))
        if attempt and of.where.silent:
            due = max(due, self._pending.foretold(of) + 1)  # it went off too late
        timer = Timer(due, of, attempt > 0, callback, attempt)
        self._by_number[self._number] = timer
        self._pending.timers.append(timer)
        self._pending.fresh.append(timer)
        return self._number

    def cancel(self, number: int) -> None:
        timer = self._by_number.pop(number, None)
        if timer is not None and timer in self._pending.timers:
            self._pending.timers.remove(timer)
