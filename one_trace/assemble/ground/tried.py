"""Readings that were made already, as a tree of their choices.

A reading depends on nothing but its choices, and on what is known before. So picks that come to the same
choices as those of an earlier reading make the same reading, which need not be driven again.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from one_trace.assemble.ground.choices import Choice, Key, Picks

T = TypeVar("T")


class _Fork(Generic[T]):
    """A choice, by the labels of its candidates, and what each has led to; or what there was at last."""

    __slots__ = ("key", "labels", "made", "ways")

    def __init__(self) -> None:
        self.key: Key | None = None
        self.labels: list[str] = []
        self.ways: dict[int, _Fork[T]] = {}
        self.made: T | None = None


class Tried(Generic[T]):
    """`most`: so many lines of readings are kept."""

    def __init__(self, most: int) -> None:
        self._roots: dict[Hashable, _Fork[T]] = {}
        self._left = most
        self.all: list[T] = []
        """Those that are kept, in order."""

    def find(self, known: Hashable, picks: Picks) -> T | None:
        """The reading that these picks lead to, if it was made already."""
        at = self._roots.get(known)
        while at is not None and at.key is not None:
            label = picks.get(at.key)
            at = at.ways.get(at.labels.index(label) if label in at.labels else 0)
        return at.made if at is not None else None

    def keep(self, known: Hashable, choices: Sequence[Choice], made: T, lines: int) -> None:
        self._left -= lines
        if self._left < 0:
            return
        at = self._roots.setdefault(known, _Fork())
        for choice in choices:
            if at.key is None:
                at.key, at.labels = choice.key, [each.label for each in choice.candidates]
            at = at.ways.setdefault(choice.picked, _Fork())
        at.made = made
        self.all.append(made)
