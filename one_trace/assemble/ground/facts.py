"""What a log says as a whole, read once for all readings: by how much times of one moment may differ.

Three reasons, and no other. Clocks: a step reads its own, the log another, and both are rounded to the ms.
Timers: Node rounds them, so that one may seem to go off a ms early. Lateness: the host is one thread, and
what keeps it busy, above all the saving of a large state, comes between a step's own clock and its line; how
much that is in a log is measured in the log itself (`Tolerance`).
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from functools import cached_property

from one_trace.assemble.flowtree.tree import LEAVES
from one_trace.assemble.ground.script import FINAL, FLOW_ENDS
from one_trace.record.log import LogLine

CLOCK_MS = 3.0
"""Two clock readings of one moment differ by no more, in all that was measured."""
WRITTEN_MS = 3
"""Lines of one tick are written within this, where nothing is saved between them."""
BUSY_MS = 20
"""How long a busy thread may write nothing, with a state to be saved or a flow file to be read."""
LONG_BUSY_MS = 250
"""The same, on a machine that has too much to do."""
_LEAST_MS = 1.0
_MOST_MS = 1000.0
"""Saving a large state on a busy machine takes as long; more is not lateness but a damaged log."""


class Facts:
    """Of one log; each is looked up when it is first asked for. `starts_follow`: by the flow file, a step
    starts with a line that was written just before."""

    def __init__(self, lines: list[LogLine], *, starts_follow: bool = False) -> None:
        self.lines, self._starts_follow = lines, starts_follow

    @cached_property
    def stopped_after(self) -> frozenset[str]:
        """Ids of the steps that --stop-after has stopped flows after."""
        stopped = (line.stopped_after for line in self.lines if line.event == "flow:stopped")
        return frozenset(step_id for step_id in stopped if step_id is not None)

    @cached_property
    def exact(self) -> bool:
        """All that can be measured was on time."""
        return (
            self.longest_ms == 0
            and self._is_prompt
            and self._has_a_start_for_each_end
            and (not self._starts_follow or self._all_follow)
            and all(line.timestamp in (None, line.ts) for line in self.lines if line.event == "step:start")
        )

    @property
    def _has_a_start_for_each_end(self) -> bool:
        """Just when it began by its duration."""
        left: dict[tuple[str | None, float], int] = {}
        began: tuple[str | None, float]
        for line in self.lines:
            if line.event == "step:start":
                began = line.step_id, line.at
                left[began] = left.get(began, 0) + 1
            elif line.event == "step:complete" and line.duration_ms is not None:
                began = line.step_id, line.at - line.duration_ms
                count = left.get(began, 0)
                if not count:
                    return False
                left[began] = count - 1
        return True

    @property
    def _all_follow(self) -> bool:
        """No step started later than the line before it, but where what is in another is tried again after a
        pause."""
        leaves = {line.step_id for line in self.lines if line.event == "step:start" and line.type in LEAVES}
        if any(line.event == "step:retry" and line.step_id not in leaves for line in self.lines):
            return True
        return all(
            line.at == before.at or before.event is None
            for before, line in itertools.pairwise(self.lines)
            if line.event == "step:start"
        )

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
            elif line.event in FINAL:
                starts = begun.get(line.step_id, ())
                if line.duration_ms is not None:
                    implied = line.at - line.duration_ms
                    before = bisect_right(starts, implied)
                    longest = max(longest, implied - starts[before - 1] if before else 0.0)
                running[line.step_id] = max(0, running.get(line.step_id, 0) - 1)
                if not running[line.step_id]:
                    begun.pop(line.step_id, None)
        return longest


class Tolerance:
    """By how many ms a line of one log may be late. `exact`: by nothing, if all that can be measured were on
    time, and by no more than what was."""

    __slots__ = ("_exact", "_facts")

    def __init__(self, facts: Facts, *, exact: bool) -> None:
        self._facts = facts
        self._exact = exact

    def __call__(self, index: int) -> float:
        """Line `index`, as an end."""
        facts = self._facts
        if facts.exact:
            return 0.0 if self._exact else _LEAST_MS
        busy = 0.0 if self._exact else facts.busy_ms(index)
        return min(max(facts.longest_ms, busy, _LEAST_MS), _MOST_MS)
