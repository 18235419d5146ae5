"""By how much times of one moment may differ.

Three reasons, and no other. Clocks: a step reads its own, the log another, and both are rounded to the ms.
Timers: Node rounds them, so that one may seem to go off a ms early. Lateness: the host is one thread, and
what keeps it busy, above all the saving of a large state, comes between a step's own clock and its line; how
much that is in a log is measured in the log itself (`Tolerance`).
"""

from __future__ import annotations

from typing import Protocol

CLOCK_MS = 3.0
"""Two clock readings of one moment differ by no more, in all that was measured."""
ROUNDED_MS = 1.0
"""No timer goes off earlier than that before it is due."""
TWICE_ROUNDED_MS = 2.0
"""Two readings of clocks that were rounded to the ms."""
LONG_BUSY_MS = 250.0
"""How long the host may be busy, with saving a large state, before a container ends after what runs in it."""
_LEAST_MS = 1.0
_MOST_MS = 1000.0
"""Saving a large state on a busy machine takes as long; more is not lateness but a damaged log."""
_WRITTEN_MS = 15.0
"""How long it takes to write a line, at most; what comes later has waited."""


class Delays(Protocol):
    """What was measured in a log."""

    @property
    def exact(self) -> bool:
        """All that can be measured was on time."""

    @property
    def longest_ms(self) -> float:
        """By how much an end was late at least."""

    def busy_ms(self, index: int) -> float:
        """How long the thread may have been busy before a line."""

    def written_ms(self, index: int) -> float:
        """How long it may have taken to write a line."""


class Tolerance:
    """By how many ms a line of one log may be late. `exact`: by nothing, if all that can be measured were on
    time, and by no more than what was."""

    __slots__ = ("_delays", "_exact")

    def __init__(self, delays: Delays, *, exact: bool) -> None:
        self._delays = delays
        self._exact = exact

    def __call__(self, index: int, begun: int = -1) -> float:
        """Line `index`, as the end of what line `begun` has begun."""
        delays = self._delays
        if delays.exact:
            return 0.0 if self._exact else _LEAST_MS
        if self._exact:
            return min(max(delays.longest_ms, _LEAST_MS), _MOST_MS)
        longest = max(delays.longest_ms, delays.busy_ms(index), _LEAST_MS)
        return min(longest + (min(delays.written_ms(begun), _WRITTEN_MS) if begun >= 0 else 0.0), _MOST_MS)
