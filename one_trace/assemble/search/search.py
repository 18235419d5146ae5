"""Which of all readings? The search for one that nothing contradicts.

A log is replayed, and replayed again with other choices, until nothing contradicts them. What a contradiction
proposes itself is tried first, and such mends may follow one another. Then the latest choice to blame is made
otherwise; when all that could be chosen there has failed, it is the turn of the next earlier one that has had
a part in the failures. So what cannot be mended by a choice never costs the trial of it. Where none to blame
is left, one that is not may have ruled out the right one: then all are. A reading that nothing contradicts is
found if the choices allow one, up to a bound on the lines replayed, so that assembling stays linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from one_trace.assemble.live.tolerance import CLOCK_MS
from one_trace.assemble.reading.doubts import Contradiction, Doubts, Forced, Key, Place, Repair

_LINES = 150_000
"""How many lines may be replayed in all to settle the doubts of one log."""
_REPLAYS = 200
_PATIENCE = 60
"""How many replays may be spent on one contradiction."""
_MENDS = 24
"""How many of them may be what contradictions propose."""
_KEPT = 4
"""One in so many replays is kept for readings in which times fit but nearly."""
_FIRST = 2
"""How many of the earliest choices to blame are made otherwise before the latest is: where two run alike,
which of them was called first decides all that follows."""


def _earliest(wrong: Contradiction) -> list[Repair]:
    alike = {
        at: [key for key in keys[1:] if (at, key) not in wrong.unlikely] for at, keys in wrong.choices.items()
    }
    first = sorted(at for at, keys in alike.items() if keys)[:_FIRST]
    return [Repair(at, key, keeps=True) for at in first for key in alike[at]]


class Replaying(Protocol):
    """What can be run once, from a set of doubts."""

    doubts: Doubts

    def run(self) -> None:
        """Raises Contradiction."""


T = TypeVar("T", bound=Replaying)


class _Tried(Struct):
    """What was chosen somewhere so far, and the other choices that had a part in its failures."""

    options: set[Key] = set()
    others: dict[Place, list[Key]] = {}


class _Mended(NamedTuple):
    """Choices that may mend a contradiction; those before `since` stand."""

    forced: Forced
    since: Place


def _mends(
    repairs: Sequence[Repair], forced: Forced, before: _Mended | None, seen: set[frozenset[tuple[Place, Key]]]
) -> list[_Mended]:
    """What a contradiction proposes itself, but for what was `seen`; a mend may need another one."""
    found: list[_Mended] = []
    for at, key, keeps in repairs:
        kept = {other: forced[other] for other in forced if keeps or other < at}
        mended = _Mended(kept | {at: key}, min(at, before.since) if before is not None else at)
        told = frozenset(mended.forced.items())
        if told not in seen and len(seen) < _MENDS:
            seen.add(told)
            found.append(mended)
    return found


class Search(Generic[T]):
    """The search for a reading of a log that nothing contradicts."""

    def __init__(
        self, make: Callable[[Doubts], T], lines: int, late: Callable[[], bool], spent: int = 0
    ) -> None:
        """`lines` of a log; `late`: whether some of them were; `spent`: replays that searches before it have
        taken of what it may take."""
        self._make = make
        self._late = late
        self._left = min(_REPLAYS, _LINES // max(1, lines)) - spent
        self.replays = 0
        self._kept: int | None = None
        """How many replays are kept for the second search; None before the first contradiction."""
        self._accepted: frozenset[int] = frozenset()
        self._tried: dict[Place, _Tried] = {}

    def settle(self) -> T:
        """Replay until nothing contradicts the choices made, or no other choice helps. Readings in which all
        times fit to the ms go first."""
        exact = self._settled(0)
        self._left += self._kept or 0
        unexplained = len(self._accepted) + exact.doubts.unexplained
        if not unexplained or self._left <= 1:
            return exact
        self._accepted = frozenset()
        near = self._settled(CLOCK_MS)
        if len(self._accepted) + near.doubts.unexplained >= unexplained:
            return exact
        near.doubts.strained += 1
        return near

    def _settled(self, slack: float) -> T:
        self._tried.clear()
        forced: Forced = {}
        furthest = before = (Contradiction(-1, {}), forced)
        mended: _Mended | None = None
        mends: list[_Mended] = []
        seen: set[frozenset[tuple[Place, Key]]] = set()
        spent, widened = 0, False
        while True:
            self._left -= 1
            self.replays += 1
            spent += 1
            replay = self._make(Doubts(forced, self._accepted, slack=slack, settle=self._left > 0))
            try:
                replay.run()
            except Contradiction as wrong:
                if self._kept is None:
                    self._kept = max(0, self._left) // _KEPT if self._late() else 0
                    self._left -= self._kept
                if wrong.index > furthest[0].index:
                    if mended is not None:
                        self._tried = {at: kept for at, kept in self._tried.items() if at < mended.since}
                    furthest = before = (wrong, forced)
                    mends.clear()
                    seen.clear()
                    spent, widened = 0, False
                    mends += _mends(_earliest(wrong), forced, mended, seen)
                elif mended is None:
                    before = (wrong, forced)
                mends[:0] = _mends(wrong.repairs, forced, mended, seen)
                more = self._left > 1 and spent < _PATIENCE
                mended = mends.pop(0) if more and mends else None
                if mended is not None:
                    forced = mended.forced
                    continue
                other = self._otherwise(*before) if more else None
                if other is None and more and not widened:
                    widened = True
                    self._tried.clear()
                    other = self._otherwise(furthest[0].wider(), furthest[1])
                if other is None:  # a line that no choice explains
                    self._accepted |= {furthest[0].index}
                    self._tried.clear()
                    other = furthest[1]
                forced = other
            else:
                if self._left <= 0 and spent > 1:  # there was no replay left to look for what contradicts it
                    replay.doubts.unsettled += 1
                return replay

    def _otherwise(self, wrong: Contradiction, forced: Forced) -> Forced | None:
        """The latest choice to blame that can still be made otherwise, so made; None if there is none."""
        blamed = dict(wrong.choices)
        while blamed:
            at = max(blamed)
            options = blamed.pop(at)
            tried = self._tried.setdefault(at, _Tried())
            tried.options.add(options[0])
            for other, keys in blamed.items():
                tried.others.setdefault(other, keys)
            left = next((option for option in options if option not in tried.options), None)
            if left is not None:
                self._tried = {other: kept for other, kept in self._tried.items() if other <= at}
                return {other: key for other, key in forced.items() if other < at} | {at: left}
            del self._tried[at]
            for other, keys in tried.others.items():
                blamed.setdefault(other, keys)
        return None
