"""Choices: each decision among several as an object that can be blamed and made otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from one_trace.assembler.executions import Execution

T = TypeVar("T")


@dataclass(slots=True)
class Choice:
    """`at`: the line that was to be explained. `equal`: how many of the candidates, from the first on, fit
    alike."""

    kind: str
    at: int
    candidates: Sequence[Any]
    picked: int
    equal: int
    among: list[Execution]

    @property
    def chosen(self) -> Any:
        return self.candidates[self.picked]


class Choices:
    """The choices of a reading, in order; `picks` are those made in advance."""

    def __init__(self, picks: Sequence[int] = ()) -> None:
        self._picks = picks
        self.made: list[Choice] = []
        self.at = 0

    def pick(self, kind: str, candidates: Sequence[T], among: list[Execution], equal: int = 1) -> T:
        if len(candidates) == 1:
            return candidates[0]
        number = len(self.made)
        picked = min(self._picks[number], len(candidates) - 1) if number < len(self._picks) else 0
        self.made.append(Choice(kind, self.at, candidates, picked, equal, among))
        return candidates[picked]
