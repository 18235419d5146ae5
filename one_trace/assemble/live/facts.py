"""What a log tells as a whole, read once for all replays.

How late a line may be: the host is one thread, and what keeps it busy, above all the saving of a large state,
comes between a step's own clock and its line.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from functools import cached_property
from typing import Protocol

from one_trace.assemble.live.state import CLOCK_MS
from one_trace.record.clock import LogClock
from one_trace.record.log import LogLine

_LEAST_MS = 1
_MOST_MS = 1000
"""Saving a large state on a busy machine takes as long; more is not lateness but a damaged log."""
_WRITTEN_MS = 15
"""How long it takes to write a line, at most; what comes later has waited."""


class Late(Protocol):
    """By how many ms a line of the log may be late, as the end of what line `begun` has begun."""

    def __call__(self, index: int, begun: int = -1) -> float: ...


class Facts:
    """Of one log; each is looked up when it is first asked for."""

    def __init__(self, lines: list[LogLine], clock: LogClock) -> None:
        self.lines = lines
        self.clock = clock

    def after(self, index: int) -> LogLine | None:
        """The next line."""
        return self.lines[index + 1] if index + 1 < len(self.lines) else None

    def fails_at_once(self, index: int) -> LogLine | None:
        """The error with which the step that ends at line `index` fails in the next line: the host takes it
        for the step's failure where the state could not be saved."""
        after = self.after(index)
        if after is None or after.event != "step:error" or after.step_id != self.lines[index].step_id:
            return None
        return after

    @cached_property
    def warnings(self) -> list[str]:
        return [line.message or "" for line in self.lines if line.event == "flow:warning"]

    @cached_property
    def stopped_after(self) -> frozenset[str]:
        """Ids of the steps that --stop-after has stopped flows after."""
        stopped = (line.stopped_after for line in self.lines if line.event == "flow:stopped")
        return frozenset(step_id for step_id in stopped if step_id is not None)

    @cached_property
    def ends(self) -> dict[str, list[int]]:
        """The lines with which steps complete, by id."""
        ends: dict[str, list[int]] = {}
        for index, line in enumerate(self.lines):
            if line.event == "step:complete":
                ends.setdefault(line.step_id or "", []).append(index)
        return ends

    def late_ms(self, index: int, begun: int = -1, *, exact: bool) -> float:
        """By how much an end at line `index` may be late, of what line `begun` has begun; `exact`: by
        nothing, if all that can be measured were on time, and by no more than what was."""
        longest = self._longest_ms
        if self.exact:
            return 0 if exact else _LEAST_MS
        if exact:
            return min(max(longest, _LEAST_MS), _MOST_MS)
        busy = self.lines[index].at - self._busy_since[index]
        return min(max(longest, busy, _LEAST_MS) + self._written_ms(begun), _MOST_MS)

    def _written_ms(self, begun: int) -> float:
        """How long it may have taken to write this line: a step's own clock starts after that."""
        after = self.after(begun) if begun >= 0 else None
        return min(max(0.0, after.at - self.lines[begun].at), _WRITTEN_MS) if after is not None else 0.0

    @cached_property
    def exact(self) -> bool:
        """All that can be measured was on time."""
        return self._longest_ms == 0 and all(
            line.timestamp in (None, line.ts) for line in self.lines if line.event == "step:start"
        )

    @cached_property
    def _busy_since(self) -> list[float]:
        """Since when the thread may have been busy without a pause, by line: what is written follows on what
        was before it, or on a step that was done, after which the state was saved."""
        since: list[float] = []
        for index, line in enumerate(self.lines):
            before = self.lines[index - 1] if index else None
            follows = before is not None and (
                before.event == "step:complete" or line.at - before.at <= CLOCK_MS
            )
            since.append(since[-1] if follows else line.at)
        return since

    @cached_property
    def _longest_ms(self) -> float:
        """By how much an end was late at least, whichever of the starts before it was its own; the most of
        all ends. Where several of a step run, their ends may each be of any of them."""
        longest = 0.0
        begun: dict[str | None, list[float]] = {}
        """When those that run of a step had begun, and, as long as any does, those that have ended since."""
        running: dict[str | None, int] = {}
        for line in self.lines:
            if line.event == "step:start":
                running[line.step_id] = running.get(line.step_id, 0) + 1
                insort(begun.setdefault(line.step_id, []), line.at)
            elif line.event in ("step:complete", "step:error"):
                starts = begun.get(line.step_id, ())
                if line.duration_ms is not None:
                    implied = line.at - line.duration_ms
                    before = bisect_right(starts, implied)
                    longest = max(longest, implied - starts[before - 1] if before else 0.0)
                running[line.step_id] = max(0, running.get(line.step_id, 0) - 1)
                if not running[line.step_id]:
                    begun.pop(line.step_id, None)
        return longest
