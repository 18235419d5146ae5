"""What to try next where a run did not reproduce the record.

What the state holds may be the result of an unknown step; what waited may have ended before; and other
choices may be made where unknown steps had to end.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.oracle import places
from tests.oracle.course import Stored
from tests.oracle.decisions import NEVER, Bodies, Decided
from tests.oracle.events import UNKNOWN, Line
from tests.oracle.expectations import THROWN
from tests.oracle.rerun import Rerun
from tests.oracle.results import Skeleton
from tests.true_tree import LEAVES, Behaviour, TrueSpan

_TIMED_OUT = re.compile(r'Step ".*" exceeded timeout of ([\d.]+)ms', re.DOTALL)
_STOPS = 8
"""So many steps are tried as those that a run was to stop after, the last first."""
_PUT_OFF = 4
"""So often are bodies put off in one trial, at most."""


@dataclass(frozen=True)
class Trial:
    """A run to try: what it is made of, and the choices on its way."""

    decided: Decided
    choices: tuple[int, ...] = ()
    stop_after: str | None = None

    @property
    def key(self) -> str:
        bodies = self.decided.bodies | self.decided.supposed
        made = sorted(bodies.items(), key=str), sorted(self.decided.supposed)
        return f"{made} {sorted(self.decided.later.items())} {self.choices} {self.stop_after}"


def otherwise(trial: Trial, run: Rerun, state: Skeleton | None) -> Iterator[Trial]:
    """What may do better: what the state holds is a result of an unknown step; what waits ended in time for
    the event that did not come; another choice, the latest first; a stop of which nothing tells."""
    supposed = (
        _as_stored(trial.decided, run) if run.course.stored is not None else _in_time(trial.decided, run)
    )
    expected = run.course.expected
    failed = _failed_instead(trial.decided, run)
    if expected is not None and "stepsFailed" in expected.fields:
        # It is the numbers that differ.
        supposed, failed = itertools.chain(_as_in_the_state(trial.decided, run, state), failed), supposed
    others = (
        _before_a_time_out(trial.decided, run),
        failed,
        _not_timed_out(trial.decided, run),
        _as_timers(trial.decided, run),
        _by_the_last_event(trial.decided, run),
        _unclaimed(trial.decided, run),
        _later_in_its_ms(trial.decided, run),
    )
    for decided in itertools.chain(supposed, *others):
        yield replace(trial, decided=decided)
    made = [*trial.choices, *[0] * (len(run.options) - len(trial.choices))]
    for number in reversed(range(len(trial.choices), len(run.options))):
        for option in range(1, run.options[number]):
            yield replace(trial, choices=(*made[:number], option))
    for step_id in _stops(run) if trial.stop_after is None else ():
        yield replace(trial, stop_after=step_id)


def _stops(run: Rerun) -> Iterator[str | None]:
    """Steps after which the run may have been to stop: in what was timed out that leaves no event, but less
    than what would be counted otherwise, or a while step that has not noted its last turn."""
    course = run.course
    whiles = {span["stepId"] for span in run.spans if span["type"] == "while"}
    if course.superfluous and course.last is not None:
        yield course.last.step
    elif (course.stored is not None and course.stored.name in whiles) or (
        course.same_ms and course.expected is not None and _ends_the_run(course.expected, run)
    ):
        yield from _last_ended(run)


def _last_ended(run: Rerun) -> Iterator[str]:
    ended = (span["stepId"] for span in reversed(run.spans) if span["events"] and span["endMs"] is not None)
    return itertools.islice(dict.fromkeys(ended), _STOPS)


def _ends_the_run(expected: Line, run: Rerun) -> bool:
    is_end = expected.what == "flow:complete"
    return is_end and bool(run.spans) and expected.fields.get("flowKey") == run.spans[0]["flowKey"]


def _as_stored(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """The result that the state holds is of an unknown step, and the unknown one before it was shorter."""
    stored = run.course.stored
    assert stored is not None
    body, duration = _body(stored.result), stored.result[1]
    found = places.of_spans(run.spans)
    for span, where in reversed(list(zip(run.spans, found, strict=True))):
        if span["stepId"] == stored.name and span["type"] not in LEAVES:
            yield from _by_what_is_in_it(decided, run, span, stored)
        ends = decided.last(where, body)
        same = _may_have_ended(decided, where) and _may_be(stored, span)
        if not same or decided.supposed.get(where) == ends[where]:
            continue
        before = _before(decided, run, span, found)
        longer = (duration or 0) - (span["durationMs"] or 0)
        if before is not None and 0 < longer <= (before["durationMs"] or 0):
            shorter = Behaviour((before["durationMs"] or 0) - longer, output=1)
            yield decided.suppose(ends | decided.last(found[before["span"] - 1], shorter))
        yield decided.suppose(ends)


def _as_in_the_state(decided: Decided, run: Rerun, state: Skeleton | None) -> Iterator[Decided]:
    """All results that stand in the state under the ids of unknown steps are theirs."""
    ends: Bodies = {}
    stored = (state["steps"] if state is not None else None) or {}
    for span, where in zip(run.spans, places.of_spans(run.spans), strict=True):
        result = stored.get(span["stepId"])
        if span["type"] in LEAVES and decided.is_unknown(where) and isinstance(result, tuple):
            ends |= decided.last(where, _body(result[:2]))
    if any(decided.supposed.get(where) != made for where, made in ends.items()):
        yield decided.suppose(ends)


def _body(result: tuple[str, float | None]) -> Behaviour:
    """What a step does that leaves this result."""
    status, duration = result
    error = UNKNOWN if status == "failed" else None
    return Behaviour(duration or 0, output=1, error=error) if status != "timeout" else NEVER


def _may_have_ended(decided: Decided, where: str) -> bool:
    """Whether nothing says how it ended: it may have, just before the run was killed."""
    reading = decided.reading.get(where)
    return decided.is_unknown(where) or (reading is not None and reading.status == "incomplete")


def _by_what_is_in_it(decided: Decided, run: Rerun, span: TrueSpan, stored: Stored) -> Iterator[Decided]:
    """The result of a block, which should have ended: the unknown steps in it had, or one of them threw."""
    status, duration = stored.result
    at, found = span["startMs"] + (duration or 0), places.of_spans(run.spans)
    inside = [
        other
        for other in run.spans
        if other["type"] in LEAVES
        and other["startMs"] <= at
        and (other["endMs"] is None or other["endMs"] > at)
        and decided.is_unknown(found[other["span"] - 1])
        and span["span"] in _above(run, other)
    ]

    def ends(other: TrueSpan, error: str | None = None) -> Bodies:
        made = Behaviour(at - other["startMs"], output=1, error=error)
        return decided.last(found[other["span"] - 1], made)

    if status == "failed":
        yield from (decided.suppose(ends(other, UNKNOWN)) for other in reversed(inside))
    elif inside:
        yield decided.suppose({where: made for other in inside for where, made in ends(other).items()})


def _above(run: Rerun, span: TrueSpan) -> Iterator[int]:
    above = span["parent"]
    while above is not None:
        yield above
        above = run.spans[above - 1]["parent"]


def _may_be(stored: Stored, span: TrueSpan) -> bool:
    """Whether it is the result of this step that should be another."""
    if span["type"] not in LEAVES:
        return False
    if span["stepId"] == stored.name:
        return True
    is_instead = stored.instead is None or span["durationMs"] == stored.instead[1]
    return str(span["index"]) == stored.name and is_instead


def _failed_instead(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """Where something should have thrown, has run on, or the numbers of a flow's results are others: one that
    is supposed to have succeeded had not, the last first."""
    expected = run.course.expected
    threw = expected is not None and (expected.what in THROWN or "stepsFailed" in expected.fields)
    if threw or run.course.superfluous:
        for where in reversed(places.of_spans(run.spans)):
            bodies = decided.supposed.get(where)
            if bodies is not None and bodies[-1].error is None:
                yield decided.suppose(decided.last(where, replace(bodies[-1], error=UNKNOWN)))


def _by_the_last_event(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """Something has run on after it: what waited had ended by then."""
    course = run.course
    if not course.superfluous or course.expected is not None or course.last is None:
        return
    ends: Bodies = {}
    for span, where in zip(run.spans, places.of_spans(run.spans), strict=True):
        waits = span["type"] in LEAVES and span["endMs"] is None and span["attempts"] == 1
        if waits and decided.is_unknown(where):
            body = Behaviour(max(0, course.last.at - span["startMs"]), output=1)
            ends |= decided.last(where, body)
    if ends:
        yield decided.suppose(ends)


def _as_timers(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """What had to end may have ended before others that end at the same time: all of it, or one."""
    found = places.of_spans(run.spans)
    ends = [
        decided.last(found[span["span"] - 1], Behaviour(span["durationMs"] or 0, output=1, error=error))
        for span, error in run.ended
        if span["attempts"] == 1
    ]
    if len(ends) > 1:
        yield decided.suppose({where: bodies for each in ends for where, bodies in each.items()})
    for each in ends:
        yield decided.suppose(each)


def _before_a_time_out(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """Another step should have been timed out, or one is said to throw that another was: that one began when
    this one ended, before the time-out."""
    found, expected = places.of_spans(run.spans), run.course.expected
    for span, error in run.ended:
        at = float(span["startMs"] + (span["durationMs"] or 0))
        if error is None and expected is not None:
            error, at = expected.fields.get("error"), expected.at
        timed_out = _TIMED_OUT.fullmatch(error or "")
        lasted = at - float(timed_out[1]) - span["startMs"] if timed_out else -1
        if span["attempts"] == 1 and lasted >= 0:
            yield decided.suppose(decided.last(found[span["span"] - 1], Behaviour(lasted, output=1)))


def _not_timed_out(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """What was timed out too early for what should have come had ended before."""
    if run.course.expected is None:
        return
    for span, where in zip(run.spans, places.of_spans(run.spans), strict=True):
        timed_out = span["type"] in LEAVES and ("statusAlso" in span or span["status"] == "timeout")
        if timed_out and span["attempts"] == 1 and decided.is_unknown(where):
            yield decided.suppose(decided.last(where, Behaviour(output=1)))


def _unclaimed(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """Without one of the ends that the reading is not certain of, the latest first."""
    for where in reversed(places.of_spans(run.spans)):
        if where in decided.supposed and decided.supposed[where] == decided.bodies.get(where):
            yield replace(
                decided, supposed={key: ends for key, ends in decided.supposed.items() if key != where}
            )


def _later_in_its_ms(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """Where another event of the same ms should have come: without one of the bodies that had ended, the
    last first."""
    if run.course.same_ms and run.just_ended and sum(decided.later.values()) < _PUT_OFF:
        for each in dict.fromkeys(reversed(run.just_ended)):
            yield decided.put_off(each)


def _before(decided: Decided, run: Rerun, span: TrueSpan, found: list[str]) -> TrueSpan | None:
    """The unknown step after which, in the same block, this one began."""
    beside = (
        other for other in run.spans if other["parent"] == span["parent"] and other["index"] < span["index"]
    )
    ended = [other for other in beside if other["endMs"] == span["startMs"]]
    return next((other for other in reversed(ended) if decided.is_unknown(found[other["span"] - 1])), None)


def _in_time(decided: Decided, run: Rerun) -> Iterator[Decided]:
    """What waited had ended before: as timers, which go off in their turn, a little earlier, or throwing."""
    expected, found = run.course.expected, places.of_spans(run.spans)
    if expected is None:
        return
    at = min(expected.at, run.course.at)

    def ended(span: TrueSpan, at: float, error: str | None = None) -> Bodies:
        duration = max(0, at - span["startMs"])
        return decided.last(found[span["span"] - 1], Behaviour(duration, output=1, error=error))

    single = [[span for span in waiting if span["attempts"] == 1] for waiting in run.waiting]
    for when in (at, at - 1):
        for waiting in filter(None, single):
            ends: Bodies = {}
            for span in waiting:
                ends |= ended(span, when)
            yield decided.suppose(ends)
    for span in single[0] if single else ():
        yield decided.suppose(ended(span, at, expected.fields.get("error") or UNKNOWN))
