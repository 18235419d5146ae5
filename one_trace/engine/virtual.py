"""A virtual clock, and a run on it without anything outside."""

from __future__ import annotations

from one_trace.engine.loop import Clock


class VirtualClock(Clock):
    """Time that passes only when nothing else is left to do."""

    virtual = True

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._now = float(start_ms)

    def now_ms(self) -> int:
        return int(self._now)

    def ticks_ms(self) -> float:
        return self._now

    def skip_to(self, ticks_ms: float) -> None:
        self._now = max(self._now, ticks_ms)


class NoMessages:
    """Of a run in which nothing but timers can happen."""

    expecting = False

    def wait(self, timeout_ms: float | None) -> bool:
        return False
