"""What a log tells as a whole, read once for all replays."""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections import Counter
from functools import cached_property

from one_trace.assemble.ground.tolerance import CLOCK_MS
from one_trace.record.clock import LogClock
from one_trace.record.log import LogLine

FLOW_ENDS = ("flow:complete", "flow:error", "flow:stopped")
"""Events with which a flow ends."""
RESUMED = "Flow resumed"
"""What the host says when it resumes a run."""


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
    def resumes(self) -> int:
        """How often the run was resumed."""
        return sum(line.msg == RESUMED for line in self.lines)

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

    @cached_property
    def exact(self) -> bool:
        """All that can be measured was on time."""
        return (
            self.longest_ms == 0
            and self._is_prompt
            and self._has_a_start_for_each_end
            and all(line.timestamp in (None, line.ts) for line in self.lines if line.event == "step:start")
        )

    @property
    def _has_a_start_for_each_end(self) -> bool:
        """Just when it began by its duration."""
        begun: Counter[tuple[str | None, float]] = Counter()
        ended: Counter[tuple[str | None, float]] = Counter()
        for line in self.lines:
            if line.event == "step:start":
                begun[line.step_id, line.at] += 1
            elif line.event == "step:complete" and line.duration_ms is not None:
                ended[line.step_id, line.at - line.duration_ms] += 1
        return ended <= begun

    @property
    def _is_prompt(self) -> bool:
        """What follows at once was written in the same ms: the first step of a flow, and what comes after
        the end of the run's own."""
        return all(
            line.at == before.at
            for before, line in itertools.pairwise(self.lines)
            if (before.event == "flow:start" and line.event == "step:start")
            or (before.event in FLOW_ENDS and line.event is None)
        )

    def busy_ms(self, index: int) -> float:
        """How long the thread may have been busy before a line."""
        return self.lines[index].at - self._busy_since[index]

    def written_ms(self, index: int) -> float:
        """How long it may have taken to write a line: a step's own clock starts after that."""
        after = self.after(index)
        return max(0.0, after.at - self.lines[index].at) if after is not None else 0.0

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
    def longest_ms(self) -> float:
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
