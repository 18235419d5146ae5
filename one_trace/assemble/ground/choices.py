"""Choices: each decision among several as an object that can be blamed and made otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from one_trace.assemble.ground.executions import Execution

CERTAIN = (0, 0)
"""The cost of a candidate of which the state says just this."""


AT_ONCE = ("throws at once", "ends at once")
"""Whether a silent leaf was over in the tick in which it began."""


class Key(NamedTuple):
    """Which choice: what kind, at which line, and the how manieth there, or of which execution."""

    kind: str
    at: int
    which: int | str


Picks = Mapping[Key, str]
"""What is chosen, by the label of the candidate."""


Cost: TypeAlias = tuple[float, float]
"""How badly a candidate fits."""


class Candidate(Struct, gc=False, eq=False):
    """Candidates of the same cost fit alike. `act` refers to the reading, and is let go once it is done."""

    cost: Cost
    of: Execution
    label: str
    act: Callable[[], None] | None = None
    hint: tuple[float, float] = (0, 0)
    """Which of those of the same cost is tried first."""


class Choice(Struct, gc=False, eq=False):
    """`equal`: how many of the candidates, from the first on, fit alike."""

    key: Key
    candidates: Sequence[Candidate]
    picked: int
    equal: int

    @property
    def chosen(self) -> Candidate:
        return self.candidates[self.picked]

    @property
    def others(self) -> list[Candidate]:
        return [each for each in self.candidates if each is not self.chosen]

    @property
    def as_good(self) -> list[Candidate]:
        """The others that fit as well as the chosen one."""
        if self.picked < self.equal:
            return [each for each in self.candidates[: self.equal] if each is not self.chosen]
        if self.key.kind in AT_ONCE:
            return self.others  # another may have been over at once instead
        alike = [each for each in self.candidates if each.cost == self.chosen.cost != CERTAIN]
        return [each for each in alike if each is not self.chosen]


class Choices:
    """The choices of a reading, in order; `picks` are those made in advance. `at`: the line that is to be
    explained."""

    def __init__(self, picks: Picks) -> None:
        self._picks = picks
        self._numbers: Counter[tuple[str, int]] = Counter()
        self.made: list[Choice] = []
        self.at = 0

    def among(self, kind: str, candidates: list[Candidate]) -> Candidate:
        """One that fits best."""
        if len(candidates) == 1:
            return candidates[0]
        candidates.sort(key=lambda each: (each.cost, each.hint))
        equal = (
            sum(each.cost == candidates[0].cost for each in candidates)
            if candidates[0].cost != CERTAIN
            else 1
        )
        which = self._numbers[kind, self.at]
        self._numbers[kind, self.at] += 1
        return self._pick(Key(kind, self.at, which), candidates, equal)

    def whether(self, kind: str, of: Execution, *, likely: bool, either: bool = False) -> bool:
        """A yes or no that the record does not tell; `either`: nothing speaks for one of them."""
        candidates = [
            Candidate((number, 0), of, str(each)) for number, each in enumerate((likely, not likely))
        ]
        key = Key(kind, self.at, of.path)
        return self._pick(key, candidates, 2 if either else 1).label == "True"

    def which(self, kind: str, of: Execution, count: int, first: int = 0) -> int:
        """One of so many of which nothing speaks for any; `first` is tried first."""
        numbers = [first, *(number for number in range(count) if number != first)]
        candidates = [Candidate((1, number), of, str(number)) for number in numbers]
        return int(self._pick(Key(kind, self.at, of.path), candidates, count).label)

    def _pick(self, key: Key, candidates: list[Candidate], equal: int) -> Candidate:
        label = self._picks.get(key)
        found = (number for number, each in enumerate(candidates) if each.label == label)
        picked = next(found, 0) if label is not None else 0
        self.made.append(Choice(key, candidates, picked, equal))
        return candidates[picked]
