"""Which step of a run an event of the record is of, as a reading has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from one_trace.model.trace import Span
from tests.oracle.events import Line
from tests.true_tree import TrueSpan

THROWN = ("step:error", "step:retry", "step:retry-skip", "flow:error")
"""Events of what threw."""


def has_failed(line: Line) -> bool:
    """Whether what it is the end of threw."""
    return line.what in THROWN or line.fields.get("status") in ("failed", "timeout")


@dataclass(frozen=True)
class Expectations:
    """`spans` and `places` are those of the run, as far as it has come; `began`: when the record begins, in
    ms since the epoch."""

    reading: dict[str, Span]
    spans: list[TrueSpan]
    places: list[str]
    began: float

    def rank(self, expected: Line, number: int) -> int:
        """How likely it is that what waits in this span holds the event up: 0 is best."""
        span, where = self.spans[number - 1], self.places[number - 1]
        if span["endMs"] is not None:
            return 3
        if expected.what == "step:start":
            return 0 if any(where == above for above in self._above(expected)) else 2
        if expected.step is None:
            return 1 if span["type"] == "flow" else 2
        if span["stepId"] != expected.step:
            return 2
        return 0 if self._ends(expected, where) else 1

    def _above(self, expected: Line) -> Iterator[str]:
        """The places of the steps around those that begin with this event."""
        begun = set(self.places)
        for where, span in self.reading.items():
            starts = span.step_id == expected.step and self.began + span.start_ms == expected.at
            if starts and where not in begun:
                parts = where.split(" > ")
                yield from (" > ".join(parts[:length]) for length in range(2, len(parts)))

    def _ends(self, expected: Line, where: str) -> bool:
        span = self.reading.get(where)
        if span is None or span.duration_ms is None:
            return False
        is_end = self.began + span.start_ms + span.duration_ms == expected.at
        return is_end and has_failed(expected) == (span.status in ("error", "timeout"))

    def silent_end(self, number: int) -> float | None:
        """When a step without events ends that runs still, epoch ms; None if the reading does not say."""
        expected = self.reading.get(self.places[number - 1])
        span = self.spans[number - 1]
        if span["events"] or span["endMs"] is not None or expected is None or expected.duration_ms is None:
            return None
        return None if "status" in expected.derived else self.began + expected.start_ms + expected.duration_ms

    def silent_error(self, number: int) -> bool:
        """Whether it ends by throwing, or by what threw in it."""
        return self.reading[self.places[number - 1]].status == "error"
