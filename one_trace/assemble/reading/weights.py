"""What speaks against a reading of a line, and how much: the one table.

A line is read as that which the least speaks against. What cannot be in any run that was ever seen weighs
hundreds, so that nothing else makes up for it; what is unlikely weighs tens; what only tells equals apart
weighs less than that. The numbers are set by hand and order reasons against each other; only `CONTRADICTS`
and the three below it are compared with sums.
"""

from __future__ import annotations

from collections.abc import Iterable


class Weight(int):
    """Points against a reading, and the reason in words, for people who ask why."""

    why: str

    def __new__(cls, points: int, why: str) -> Weight:
        made = super().__new__(cls, points)
        made.why = why
        return made


def total(against: Iterable[int]) -> int:
    return sum(against)


CONTRADICTS = 150
"""A sum from which on a line does not fit at all: an earlier choice was wrong."""
RIVALS = 70
"""A candidate that fits worse by less than this is tried, if the better one is contradicted later."""
RIVAL_ERRORS = 20
"""Errors that fit worse by no more are equals: what another step has done without a line may be why."""
RIVAL_RETRIES = 5
"""The same of retries, which are told apart by little else than time."""

# What ends with a step:complete.
OTHER_STEP_FOLLOWS = Weight(1000, "its list goes on with another step than the one that starts next")
NO_STEP_FOLLOWS = Weight(1000, "its list goes on, and no start follows")
RAN_BEFORE_SKIP = Weight(800, "something ran in it, so it was not skipped")
CANNOT_SKIP = Weight(300, "it has no condition, so it cannot be skipped")
BEFORE_ATTEMPT = Weight(500, "the delay before its last attempt is not over")
SUCCESS_INSIDE_OPEN = Weight(500, "a container succeeds after all that runs in it")
FAILURE_INSIDE_OPEN = Weight(500, "what runs in it has not thrown, so it has not failed")
OTHER_RETRIES = Weight(400, "a success reports how often it was retried, and that is another number")
WOULD_HAVE_THROWN = Weight(300, "its failure would have been thrown, which another kind of line says")
ENDS_TOO_EARLY = Weight(300, "its start and the duration give a later end, and no line is early")
CHILD_TIMED_OUT = Weight(250, "a child was timed out before, which would have ended it then")
THROUGH_BEFORE = Weight(150, "all that ran in it was over before, which would have ended it then")
ENDS_TOO_LATE = Weight(250, "its start and the duration give an earlier end than a line can be late")
LATE_BUT_STORED = Weight(150, "it would be later than any line, but the state has just this end for it")
STATE_DIFFERS = Weight(200, "the state has another status, duration or number of retries for it")
STATE_MAY_BE_MERGED = Weight(
    60, "the state has another result for it, which a concurrent loop may have merged over it"
)
FAILURE_UNSEEN = Weight(100, "something began in it and nothing was seen to throw")
ANOTHER_IS_DUE = Weight(12, "another has nothing left to run and ends in this tick")
BEGAN_IN_EARLIER_TICK = Weight(12, "it took no time, and began in an earlier tick than another")

# What throws with a step:error.
CANNOT_THROW = Weight(300, "the error names a time-out that is neither its own nor of a step in it")
TIMER_NOT_DUE = Weight(150, "the time-out that the error names is not due yet")
TIMER_NEARLY_DUE = Weight(30, "the time-out that the error names is due in a ms or two: clocks are rounded")
NOTHING_THREW = Weight(100, "what began in it has not thrown")
NOTHING_SEEN = Weight(20, "nothing began in it that could be seen")
OTHER_ERROR_INSIDE = Weight(50, "another error was thrown in it")
ATTEMPTS_LEFT = Weight(60, "it has attempts left, so that a retry would be written")
CHILD_IS_RETRIED = Weight(70, "the step that the error names has attempts left")
STORED_SUCCESS = Weight(200, "the state says that it succeeded")
STORED_SUCCESS_BEFORE = Weight(40, "the state says that one of its id succeeded, which may be an earlier one")
ABOVE_SUCCEEDS = Weight(100, "what stands around it does not end as if this had been thrown in it")
OTHER_HANDLING = Weight(40, "the line says of the step's error handling what its file does not")

# What is tried again with a step:retry.
OTHER_ATTEMPT = Weight(100, "its next attempt has another number")
NO_RETRIES_LEFT = Weight(300, "its file has fewer retries")
FAILED_UNSEEN = Weight(10, "nothing was seen to fail in it")
CANNOT_FAIL_NOW = Weight(30, "its attempt cannot fail now: it is over, or its time-out is not")
FAILS_RATHER_LATER = Weight(5, "its time-out is not quite due, or it was held to be done")
STATE_HAS_FEWER_RETRIES = Weight(50, "the state has fewer retries for it")

# What has to follow an end in the same tick.
ENCLOSING_BEGAN_ELSEWHERE = Weight(60, "what ends next is of the id around it, but began at another time")
ENCLOSING_END_MISSING = Weight(40, "what it stands in has to end with it, and does not")
ENCLOSING_END_SURELY_MISSING = Weight(160, "its sub-flow has to end with it, and nothing in the tick ends it")
ENCLOSING_ENDS_LATER = Weight(10, "what it stands in ends with it, but not at once")
ENCLOSING_ENDS_TOO_LATE = Weight(30, "what it stands in ends in the same tick, but not in this ms")
MORE_MAY_FOLLOW = Weight(5, "what has to follow does, but more ends with the same error")
UNEXPLAINED_END_FOLLOWS = Weight(20, "nothing has to end with it, and yet something does")
