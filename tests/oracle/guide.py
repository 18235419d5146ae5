"""Ends for leaf steps of which nothing is known, such that the run goes as recorded.

Children of a parallel block have no events, and where its result is stored nowhere, nothing says how long
they took. But what comes after them says when they were over. So their bodies wait, and when nothing else is
left to do at the time of the next event of the record, some of them end: at first those in the step that this
event is of. Which ones is a choice: a run is repeated with others where it led to a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from one_trace.engine.loop import Loop, Promise
from one_trace.engine.virtual import VirtualClock
from tests.oracle.course import Course
from tests.oracle.events import UNKNOWN, Line
from tests.oracle.expectations import Expectations, has_failed
from tests.true_tree import Behaviour

_FOREVER_MS = 2**31 - 1


@dataclass(frozen=True)
class Waiting:
    """The body of a leaf step that waits for an end. `span`: its number; `caught`: what it throws may show
    nowhere."""

    span: int
    promise: Promise[Behaviour]
    caught: bool


Ends = tuple[tuple[Waiting, ...], Behaviour]
"""Who ends together, and how."""


class GuidedClock(VirtualClock):
    """Time that does not pass the next event of the record, without which it ends the run."""

    def __init__(self, start_ms: int, guide: Guide) -> None:
        super().__init__(start_ms)
        self._guide = guide

    def skip_to(self, ticks_ms: float) -> None:
        now = self.now_ms()
        silent = self._guide.next_silent_end(now)
        if silent is not None and silent > now:
            ticks_ms = min(ticks_ms, silent)
        if not self._guide.idle(now):
            super().skip_to(ticks_ms)


@dataclass
class Guide:
    """Ends what waits. `choices`: the number of the option to take, each time there is one; after the last of
    them always the first. `options`: how many there were each time; `ended`: who had to end, with its
    error."""

    course: Course
    expectations: Expectations
    choices: Sequence[int] = ()
    options: list[int] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    ended: list[tuple[int, str | None]] = field(default_factory=list)
    _timer: int | None = None

    def watch(self, loop: Loop) -> None:
        """Be asked again at the time of the next event."""
        if self._timer is not None:
            loop.cancel(self._timer)
            self._timer = None
        expected = self.course.expected
        if expected is not None:
            left = expected.at - loop.clock.now_ms()
            after = left if left > 0 else _FOREVER_MS
            self._timer = loop.call_later(after, lambda: self.watch(loop))

    def next_silent_end(self, now: int) -> float | None:
        """When the next of the silent steps ends in which something waits, from now on."""
        inside = self._by_container()
        ends = (self.expectations.silent_end(number) for number in inside)
        return min((at for at in ends if at is not None and at >= now), default=None)

    def idle(self, now: int) -> bool:
        """Nothing more happens now. End some of what waits, if an event should have come or a silent step
        should have ended; False if none should."""
        expected = self.course.expected
        options = self._silent_options(now)
        if not options:
            if expected is None or expected.at > now:
                return False
            options = self._options(expected)
        if not options:
            self.course.leave(f"event {self.course.matched + 1}, {expected}, does not come")
        number = len(self.options)
        self.options.append(len(options))
        chosen = min(self.choices[number], len(options) - 1) if number < len(self.choices) else 0
        ending, behaviour = options[chosen]
        for each in ending:
            self.ended.append((each.span, behaviour.error))
            self.waiting.remove(each)
            each.promise.resolve(behaviour)
        return True

    def _silent_options(self, now: int) -> list[Ends]:
        for number, waiting in self._by_container().items():
            if self.expectations.silent_end(number) == now:
                error = self.expectations.reading[self.expectations.places[number - 1]].error or UNKNOWN
                threw = self.expectations.silent_error(number)
                return _ends([tuple(waiting)], error, threw)
        return []

    def _options(self, expected: Line) -> list[Ends]:
        return _ends(self.sets(expected), expected.fields.get("error") or UNKNOWN, has_failed(expected))

    def sets(self, expected: Line) -> list[tuple[Waiting, ...]]:
        """What waits, by what it runs in: first in the step of the event, then where the fewest do."""
        inside = self._by_container()
        rank = {number: self.expectations.rank(expected, number) for number in inside}
        order = sorted(inside, key=lambda number: (rank[number], len(inside[number]), -number))
        return list(dict.fromkeys(tuple(inside[number]) for number in order))

    def _by_container(self) -> dict[int, list[Waiting]]:
        """What waits, by the number of each span that it runs in."""
        inside: dict[int, list[Waiting]] = {}
        spans = self.expectations.spans
        for each in self.waiting:
            above = spans[each.span - 1]["parent"]
            while above is not None:
                inside.setdefault(above, []).append(each)
                above = spans[above - 1]["parent"]
        return inside


def _ends(sets: list[tuple[Waiting, ...]], error: str, threw: bool) -> list[Ends]:
    """All of a set end well, or one of them throws: first what is likelier."""
    fine = [(each, Behaviour(output=1)) for each in sets]
    single = dict.fromkeys(one for each in sets for one in each)
    thrown = [((one,), Behaviour(error=error)) for one in single if threw or one.caught]
    return [*thrown, *fine] if threw else [*fine, *thrown]
