"""When a choice was wrong: choices between spans that fitted alike, and what to do when a later line
contradicts one.

A choice between equals is a guess, and mostly harmless: nothing tells the two apart afterwards either. But
sometimes a later line does: a loop whose body was taken for its neighbour's has the wrong duration when it
ends. The guess to blame is the latest one that set the two apart. It is made the other way, and the log
replayed; if that carries further than before it stands, else the next one is tried. The number of replays is
bounded by the length of the log, so that assembling stays linear.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from one_trace.assemble.live import Act, LiveSpan, Pass

_LINES = 400_000
"""How many lines may be replayed in all to settle the doubts of one log."""
_REPLAYS = 80
_LOOK_BACK = 400
_TRIES = 8

Option = tuple[int, int]
"""A line, and the number of the span to choose there."""


class Contradiction(Exception):
    """A line that cannot be, after the choices that were made; `options`: which to make otherwise, likeliest
    first."""

    def __init__(self, index: int, options: list[Option]) -> None:
        super().__init__(index)
        self.index = index
        self.options = options


class Doubts:
    """The choices between equals of one replay. `forced`: those to make otherwise; `accepted`: contradictions
    that no choice resolves."""

    def __init__(self, forced: dict[int, int], accepted: set[int], *, settle: bool) -> None:
        self.forced = forced
        self.accepted = accepted
        self.settle = settle
        self.choices: list[tuple[int, list[LiveSpan]]] = []

    def choose(self, index: int, chosen: LiveSpan, rivals: list[LiveSpan]) -> LiveSpan:
        """`chosen`, unless an earlier replay found that another of `rivals` (`chosen` among them) must be
        taken here."""
        number = self.forced.get(index)
        if number is not None:
            chosen = next((rival for rival in rivals if rival.number == number), chosen)
        for rival in rivals:
            if rival is not chosen:
                _mark(_lineage(chosen), _lineage(rival))
        if self.settle:
            self.choices.append((index, [chosen, *(rival for rival in rivals if rival is not chosen)]))
        return chosen

    def contradicted(self, index: int, span: LiveSpan | None, better: LiveSpan | None = None) -> None:
        """Line `index` does not fit `span` (or nothing at all): raises Contradiction if a choice may be to
        blame."""
        if not self.settle or index in self.accepted:
            return
        options: list[Option] = []
        lines = [_lineage(one) for one in (span, better) if one is not None]
        for at, spans in reversed(self.choices[-_LOOK_BACK:]):
            taken = _lineage(spans[0])
            for other in spans[1:]:
                if _set_apart(taken, _lineage(other), lines):
                    options.append((at, other.number))
            if len(options) >= _TRIES:
                break
        if options:
            raise Contradiction(index, options[:_TRIES])


class Replaying(Protocol):
    """What can be run once, from a set of doubts."""

    def run(self) -> None:
        """Raises Contradiction."""


T = TypeVar("T", bound=Replaying)


def settle_doubts(make: Callable[[Doubts], T], lines: int) -> T:
    """Replay until nothing contradicts the choices made, or no other choice helps."""
    left = min(_REPLAYS, _LINES // max(1, lines))
    forced: dict[int, int] = {}
    accepted: set[int] = set()
    replay, wrong = _attempt(make, forced, accepted, settle=left > 0)
    while wrong is not None:
        for index, number in wrong.options:
            left -= 1
            if left < 0:
                break
            trial = {at: chosen for at, chosen in forced.items() if at < index} | {index: number}
            tried, still = _attempt(make, trial, accepted, settle=True)
            if still is None or still.index > wrong.index:
                forced, replay, wrong = trial, tried, still
                break
        else:
            accepted.add(wrong.index)
            left -= 1
            replay, wrong = _attempt(make, forced, accepted, settle=left > 0)
            continue
        if left < 0 and wrong is not None:
            replay, wrong = _attempt(make, forced, accepted, settle=False)
    return replay


def _attempt(
    make: Callable[[Doubts], T], forced: dict[int, int], accepted: set[int], *, settle: bool
) -> tuple[T, Contradiction | None]:
    replay = make(Doubts(forced, accepted, settle=settle))
    try:
        replay.run()
    except Contradiction as wrong:
        return replay, wrong
    return replay, None


def _lineage(span: LiveSpan) -> list[LiveSpan | Pass | Act]:
    """A span and all that it stands in, the root first."""
    line: list[LiveSpan | Pass | Act] = []
    at: LiveSpan | None = span
    while at is not None:
        line.append(at)
        if at.seq is not None:
            line.append(at.seq)
        line.append(at.act)
        at = at.act.span
    line.reverse()
    return line


def _mark(one: list[LiveSpan | Pass | Act], other: list[LiveSpan | Pass | Act]) -> None:
    """From here on, what runs in the one may be the other's."""
    depth = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a is not b), len(one))
    for part in (*one[depth:], *other[depth:]):
        part.doubtful = True
        if isinstance(part, LiveSpan) and part.acts:
            part.acts[-1].doubtful = True  # it is there before its sub-flow or next iteration is chosen


def _set_apart(
    one: list[LiveSpan | Pass | Act],
    other: list[LiveSpan | Pass | Act],
    lines: list[list[LiveSpan | Pass | Act]],
) -> bool:
    """Did the choice between the two decide what runs where the contradiction is?"""
    if not lines:
        return True
    depth = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a is not b), None)
    if depth is None:
        return False
    return any(
        part is one[depth] or part is other[depth] for line in lines for part in line[depth : depth + 1]
    )
