"""How badly a candidate fits: the one table.

Of several that a line may be about, those of the least sum are tried first, and those of the same sum fit
alike. From `BAD` on a candidate does not fit where another does.
"""

from __future__ import annotations


class Weight(int):
    """Points against a candidate, and the reason in words, for people who ask why."""

    why: str

    def __new__(cls, points: int, why: str) -> Weight:
        made = super().__new__(cls, points)
        made.why = why
        return made


BAD = 8

SAME = Weight(0, "the state says just this of it, and of no other")
FITS = Weight(1, "nothing speaks against it")
DIFFERS = Weight(3, "the state says something else of it, which no other can have left")
FAILURE = Weight(4, "the line is that of a failure, and it would have been over in time")
NO_FAILURE = Weight(4, "it would have thrown, and the line is not that of a failure")
TOO_LATE = Weight(8, "its start and its end are further apart than the line says, and no line is as late")
LEADS_NOWHERE = Weight(9, "what its end must lead to is not there")
