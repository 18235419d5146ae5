"""What is written in one tick: with no await between, so that it follows from what ended first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.assemble.flowtree.tree import time_out_of
from one_trace.assemble.live.tolerance import CLOCK_MS, Tolerance
from one_trace.record.log import LogLine

ENDS = frozenset(
    {"step:complete", "step:error", "step:retry", "step:retry-success", "flow:complete", "flow:error"}
)
LONGEST = 32
"""More lines than are mostly written in one tick."""
_HANDED_ON = 8
"""An error that ends several steps has its lines within so many."""
_TIMED_OUT = re.compile('Step ".*" exceeded timeout of ', re.DOTALL)


def names_time_out(error: str | None) -> bool:
    """Is it what a time-out throws, of whichever step?"""
    return _TIMED_OUT.match(error or "") is not None


def failed_by(error: str | None) -> str:
    """The status of what completes with this error."""
    return "timeout" if names_time_out(error) else "failed"


def began_apart(line: LogLine, start: float) -> float:
    """By how many ms what ends with the line did not begin at `start`, by the duration that it gives."""
    return abs(line.at - line.duration_ms - start) if line.duration_ms is not None else 0.0


class Tick:
    """The tick of line `index`. `late`: by how many ms a line may be late."""

    def __init__(self, lines: list[LogLine], index: int, late: Tolerance) -> None:
        self.lines = lines
        self.index = index
        self.late = late
        self.ended = lines[index]

    def lines_from(self, at: int) -> Iterator[tuple[int, LogLine]]:
        """Its lines from `at` on: others that run concurrently may have written between the end and what
        follows from it."""
        lines = self.lines
        for other in range(at, min(at + LONGEST, len(lines))):
            if not self._soon(other) or _timer_goes_off(lines, other):
                return
            yield other, lines[other]

    def within_ms(self, at: int) -> bool:
        """That line was written in the same ms, but for lateness."""
        return self.lines[at].at <= self.ended.at + self.late(at)

    def at_once(self, at: int) -> bool:
        """That line is of this tick, and of the same error."""
        return self._soon(at) and self.lines[at].error in (None, self.ended.error)

    def _soon(self, at: int) -> bool:
        return self.lines[at].at <= self.ended.at + self.late(at) + CLOCK_MS


def _timer_goes_off(lines: list[LogLine], at: int) -> bool:
    """A time-out does with this line, and so another tick begins."""
    line = lines[at]
    if line.event == "step:complete" and line.status == "timeout":
        before = (lines[other] for other in range(max(0, at - _HANDED_ON), at))
        return not any(other.at == line.at and names_time_out(other.error) for other in before)
    if line.event != "step:error" or not (line.error or "").startswith(time_out_of(line.step_id or "")):
        return False
    return lines[at - 1].error != line.error
