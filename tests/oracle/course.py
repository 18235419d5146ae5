"""How a run goes, held against the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from tests.oracle.events import Line
from tests.true_tree import Killed

Result = tuple[str, float | None]
"""A status, as the host writes it, and a duration."""


class Stored(NamedTuple):
    """A result in the state that should be another: under the id of its step, or its index in a list."""

    name: str
    result: Result
    instead: Result | None


@dataclass
class Course:
    """`matched`: how many events were as recorded; `expected`: the next one of the record; `difference`: the
    first; `stored`: the result that the state should hold, if that is the difference;
    `unlike`: how many of its results are others; `at`: when it was broken off, epoch ms."""

    matched: int = 0
    expected: Line | None = None
    difference: str | None = None
    stored: Stored | None = None
    unlike: int = 0
    at: int = 0
    same_ms: bool = False
    """The event that came is of the ms of the one that should have."""
    superfluous: bool = False
    """Something ran that should not have."""
    last: Line | None = None
    """The last event that was as recorded."""

    @property
    def shortfall(self) -> tuple[int, int]:
        """Of two, that of the one that came closer is less."""
        return -self.matched, self.unlike

    def leave(self, difference: str) -> NoReturn:
        """End the run at once."""
        self.difference = self.difference or difference
        raise Killed
