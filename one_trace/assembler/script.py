"""The log as a script: the events that the engine must come to, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from one_trace.assembler.executions import Execution
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

NO_NEWS = frozenset(
    {"flow:deprecation", "flow:warning", "step:mock", "step:page", "step:retry-skip", "workflow:result"}
)
"""Known events that say nothing of the tree that others do not say as well."""
KIND_CHARS, KINDS = 80, 50
"""Of events of unknown kinds: so much of their names, and so many of them."""


class Conflict(Exception):
    """The record does not go on as this reading does. `blamed`: executions that are other than it says."""

    def __init__(self, why: str, blamed: Sequence[Execution] = ()) -> None:
        super().__init__(why)
        self.blamed = list(blamed)


class Script:
    """The followed events of a go. `taken` were emitted: mostly those before `cursor`."""

    __slots__ = ("_after", "_has_after", "cursor", "end", "lines", "slack", "taken")

    def __init__(self, lines: list[LogLine], slack: float) -> None:
        self.lines = lines
        self.taken = bytearray(len(lines))
        self.cursor = self.end = 0
        self._after: LogLine | None = None
        self._has_after = False
        self.slack = slack
        """How far apart, in ms, two lines of one turn may be."""

    def open(self, begin: int, end: int) -> None:
        self.cursor, self.end, self._has_after = begin, end, False
        self._skip()

    def _skip(self) -> None:
        lines, taken, cursor, end = self.lines, self.taken, self.cursor, self.end
        while cursor < end and (taken[cursor] or lines[cursor].event not in FOLLOWED):
            cursor += 1
        self.cursor = cursor

    def peek(self) -> LogLine | None:
        return self.lines[self.cursor] if self.cursor < self.end else None

    def take(self, index: int) -> None:
        self.taken[index] = 1
        self._has_after = False
        if index == self.cursor:
            self._skip()

    def ahead(self, until: float) -> Iterator[tuple[int, LogLine]]:
        """The lines not taken yet up to a time."""
        lines, taken = self.lines, self.taken
        for index in range(self.cursor, self.end):
            line = lines[index]
            if line.at > until:
                return
            if not taken[index] and line.event in FOLLOWED:
                yield index, line

    def after(self) -> LogLine | None:
        """The next line but for the one that `peek` gives."""
        if not self._has_after:
            lines, taken = self.lines, self.taken
            follows = (n for n in range(self.cursor + 1, self.end) if not taken[n] and lines[n].event in FOLLOWED)
            index = next(follows, None)
            self._after, self._has_after = lines[index] if index is not None else None, True
        return self._after

    def rest(self) -> Iterator[tuple[int, LogLine]]:
        return self.ahead(float("inf"))
