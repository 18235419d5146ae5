"""Corrects the times of a log whose clock was set back while it was written.

The order of the lines is certain; their times are those of a clock that anybody may set. They are made never
to go back: what the clock lost is added to all later times, so that durations across the change are right
again. A clock that was set forward looks like a long wait, and is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from one_trace.model.times import to_iso, to_ms
from one_trace.record.log import LogLine

JITTER_MS = 3
"""Most by which two readings of a clock at one moment differ. Less is rounding, more is a clock that was set:
of 5,136 recorded lines none is ever earlier than the one before."""
ABSURD_MS = 24 * 3600 * 1000
"""A single time this far from both its neighbours, which fit each other, is damage and not a clock."""
_APART_MS = 1000
"""If all steps start this long before their lines, then two clocks wrote them."""
_LONGEST_MS = 30 * 24 * 3600 * 1000
"""A duration longer than this says nothing about how far the clock was set."""
_MOST_OPEN = 64
"""Unfinished executions of one step that are remembered, the newest."""
_STARTS = {"step:start": "step", "flow:start": "flow", "flow:mock-start": "flow"}
_ENDS = {
    "step:complete": "step",
    "step:error": "step",
    "flow:complete": "flow",
    "flow:error": "flow",
    "flow:stopped": "flow",
}

LongestChild = Callable[[str, float], float]
"""The longest duration in a parallel block, by its id and its own duration; 0 if none is known. Its children
have no lines of their own."""


def correct(
    lines: list[LogLine], started: int | None, longest_child: LongestChild = lambda step_id, duration: 0
) -> list[str]:
    """Make the times of `lines` never go back, nor precede `started` (the state's start, epoch ms). Returns
    what was wrong, one sentence each."""
    if not _needs_correction(lines, started):
        return []
    faults = [*_fix_outliers(lines, started), *_use_step_clock(lines, started)]
    correction = _Correction(lines, started, longest_child)
    correction.measure()
    correction.apply()
    return faults + correction.faults()


def _needs_correction(lines: list[LogLine], started: int | None) -> bool:
    # Called for every log, so it has to be fast.
    before = started if started is not None else -_LONGEST_MS
    for line in lines:
        if line.at < before or (line.duration_ms is not None and line.duration_ms < 0):
            return True
        if line.timestamp is not None and line.timestamp != line.ts:
            begun = to_ms(line.timestamp)
            if begun is not None and not before - JITTER_MS <= begun <= line.at + JITTER_MS:
                return True
        before = line.at
    return False


def _fix_outliers(lines: list[LogLine], started: int | None) -> Iterator[str]:
    """Move single lines with an absurd time to the time of their neighbour."""
    times = [started if started is not None else lines[0].at, *(line.at for line in lines)]
    for at in range(len(lines)):
        if times[at] - times[at + 1] <= ABSURD_MS:
            continue
        if at + 2 < len(times) and times[at + 2] >= times[at]:
            outlier, to = at, times[at]
        elif at and times[at + 1] >= times[at - 1]:
            outlier, to = at - 1, times[at - 1]
        else:
            continue
        _set_time(lines[outlier], to, to)
        times[outlier + 1] = to
        yield f"a log line ({lines[outlier].msg[:40]!r}) has a time far from those around it"


def _use_step_clock(lines: list[LogLine], started: int | None) -> Iterator[str]:
    """Shift a log whose clock is ahead of the one that the steps and the state use."""
    ahead = min((line.at - begun for line in lines if (begun := line.begun) is not None), default=0)
    if ahead > _APART_MS and (started is None or lines[0].at - ahead >= started - JITTER_MS):
        for line in lines:
            line.at -= ahead
        yield f"the log's clock is {_duration(ahead)} ahead of the steps' clock, which is used"


def _set_time(line: LogLine, at: float, begun: float | None) -> None:
    """`ts` of a line that is not an event is kept: sizes measured during the run are found by it."""
    line.at = round(at)
    if line.event is not None:
        line.ts = to_iso(at)
    if begun is not None and line.timestamp is not None:
        line.timestamp = to_iso(begun)


class _Correction:
    """Two passes over the lines: how far and where the clock was set back, then the corrected times and
    durations. A segment is what lies between two changes of the clock."""

    def __init__(self, lines: list[LogLine], started: int | None, longest_child: LongestChild) -> None:
        self._lines = lines
        self._longest_child = longest_child
        self._started = started
        self._raw = [line.at for line in lines]
        self._segments: list[int] = []
        """Of each line."""
        self._behind: list[float] = [0.0]
        """Of each segment: what has to be added to its times."""
        self._open: dict[tuple[str, str | None], list[int]] = {}
        self._spanning: list[tuple[int, int | None]] = []
        """Ends whose duration was measured by the clock that was set, and the lines they started with."""
        self._outside = 0
        self._negative = False

    def measure(self) -> None:
        """The first pass."""
        before = self._started
        for at, line in enumerate(self._lines):
            now = self._raw[at] + self._behind[-1]
            if before is not None and now < before:
                if now < before - JITTER_MS:
                    self._behind.append(before - self._raw[at])
                now = before
            self._segments.append(len(self._behind) - 1)
            before = round(self._time_after(at, line, now))

    def _time_after(self, at: int, line: LogLine, now: float) -> float:
        """The line's time, after what it shows about earlier changes of the clock."""
        event = line.event or ""
        if event in _STARTS:
            starts = self._open.setdefault(_subject(line, _STARTS[event]), [])
            starts.append(at)
            del starts[:-_MOST_OPEN]
        elif event in _ENDS:
            starts = self._open.get(_subject(line, _ENDS[event]), [])
            if line.duration_ms is not None:
                return self._time_after_end(at, line.duration_ms, starts, now)
            if starts:
                starts.pop()
        return now

    def _time_after_end(self, at: int, duration: float, starts: list[int], now: float) -> float:
        if not starts:
            if duration < 0:
                self._spanning.append((at, None))
            return now
        start, by_set_clock = self._start_of(at, duration, starts, now)
        alone = len(starts) == 1
        starts.remove(start)
        least: float = 0
        if by_set_clock:
            self._spanning.append((at, start))
            if self._lines[start].type == "parallel":
                least = self._longest_child(self._lines[at].step_id or "", duration)
        elif alone:
            least = duration
        # At least that much time passed: the clock was set back by the rest as well.
        missing = least - (now - self._time(start))
        if self._segments[start] != self._segments[at] and 0 < missing <= _LONGEST_MS:
            self._behind[-1] += missing
            now += missing
        return now

    def _start_of(self, at: int, duration: float, starts: list[int], now: float) -> tuple[int, bool]:
        """The line that started what ends here, and whether its duration was measured by the clock that was
        set in between (as One CLI's is) or by one that was not."""
        best = (float("inf"), False, starts[-1])
        for start in starts:
            if duration >= 0:
                best = min(best, (abs(now - duration - self._time(start)), False, start))
            if duration < 0 or self._segments[start] != self._segments[at]:
                best = min(best, (abs(self._raw[at] - duration - self._raw[start]), True, start))
        return best[2], best[1]

    def _time(self, at: int) -> float:
        return self._raw[at] + self._behind[self._segments[at]]

    def apply(self) -> None:
        """The second pass."""
        before = self._started
        for at, line in enumerate(self._lines):
            time = self._time(at) if before is None else max(self._time(at), before)
            begun = self._begun(at, line, time, before)
            if time != to_ms(line.ts) or begun != to_ms(line.timestamp):
                _set_time(line, time, begun)
            before = line.at
        for at, start in self._spanning:
            self._lines[at].host_ms = self._lines[at].duration_ms
            self._lines[at].duration_ms = self._elapsed(at, start)

    def _begun(self, at: int, line: LogLine, time: float, before: float | None) -> float | None:
        """When the step of a line began: between the writing of the line before and of this one."""
        begun = to_ms(line.timestamp)
        if begun is None:
            return None
        least = before if before is not None else time - ABSURD_MS
        here, last = self._segments[at], self._segments[at - 1] if at else 0
        for segment in dict.fromkeys((here, last)):  # it may have begun just before the clock was set
            corrected = begun + self._behind[segment]
            if least - JITTER_MS <= corrected <= time + JITTER_MS:
                return min(max(corrected, least), time)
        self._outside += last == here
        return time

    def _elapsed(self, at: int, start: int | None) -> float:
        measured = self._lines[at].duration_ms or 0
        behind = self._behind[self._segments[start]] if start is not None else 0
        elapsed = measured + self._behind[self._segments[at]] - behind
        if elapsed >= -JITTER_MS:
            return max(0, elapsed)
        self._negative = True
        return self._lines[at].at - self._lines[start].at if start is not None else 0

    def faults(self) -> list[str]:
        """What was wrong, one sentence each."""
        faults: list[str] = []
        steps = [later - before for before, later in zip(self._behind, self._behind[1:], strict=False)]
        if steps:
            far = _duration(max(steps))
            by = f"by {far} during" if len(steps) == 1 else f"{len(steps)} times, by up to {far}, during"
            faults.append(f"the clock went back {by} the run: later times are corrected")
        if self._negative:
            faults.append("the clock went back during a step, whose duration is taken from the log")
        if self._outside:
            steps_start = "1 step starts" if self._outside == 1 else f"{self._outside} steps start"
            faults.append(f"{steps_start} outside the log times around it: the log times are used")
        return faults


def _subject(line: LogLine, kind: str) -> tuple[str, str | None]:
    return kind, line.step_id if kind == "step" else line.flow_key


def _duration(ms: float) -> str:
    """``350 ms``, ``3.0 s``, ``2.5 h``, ``3.0 days``."""
    for unit, size, below in (("ms", 1, 1000), ("s", 1000, 120_000), ("min", 60_000, 7_200_000)):
        if ms < below:
            return f"{ms:.0f} ms" if size == 1 else f"{ms / size:.1f} {unit}"
    return f"{ms / 3_600_000:.1f} h" if ms < 172_800_000 else f"{ms / 86_400_000:.1f} days"
