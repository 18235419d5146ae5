"""The course of a log's times, set right where the clock that wrote them was set back.

The order of the lines is certain; their times are those of a clock that anybody may set. Here they become
times that never go back: what the clock lost is added to all that comes after, so that durations across it
are true again. A clock that was set forward looks like a long wait, and is left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator

from msgspec import Struct

from one_trace.model.times import to_iso, to_ms
from one_trace.record.log import LogLine

JITTER_MS = 3
"""Two readings of a clock at one moment differ by as much at most; of 5,136 recorded lines none is ever
earlier than the one before. So less is rounding, and more is a clock that was set."""
ABSURD_MS = 24 * 3600 * 1000
"""A single time this far from both its neighbours, which fit each other, is damage and no clock."""
_APART_MS = 1000
"""All steps' starts are never this long before their lines: then two clocks have written them."""
_LONGEST_MS = 30 * 24 * 3600 * 1000
"""A step that took longer is not believed about how far a clock was set."""
_MOST_OPEN = 64
"""Of more runs of a step at once, the oldest are not asked whether a line ends them."""
_STARTS = {"step:start": "step", "flow:start": "flow", "flow:mock-start": "flow"}
_ENDS = {
    "step:complete": "step",
    "step:error": "step",
    "flow:complete": "flow",
    "flow:error": "flow",
    "flow:stopped": "flow",
}


Inside = Callable[[str, float], float]
"""The longest duration in a parallel block, by its id and its own duration; 0 where none is known. Its
children have no lines of their own."""


class SetBack(Struct, frozen=True):
    """From `at` on (epoch ms, set right) the clock was `behind_ms` behind in all."""

    at: float
    behind_ms: float


class Course(Struct):
    """When the clock of one log was set back: mostly never."""

    set_back: list[SetBack] = []

    def lasted(self, start: float, measured: float) -> float:
        """How long something took that began at `start`, by the difference of two readings of that clock: a
        negative one spans a setting."""
        if measured >= 0:
            return measured
        first = bisect_right(self.set_back, start, key=lambda each: each.at)
        before = self.set_back[first - 1].behind_ms if first else 0.0
        sums = (measured + each.behind_ms - before for each in self.set_back[first:])
        return next((lasted for lasted in sums if lasted >= 0), 0.0)


def set_right(
    lines: list[LogLine], started: int | None, inside: Inside = lambda step_id, lasted: 0
) -> tuple[Course, list[str]]:
    """Let the times of `lines` never go back, nor behind `started` (the state's start, epoch ms). Also what
    was wrong with them, one sentence each."""
    if not _suspect(lines, started):
        return Course(), []
    faults = [*_without_absurd(lines, started), *_one_clock(lines, started)]
    walk = _Walk(lines, started, inside)
    walk.measure()
    walk.write()
    return walk.course(), faults + walk.faults()


def _suspect(lines: list[LogLine], started: int | None) -> bool:
    """Whether there is anything to be set right: asked of every log, so it has to be quick."""
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


def _without_absurd(lines: list[LogLine], started: int | None) -> Iterator[str]:
    """Put single lines with an absurd time where they stand."""
    floor = [started if started is not None else lines[0].at, *(line.at for line in lines)]
    for at in range(1, len(lines)):
        if floor[at] - floor[at + 1] <= ABSURD_MS:
            continue
        if at + 2 < len(floor) and floor[at + 2] >= floor[at]:
            wrong, to = at, floor[at]
        elif floor[at + 1] >= floor[at - 1]:
            wrong, to = at - 1, floor[at - 1]
        else:
            continue
        _move(lines[wrong], to, to)
        floor[wrong + 1] = to
        yield f"a log line ({lines[wrong].msg[:40]!r}) has a time far from those around it"


def _one_clock(lines: list[LogLine], started: int | None) -> Iterator[str]:
    """A log whose clock is ahead of the one that the steps and the state have: it becomes theirs."""
    ahead = min((line.at - begun for line in lines if (begun := line.begun) is not None), default=0)
    if ahead > _APART_MS and (started is None or lines[0].at - ahead >= started - JITTER_MS):
        for line in lines:
            line.at -= ahead
        yield f"the log's times are {_length(ahead)} ahead of those of its steps, which are used"


def _move(line: LogLine, at: float, begun: float | None) -> None:
    """Give a line its time. `ts` of what is no event stays: what was measured in a run is found by it."""
    line.at = round(at)
    if line.event is not None:
        line.ts = to_iso(at)
    if begun is not None and line.timestamp is not None:
        line.timestamp = to_iso(begun)


class _Walk:
    """Two ways through the lines: how far the clock was set back, and where; then the times and durations
    that come of it. A stretch is what lies between two settings."""

    def __init__(self, lines: list[LogLine], started: int | None, inside: Inside) -> None:
        self._lines = lines
        self._inside = inside
        self._started = started
        self._raw = [line.at for line in lines]
        self._stretch: list[int] = []
        """Of each line."""
        self._behind: list[float] = [0.0]
        """Of each stretch: what has to be added to its times."""
        self._first: list[int] = []
        """The lines at which the clock was found to have been set back."""
        self._open: dict[tuple[str, str | None], list[int]] = {}
        self._spanning: list[tuple[int, int | None]] = []
        """Ends whose duration is of the clock that was set, and the lines they began with."""
        self._foreign = 0
        self._negative = False

    # -- how far it was set back

    def measure(self) -> None:
        before = self._started
        for at, line in enumerate(self._lines):
            now = self._raw[at] + self._behind[-1]
            if before is not None and now < before:
                if now < before - JITTER_MS:
                    self._behind.append(before - self._raw[at])
                    self._first.append(at)
                now = before
            self._stretch.append(len(self._behind) - 1)
            before = round(self._told(at, line, now))

    def _told(self, at: int, line: LogLine, now: float) -> float:
        """What a line tells of the settings before it; its own time after that."""
        event = line.event or ""
        if event in _STARTS:
            begun = self._open.setdefault(_subject(line, _STARTS[event]), [])
            begun.append(at)
            del begun[:-_MOST_OPEN]
        elif event in _ENDS:
            begun = self._open.get(_subject(line, _ENDS[event]), [])
            if line.duration_ms is not None:
                return self._ended(at, line.duration_ms, begun, now)
            if begun:
                begun.pop()
        return now

    def _ended(self, at: int, duration: float, begun: list[int], now: float) -> float:
        if not begun:
            if duration < 0:
                self._spanning.append((at, None))
            return now
        start, by_set_clock = self._start_of(at, duration, begun, now)
        alone = len(begun) == 1
        begun.remove(start)
        least: float = 0
        if by_set_clock:
            self._spanning.append((at, start))
            if self._lines[start].type == "parallel":
                least = self._inside(self._lines[at].step_id or "", duration)
        elif alone:
            least = duration
        # That much time went by, as was measured: the clock was set back by so much more.
        missing = least - (now - self._time(start))
        if self._stretch[start] != self._stretch[at] and 0 < missing <= _LONGEST_MS:
            self._behind[-1] += missing
            now += missing
        return now

    def _start_of(self, at: int, duration: float, begun: list[int], now: float) -> tuple[int, bool]:
        """The line with which began what ends here, and whether its duration was measured by the clock that
        was set meanwhile (One CLI's is) or by one that was not."""
        best = (float("inf"), False, begun[-1])
        for start in begun:
            if duration >= 0:
                best = min(best, (abs(now - duration - self._time(start)), False, start))
            if duration < 0 or self._stretch[start] != self._stretch[at]:
                best = min(best, (abs(self._raw[at] - duration - self._raw[start]), True, start))
        return best[2], best[1]

    def _time(self, at: int) -> float:
        return self._raw[at] + self._behind[self._stretch[at]]

    # -- what comes of it

    def write(self) -> None:
        before = self._started
        for at, line in enumerate(self._lines):
            time = self._time(at) if before is None else max(self._time(at), before)
            begun = self._begun(at, line, time, before)
            if time != to_ms(line.ts) or begun != to_ms(line.timestamp):
                _move(line, time, begun)
            before = line.at
        for at, start in self._spanning:
            self._lines[at].host_ms = self._lines[at].duration_ms
            self._lines[at].duration_ms = self._lasted(at, start)

    def _begun(self, at: int, line: LogLine, time: float, before: float | None) -> float | None:
        """When the step of a line began: after the line before it was written, and before this one was."""
        begun = to_ms(line.timestamp)
        if begun is None:
            return None
        least = before if before is not None else time - ABSURD_MS
        here, last = self._stretch[at], self._stretch[at - 1] if at else 0
        for stretch in dict.fromkeys((here, last)):  # it may have begun just before the clock was set
            moved = begun + self._behind[stretch]
            if least - JITTER_MS <= moved <= time + JITTER_MS:
                return min(max(moved, least), time)
        self._foreign += last == here
        return time

    def _lasted(self, at: int, start: int | None) -> float:
        measured = self._lines[at].duration_ms or 0
        behind = self._behind[self._stretch[start]] if start is not None else 0
        lasted = measured + self._behind[self._stretch[at]] - behind
        if lasted >= -JITTER_MS:
            return max(0, lasted)
        self._negative = True
        return self._lines[at].at - self._lines[start].at if start is not None else 0

    # -- what is said of it

    def course(self) -> Course:
        moments = zip(self._first, self._behind[1:], strict=True)
        return Course([SetBack(self._lines[first].at, behind) for first, behind in moments])

    def faults(self) -> list[str]:
        steps = [later - before for before, later in zip(self._behind, self._behind[1:], strict=False)]
        return [*self._settings(steps), *self._others()]

    def _settings(self, steps: list[float]) -> list[str]:
        if not steps:
            return []
        if len(steps) == 1:
            return [f"the clock went back by {_length(steps[0])} during the run: later times are set right"]
        often, most = len(steps), _length(max(steps))
        return [
            f"the clock went back {often} times during the run, by up to {most}: later times are set right"
        ]

    def _others(self) -> Iterator[str]:
        if self._negative:
            yield "the clock went back during a step, whose duration is worked out from the log's times"
        if self._foreign:
            many = "1 step's start is" if self._foreign == 1 else f"{self._foreign} steps' starts are"
            yield f"{many} not between the log's times around it: the log's are used"


def _subject(line: LogLine, kind: str) -> tuple[str, str | None]:
    return kind, line.step_id if kind == "step" else line.flow_key


def _length(ms: float) -> str:
    """``350 ms``, ``3.0 s``, ``2.5 h``, ``3.0 days``."""
    for unit, size, below in (("ms", 1, 1000), ("s", 1000, 120_000), ("min", 60_000, 7_200_000)):
        if ms < below:
            return f"{ms:.0f} ms" if size == 1 else f"{ms / size:.1f} {unit}"
    return f"{ms / 3_600_000:.1f} h" if ms < 2 * ABSURD_MS else f"{ms / ABSURD_MS:.1f} days"
