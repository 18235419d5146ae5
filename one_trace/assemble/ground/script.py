"""The log as a script: the events that the engine must come to, in their order."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from one_trace.assemble.ground.executions import Execution
from one_trace.record.log import LogLine

FOLLOWED = frozenset(
    {
        "step:start",
        "step:complete",
        "step:error",
        "step:retry",
        "step:retry-success",
        "step:dry-resolve",
        "flow:start",
        "flow:mock-start",
        "flow:dry-run",
        "flow:complete",
        "flow:error",
        "flow:stopped",
    }
)
"""Events that the engine emits, and that tell of the tree."""

FLOW_ENDS = ("flow:complete", "flow:error", "flow:stopped")
"""Events with which a flow ends."""
FINAL = ("step:complete", "step:error")
"""Events with which a step ends."""
ENDS = ("step:complete", "step:error", "step:retry", "step:retry-success")
"""Events with which an attempt, or all of a step, ends."""
UNSAVED = ("Invalid string length", "Do not know how to serialize", "Converting circular structure")
"""What JSON.stringify throws when the host saves its state after a step."""


CROWD, COMPARED = 20, 10
"""Where more wait for a line than the first, the second says how many of them take as long as a line."""


class Conflict(Exception):
    """The record does not go on as this reading does. `blamed`: executions that are other than it says;
    `ended`: the step whose end should have led to what does not come. Perhaps the run was to stop there."""

    def __init__(self, why: str, blamed: Sequence[Execution] = (), ended: str | None = None) -> None:
        super().__init__(why)
        self.blamed, self.ended = list(blamed), ended


class Lines:
    """What all scripts of a log share. `ignored`: 1 for each line that is not followed."""

    def __init__(self, lines: list[LogLine]) -> None:
        self._lines = lines
        self.ignored = bytes([line.event not in FOLLOWED for line in lines])

    @cached_property
    def ids(self) -> set[str | None]:
        """Of all steps that any line is of."""
        return {line.step_id for line in self._lines}

    @cached_property
    def starts(self) -> dict[str | None, list[int]]:
        """The lines with which steps start, by id."""
        return self._by_step(i for i, line in enumerate(self._lines) if line.event == "step:start")

    @cached_property
    def ends(self) -> dict[str | None, list[int]]:
        """The lines that say that attempts ended, by id."""
        return self._by_step(i for i, line in enumerate(self._lines) if line.event in ENDS)

    @cached_property
    def concurrent(self) -> set[str | None]:
        """Of all steps that ever run several times at once."""
        running: dict[str | None, int] = defaultdict(int)
        found = set()
        for line in self._lines:
            if line.event == "step:start":
                running[line.step_id] += 1
                if running[line.step_id] > 1:
                    found.add(line.step_id)
            elif line.event in FINAL:
                running[line.step_id] -= 1
        return found

    @cached_property
    def took_no_time(self) -> dict[str | None, list[int]]:
        """The lines that say that steps took no time, by id."""
        return self._by_step(
            i for i, line in enumerate(self._lines) if line.event == "step:complete" and line.duration_ms == 0
        )

    @cached_property
    def ends_at_once(self) -> dict[str | None, list[int]]:
        """The lines that say that attempts ended, and do not say that they took any time, by id."""
        return self._by_step(
            i for i, line in enumerate(self._lines) if line.event in ENDS and not line.duration_ms
        )

    def _by_step(self, indices: Iterable[int]) -> dict[str | None, list[int]]:
        found: dict[str | None, list[int]] = defaultdict(list)
        for index in indices:
            found[self._lines[index].step_id].append(index)
        return found


class Script:
    """The lines of a go that the engine has to come to. `cursor`: the next of them; `taken`: 1 for each line
    that it came to, or that is not followed; `late`: one was written later than what it reports; `compared`:
    how many a line was compared with, where many waited for one."""

    __slots__ = ("compared", "cursor", "end", "late", "lines", "slack", "taken")

    def __init__(self, lines: list[LogLine], ignored: bytes, slack: float) -> None:
        self.lines = lines
        self.taken = bytearray(ignored)
        self.cursor = self.end = self.compared = 0
        self.late = False
        self.slack = slack
        """How far apart, in ms, two lines of one tick may be."""

    def turn_to(self, begin: int, end: int) -> None:
        self.end = end
        self.cursor = self._next(begin)

    def _next(self, begin: int) -> int:
        found = self.taken.find(0, begin, self.end)
        return found if found >= 0 else self.end

    def peek(self) -> LogLine | None:
        return self.lines[self.cursor] if self.cursor < self.end else None

    def is_skip_before(self, step_id: str | None) -> bool:
        """The next line follows one that says that the step is not tried again."""
        line = self.lines[self.cursor - 1] if self.cursor > 0 else None
        return line is not None and line.event == "step:retry-skip" and line.step_id == step_id

    @property
    def cost(self) -> int:
        """What it took to come here, in lines."""
        return self.cursor + self.compared // COMPARED

    def take(self, index: int) -> None:
        self.taken[index] = 1
        if index == self.cursor:
            self.cursor = self._next(index + 1)

    def ahead(self, until: float) -> Iterator[tuple[int, LogLine]]:
        """The lines not taken yet up to a time."""
        lines, taken = self.lines, self.taken
        for index in range(self.cursor, self.end):
            line = lines[index]
            if line.at > until:
                return
            if not taken[index]:
                yield index, line

    def among(self, indices: list[int], until: float) -> Iterator[int]:
        """Those of some lines that are not taken yet, up to a time."""
        for number in range(bisect_left(indices, self.cursor), len(indices)):
            index = indices[number]
            if index >= self.end or self.lines[index].at > until:
                return
            if not self.taken[index]:
                yield index

    def after(self) -> LogLine | None:
        """The next line but for the one that `peek` gives."""
        index = self._next(self.cursor + 1)
        return self.lines[index] if index < self.end else None

    def rest(self) -> Iterator[tuple[int, LogLine]]:
        return self.ahead(float("inf"))
