"""What a log tells as a whole, read once for all replays.

How late a line may be: the host is one thread, and what keeps it busy, above all the saving of a large state,
comes between a step's own clock and its line.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from functools import cached_property

from one_trace.record.clock import epoch_ms
from one_trace.record.log import LogLine

_LEAST_MS = 1
_MOST_MS = 200


class Facts:
    """Of one log; each is looked up when it is first asked for."""

    def __init__(self, lines: list[LogLine]) -> None:
        self.lines = lines

    def after(self, index: int) -> LogLine | None:
        """The next line."""
        return self.lines[index + 1] if index + 1 < len(self.lines) else None

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

    def late_ms(self, *, exact: bool) -> float:
        """By how much an end may be late; `exact`: by nothing, if all that can be measured were on time."""
        return 0 if exact and self._longest_ms == 0 else min(max(self._longest_ms, _LEAST_MS), _MOST_MS)

    @cached_property
    def _longest_ms(self) -> float:
        """By how much an end was late, at most: where several run, by the start that fits it best."""
        longest = 0.0
        begun: dict[str | None, list[float]] = {}
        """When those that run of a step had begun."""
        for line in self.lines:
            if line.event == "step:start":
                at = epoch_ms(line.timestamp) if line.timestamp else None
                insort(begun.setdefault(line.step_id, []), line.at if at is None else at)
            elif line.event in ("step:complete", "step:error"):
                starts = begun.get(line.step_id)
                if not starts:
                    continue
                due = line.at - (line.duration_ms or 0)
                before = bisect_right(starts, due)
                start = starts.pop(max(0, before - 1))
                if line.duration_ms is not None and before:
                    longest = max(longest, due - start)
        return longest
