"""When a choice was wrong: choices between spans that fitted alike, and what is to blame when a later line
contradicts one.

A choice between equals is a guess, and mostly harmless: nothing tells the two apart afterwards either. But
sometimes a later line does: a loop whose body was taken for its neighbour's has the wrong duration when it
ends, or the state holds another result for it. To blame are the choices that set the two apart. Where a line
fits another span better, the choice that took the one for the other is proposed to be made otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import NamedTuple, TypeVar

from one_trace.assemble.live.state import ContainerAttempt, LiveSpan, SequenceRun
from one_trace.assemble.live.tolerance import CLOCK_MS
from one_trace.assemble.reading.notes import Notes

_LOOK_BACK = 400

Key = tuple[int, int]
"""A span, by the line that began it, or, of one that began in silence, by its number below zero; and an
attempt of it, or 0."""
Place = tuple[int, int]
"""Where a choice is made: at a line, and how many were made there before it."""
Forced = dict[Place, Key]
"""What to choose where."""
Line = list["LiveSpan | SequenceRun | ContainerAttempt"]
Rival = TypeVar("Rival", bound="LiveSpan | ContainerAttempt")


class Contradiction(Exception):
    """Line `index` cannot be, after the choices that were made; `choices`: those that could be to blame, each
    with what may be chosen there, what was taken first. `repairs`: what of it is tried first; `unlikely`:
    what fits less than what was taken."""

    def __init__(
        self,
        index: int,
        choices: dict[Place, list[Key]],
        repairs: Sequence[Repair] = (),
        unlikely: Container[tuple[Place, Key]] = (),
        every: Sequence[tuple[Place, Sequence[LiveSpan | ContainerAttempt]]] = (),
    ) -> None:
        super().__init__(index)
        self.index = index
        self.choices = choices
        self.repairs = repairs
        self.unlikely = unlikely
        self._every = every

    def wider(self) -> Contradiction:
        """The same, with all choices made so far to blame: one that is not may have ruled out one that is."""
        choices = {at: [_key(rival) for rival in rivals] for at, rivals in self._every if len(rivals) > 1}
        return Contradiction(self.index, choices, unlikely=self.unlikely)


class Repair(NamedTuple):
    """What to choose somewhere instead; `keeps`: the choices after it stand."""

    at: Place
    key: Key
    keeps: bool


class Doubts:
    """The choices between equals of one replay. `forced`: those to make otherwise; `accepted`: lines whose
    contradictions no choice resolves; `slack`: by how many ms another choice may fit worse; `settle`: whether
    a contradiction ends the replay."""

    def __init__(
        self,
        forced: Forced,
        accepted: frozenset[int] = frozenset(),
        *,
        slack: float = CLOCK_MS,
        settle: bool = True,
        notes: Notes | None = None,
    ) -> None:
        self.notes = notes
        self.forced = forced
        self.settle = settle
        self.choices: list[tuple[Place, Sequence[LiveSpan | ContainerAttempt]]] = []
        self._unlikely: set[tuple[Place, Key]] = set()
        self._at: Place = (-1, 0)
        self._slack = slack
        self.accepted = accepted
        self._chose = False
        self.ended_either = False
        """A container was chosen whose end it is."""
        self.unexplained = 0
        """How many contradictions there were for which no choice was to blame."""
        self.unsettled = 0
        """How many contradictions stay."""
        self.strained = 0
        """How many stay of times alone."""

    @property
    def exact(self) -> bool:
        """All times have to fit to the ms."""
        return self._slack == 0

    def choose(
        self,
        index: int,
        chosen: Rival,
        rivals: list[Rival],
        misfit: Callable[[Rival], float] | None = None,
        less: Iterable[Rival] = (),
    ) -> Rival:
        """`chosen`, unless an earlier replay found that another of `rivals` (`chosen` among them) must be
        taken here, or one of those that are `less` likely. `misfit`: by how many ms the line does not fit a
        span."""
        self._chose = True
        at = self._at = (index, self._at[1] + 1 if self._at[0] == index else 0)
        key = self.forced.get(at)
        if key is not None:
            named: list[Rival] = [rival for rival in (*rivals, *less) if _key(rival) == key]
            chosen = named[0] if named else chosen
        if self.notes is not None:
            self.notes.chosen(index, chosen, rivals, less, forced=key is not None)
        for rival in rivals:
            if rival is not chosen:
                _mark(_lineage(chosen), _lineage(rival))
            if len(rivals) > 1 and isinstance(rival, LiveSpan) and rival.acts:
                rival.acts[-1].unsure.ended_either = index
                self.ended_either = True
        if self.settle:
            if misfit is not None:
                most = misfit(chosen) + self._slack
                rivals = [rival for rival in rivals if misfit(rival) <= most]
                less = [rival for rival in less if misfit(rival) <= most]
            less = list(less)
            self._unlikely.update((at, _key(rival)) for rival in less)
            others: list[Rival] = [rival for rival in (*rivals, *less) if rival is not chosen]
            self.choices.append((at, [chosen, *others]))
        return chosen

    def again(self, notes: Notes) -> Doubts:
        """The same, for a replay of which notes are kept."""
        return Doubts(self.forced, self.accepted, slack=self._slack, settle=self.settle, notes=notes)

    @property
    def was_forced(self) -> bool:
        """The choice that was made last."""
        return self._at in self.forced

    def contradicted(
        self,
        index: int,
        span: LiveSpan | None,
        fitting: Callable[[], Iterable[LiveSpan]] | None = None,
        *,
        surely: bool = True,
    ) -> None:
        """Line `index` does not fit `span` (or nothing at all), but had rather been of one of those that are
        `fitting`: raises Contradiction if there were choices, which may be to blame. `surely`: it cannot
        be."""
        if not self.settle or index in self.accepted:
            self.unsettled += surely and self._chose
            self.strained += not surely and self._chose
            return
        better = list(fitting()) if fitting is not None and self.choices else []
        lines = [_lineage(one) for one in (span, *better) if one is not None]
        blamed = self._to_blame(lines, bearing=True) or self._to_blame(lines, bearing=False)
        if self.choices:
            swaps = self._swaps(span, better, blamed) if span is not None else []
            repairs = [*swaps, *_robbed(better, blamed)]
            raise Contradiction(index, blamed, repairs, self._unlikely, self.choices[-_LOOK_BACK:])
        self.unexplained += 1

    def _swaps(self, span: LiveSpan, better: list[LiveSpan], blamed: dict[Place, list[Key]]) -> list[Repair]:
        """Where `span` and one that the line fits better were first taken one for the other: most often the
        whole of the one is the other's."""
        found: list[Repair] = []
        for other in (one for one in better if one is not span):
            for at, rivals in self.choices[-_LOOK_BACK:]:
                if at not in blamed:
                    continue
                first, second = (span, other) if _passes(rivals[0], span) else (other, span)
                if not _passes(rivals[0], first):
                    continue
                taken = next((rival for rival in rivals[1:] if _passes(rival, second)), None)
                if taken is not None:
                    found.append(Repair(at, _key(taken), keeps=False))
                    break
        return found

    def _to_blame(self, lines: list[Line], *, bearing: bool) -> dict[Place, list[Key]]:
        """The choices that set apart what runs in these lines; `bearing`: without those between spans that
        run beside them."""
        blamed: dict[Place, list[Key]] = {}
        for at, spans in reversed(self.choices[-_LOOK_BACK:]):
            mine = _lineage(spans[0])
            near = not bearing or any(_bears_on(mine, line) for line in lines)
            apart = [
                other
                for other in spans[1:]
                if _set_apart(mine, theirs := _lineage(other), lines)
                and (near or any(_bears_on(theirs, line) for line in lines))
            ]
            if apart:
                blamed[at] = [_key(spans[0]), *map(_key, apart)]
        return blamed


def _robbed(better: list[LiveSpan], blamed: dict[Place, list[Key]]) -> list[Repair]:
    """Choices that have taken a span which the line fits."""
    taken = [_key(one) for one in better if not one.open]
    robbed = [at for at, keys in blamed.items() if keys[0] in taken]
    robbed.sort(key=lambda at: taken.index(blamed[at][0]))
    return [Repair(at, key, keeps=True) for at in robbed for key in blamed[at][1:]]


def _key(rival: LiveSpan | ContainerAttempt) -> Key:
    span = rival if isinstance(rival, LiveSpan) else rival.span
    attempt = rival.attempt if isinstance(rival, ContainerAttempt) else 0
    if span is None:
        return 0, attempt
    return span.begun if span.begun >= 0 else -1 - span.number, attempt


def _lineage(rival: LiveSpan | ContainerAttempt) -> Line:
    """A span, or an attempt of one, and all that it stands in, the root first."""
    line: Line = [rival] if isinstance(rival, ContainerAttempt) else []
    at = rival.span if isinstance(rival, ContainerAttempt) else rival
    while at is not None:
        line.append(at)
        if at.seq is not None:
            line.append(at.seq)
        line.append(at.act)
        at = at.act.span
    line.reverse()
    return line


def _passes(rival: LiveSpan | ContainerAttempt, part: LiveSpan | SequenceRun | ContainerAttempt) -> bool:
    return any(other is part for other in _lineage(rival))


def _parting(one: Line, other: Line) -> int | None:
    """The first place at which they differ; None if one is the other's beginning."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a is not b), None)


def _mark(one: Line, other: Line) -> None:
    """From here on, what runs in the one may be the other's."""
    parted = _parting(one, other)
    depth = parted if parted is not None else min(len(one), len(other))
    for line in (one, other):
        if len(line) == depth and isinstance(line[-1], ContainerAttempt):
            line[-1].unsure.batch = True
    for part in (*one[depth:], *other[depth:]):
        _doubt(part)
        if isinstance(part, LiveSpan) and part.acts:
            part.acts[
                -1
            ].unsure.doubtful = True  # it is there before its sub-flow or next iteration is chosen
    spans = ([part for part in reversed(line[depth:]) if isinstance(part, LiveSpan)] for line in (one, other))
    for mine, theirs in zip(*spans, strict=False):
        if mine.node.id != theirs.node.id:
            break
        if mine.start != theirs.start:
            mine.shown.unsure_end = theirs.shown.unsure_end = True


def _doubt(part: LiveSpan | SequenceRun | ContainerAttempt) -> None:
    if isinstance(part, LiveSpan):
        part.shown.doubtful = True
    elif isinstance(part, SequenceRun):
        part.doubtful = True
    else:
        part.unsure.doubtful = True


def _set_apart(one: Line, other: Line, lines: list[Line]) -> bool:
    """Did the choice between the two decide what runs where the contradiction is?"""
    if not lines:
        return True
    depth = _parting(one, other)
    if depth is None:
        return False
    return any(
        part is one[depth] or part is other[depth] for line in lines for part in line[depth : depth + 1]
    )


def _bears_on(one: Line, other: Line) -> bool:
    """May what becomes of the one decide what the other is? Not if they run concurrently."""
    depth = _parting(one, other)
    if depth is None or depth == 0:
        return True
    around, mine, theirs = one[depth - 1], one[depth], other[depth]
    if not isinstance(around, ContainerAttempt):
        return True  # one after the other, in a list or as attempts
    if isinstance(mine, SequenceRun) and isinstance(theirs, SequenceRun):
        concurrency = around.node.concurrency if around.node is not None else 1
        return (mine.iteration or 0) // concurrency != (theirs.iteration or 0) // concurrency
    if isinstance(mine, LiveSpan) and isinstance(theirs, LiveSpan):
        return mine.batch != theirs.batch
    return True
