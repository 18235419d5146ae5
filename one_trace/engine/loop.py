"""JavaScript's promises, microtasks and timers for Python coroutines.

The order in which concurrent branches start and end steps is part of the record, and traces depend on it. So
the engine needs JavaScript's order: a call runs up to its first await, an awaiting function continues one
microtask after the promise is settled, microtasks run before timers and messages. asyncio starts a task a
turn later and continues a plain `await` at once, which gives another order.
"""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Generic, Protocol, TypeVar

from one_trace.engine.failures import FlowStop, StepFailure
from one_trace.engine.rules import FINALLY_TICKS, TIMER_LONGEST_MS

T = TypeVar("T")
Settle = Callable[[], None]


class Awaited(Protocol):
    """What a coroutine waits for."""

    def then(self, callback: Settle) -> None: ...


class Clock:
    """The time of a run."""

    virtual = False
    """In tests: time passes only when nothing else is left to do."""
    _last = _behind = 0

    def now_ms(self) -> int:
        """Wall clock in whole ms since the epoch. If it is set back during the run, it goes on from where
        it was."""
        now = time.time_ns() // 1_000_000
        self._behind = max(self._behind, self._last - now)
        self._last = now + self._behind
        return self._last

    def ticks_ms(self) -> float:
        """Monotonic ms, for timers."""
        return time.monotonic_ns() / 1_000_000

    def skip_to(self, ticks_ms: float) -> None:
        """Nothing can happen before `ticks_ms`. A real clock needs no help to get there."""


class Promise(Generic[T]):
    """A future value or failure. Awaiting it takes one microtask, as in JavaScript."""

    __slots__ = ("_ready", "_value", "_waiting", "error", "settled")

    def __init__(self, loop: Loop) -> None:
        self._ready = loop.ready
        self._waiting: tuple[Settle, ...] = ()
        self._value: T | None = None
        self.error: Exception | None = None
        self.settled = False

    @property
    def value(self) -> T:
        """The value, once `settled`; raises the failure."""
        if self.error is not None:
            raise self.error
        return self._value  # type: ignore[return-value]

    def resolve(self, value: T) -> None:
        if not self.settled:
            self._value = value
            self._settle()

    def reject(self, error: Exception) -> None:
        if not self.settled:
            self.error = error
            self._settle()

    def _settle(self) -> None:
        self.settled = True
        self._ready.extend(self._waiting)
        self._waiting = ()

    def then(self, callback: Settle) -> None:
        """Call `callback` one microtask after this is settled."""
        if self.settled:
            self._ready.append(callback)
        else:
            self._waiting += (callback,)

    def __await__(self) -> Generator[Awaited, None, T]:
        yield self
        return self.value


class Task(Promise[T]):
    """What a coroutine comes to that runs on its own."""

    __slots__ = ("_coroutine", "_send")

    def __init__(self, loop: Loop, coroutine: Coroutine[Awaited, None, T]) -> None:
        self._ready, self._waiting, self._value = loop.ready, (), None  # as of any promise: a call less
        self.error, self.settled = None, False
        self._coroutine, self._send = coroutine, coroutine.send

    def go_on(self) -> None:
        """Run up to the next await."""
        try:
            awaited = self._send(None)
        except StopIteration as done:
            self.resolve(done.value)
        except (StepFailure, FlowStop) as failure:
            self.reject(failure)
        else:
            awaited.then(self.go_on)

    def close(self) -> None:
        """Let go of what it waits for: it never goes on."""
        self._coroutine.close()
        self._waiting = ()


class _Microtask:
    """What takes one."""

    __slots__ = ("then",)

    def __init__(self, ready: deque[Settle]) -> None:
        self.then = ready.append


class Tick:
    """One microtask. Where nothing could happen in it, it is left out."""

    def __init__(self, loop: Loop) -> None:
        self._loop, self._ready = loop, loop.ready
        self._once = (_Microtask(loop.ready),)

    def __await__(self) -> Generator[Awaited, None, None]:
        return iter(self._once if self._ready or self._loop.nested else ())  # type: ignore[return-value]


class Messages(Protocol):
    """The source of what is neither a timer nor a microtask: the worker."""

    @property
    def expecting(self) -> bool:
        """Whether a message may still come."""

    def wait(self, timeout_ms: float | None) -> bool:
        """Receive one message and settle its promise; False if none came in time."""


class Stuck(Exception):
    """Nothing is left that could settle the awaited promise."""

    message = (
        "A step waits for something that can no longer happen: nothing is left running that could settle it"
    )


class Loop:
    """An event loop of coroutines, timers and the worker's messages."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ready: deque[Settle] = deque()
        """The microtasks."""
        self.soon = self.ready.append
        self.nested = 0
        """How many coroutines wait in `go` for another to come to its first await."""
        self.tick = Tick(self)
        self._timers: list[tuple[float, int]] = []
        self._waiting: dict[int, Settle] = {}
        self._number = 0

    def go(self, coroutine: Coroutine[Awaited, None, T]) -> Task[T]:
        """Call an async function, which runs up to its first await at once."""
        task = Task(self, coroutine)
        self.nested += 1
        try:
            task.go_on()
        finally:
            self.nested -= 1
        return task

    async def called(self, coroutine: Coroutine[Awaited, None, T]) -> T:
        """What `await go(coroutine)` gives, and when, but as a part of the caller: for less."""
        try:
            value = await coroutine
        except (StepFailure, FlowStop):
            await self.tick
            raise
        if self.ready or self.nested:
            await self.tick
        return value

    def call_later(self, delay_ms: float, callback: Settle) -> int:
        """Like setTimeout. Returns a number for `cancel`."""
        if math.isnan(delay_ms) or not 1 <= delay_ms <= TIMER_LONGEST_MS:
            delay_ms = 1
        return self._schedule(int(delay_ms), callback)

    def call_soon(self, callback: Settle) -> None:
        """Like setImmediate: right after all microtasks."""
        self._schedule(0, callback)

    def _schedule(self, delay_ms: int, callback: Settle) -> int:
        self._number += 1
        heapq.heappush(self._timers, (self.clock.ticks_ms() + delay_ms, self._number))
        self._waiting[self._number] = callback
        return self._number

    def cancel(self, number: int) -> None:
        self._waiting.pop(number, None)

    def sleep(self, delay_ms: float) -> Promise[None]:
        promise: Promise[None] = Promise(self)
        self.call_later(delay_ms, lambda: promise.resolve(None))
        return promise

    def every(self, promises: Iterable[Promise[T]]) -> Promise[list[T]]:
        """Like Promise.all: the values in order, or the first failure. The others keep running."""
        parts = list(promises)
        whole: Promise[list[T]] = Promise(self)
        left = len(parts)

        def one(part: Promise[T]) -> None:
            nonlocal left
            left -= 1
            if part.error is not None:
                whole.reject(part.error)
            elif not left and not whole.settled:
                whole.resolve([p.value for p in parts])

        for part in parts:
            part.then(lambda part=part: one(part))  # type: ignore[misc]
        if not parts:
            whole.resolve([])
        return whole

    def limited(self, promise: Promise[T], limit_ms: float, timeout: Exception) -> Promise[T]:
        """Like Promise.race with a timer, then .finally. `promise` itself keeps running."""
        outcome: Promise[T] = Promise(self)
        decided = False

        def decide(error: Exception | None) -> None:
            nonlocal decided
            if not decided:
                decided = True
                # .finally passes its value through two more promises
                self.after(FINALLY_TICKS, lambda: finish(error))

        def finish(error: Exception | None) -> None:
            self.cancel(timer)
            if error is None:
                outcome.resolve(promise.value)
            else:
                outcome.reject(error)

        promise.then(lambda: decide(promise.error))
        timer = self.call_later(limit_ms, lambda: self.after(1, lambda: decide(timeout)))
        return outcome

    def after(self, microtasks: int, callback: Settle) -> None:
        """Call `callback` that many microtasks later; at once for 0."""
        if microtasks <= 0:
            callback()
        elif microtasks == 1:
            self.soon(callback)
        else:
            self.soon(lambda: self.after(microtasks - 1, callback))

    def drain(self) -> None:
        """Run all microtasks."""
        ready = self.ready
        while ready:
            ready.popleft()()

    def run(self, promise: Promise[T], messages: Messages) -> T:
        """Run turns until `promise` is settled. Raises Stuck."""
        self.drain()
        while not promise.settled and self.turn(messages):
            pass
        if not promise.settled:
            raise Stuck
        return promise.value

    def turn(self, messages: Messages) -> bool:
        """Handle one timer or message, then all microtasks; False if none is to come."""
        due = self._next_due()
        if due is not None and due <= self.clock.ticks_ms():
            self._waiting.pop(heapq.heappop(self._timers)[1])()
        elif messages.expecting:
            # Work in the worker takes real time even if the clock is virtual.
            wait = None if due is None or self.clock.virtual else max(0.0, due - self.clock.ticks_ms())
            messages.wait(wait)
        elif due is not None:
            if not self.clock.virtual:
                messages.wait(max(0.0, due - self.clock.ticks_ms()))
            self.clock.skip_to(due)
        else:
            return False
        self.drain()
        return True

    def _next_due(self) -> float | None:
        while self._timers and self._timers[0][1] not in self._waiting:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None
