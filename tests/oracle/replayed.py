"""What the steps of a run do that is made of a reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from one_trace.engine.call import Call
from one_trace.engine.loop import Loop, Promise
from one_trace.engine.observer import Place
from one_trace.engine.plan import StepPlan
from one_trace.engine.values import Handle
from tests.oracle import places
from tests.oracle.course import Course
from tests.oracle.decisions import Attempt, Decided, Inside
from tests.oracle.events import UNKNOWN
from tests.oracle.expectations import Expectations, has_failed
from tests.oracle.guide import Guide, Waiting
from tests.oracle.record import Record
from tests.true_tree import LEAVES, Behaviour, TreeRecorder

_NOTHING = Inside()
_IDLE_TURNS = 2
"""For so many turns in which nothing happens does a body wait for others that end in the same ms."""


class Replayed(TreeRecorder):
    """Has each step do what the reading says of its place. The engine asks for a decision right after it has
    reported the step."""

    def __init__(
        self, record: Record, resume: int, reading: Decided, course: Course, choices: Sequence[int]
    ) -> None:
        super().__init__(record.key, resume=resume)
        self.places: list[str] = []
        expectations = Expectations(reading.reading, self.spans, self.places, record.began)
        self.guide = Guide(course, expectations, choices)
        self._reading, self._course, self._began = reading, course, record.began
        self._steps: list[dict[str, Any]] = []
        self._turns: list[int] = []
        self.ended: list[tuple[int, Attempt]] = []
        """Bodies that took some time, and when they ended, where others could have been before them."""
        self._due: dict[int, int] = {}
        """When bodies end that have begun, by the number of their span."""
        self._caught: list[bool] = []
        """Of each span, whether a step of it or around it, as far as they are silent, handles errors."""
        self._current = 0

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        self._current = number = super().begin(step, flow_key, place, index, events=events)
        above = self.places[place.span - 1] if place.span is not None else None
        self.places.append(places.of_run(self.spans[number - 1], above))
        self._steps.append(step)
        self._turns.append(0)
        around = not events and place.span is not None and self._caught[place.span - 1]
        self._caught.append(around or step.get("onError") is not None)
        if events and self.places[-1] not in self._reading.reading:
            self._course.superfluous = True
            self._course.leave(f"{self.places[-1]} begins: the reading does not have it")
        return number

    def attempt(self, span: int, number: int) -> None:
        super().attempt(span, number)
        self._current, self._turns[span - 1] = span, 0

    def resolves(self, span: int, attempt: int, step: dict[str, Any], context: Handle) -> None:
        self._current = span

    # -- bodies

    async def body(self, call: Call) -> Handle:
        if call.step.get("type") in LEAVES and self._reading.is_open(
            self.places[call.span - 1], call.attempt
        ):
            promise: Promise[Behaviour] = Promise(call.engine.loop)
            caught = self._caught[call.span - 1] or call.scope.default_on_error is not None
            self.guide.waiting.append(Waiting(call.span, promise, caught))
            return self.outcome(call, await promise)
        return await super().body(call)

    def outcome(self, call: Call, behaviour: Behaviour) -> Handle:
        """What throws the error of its own time-out was timed out: when it began is not known then."""
        own, expected = StepPlan(call.step, None), self._course.expected
        timed_out = expected is not None and expected.fields.get("status") == "timeout"
        if own.limit_ms and behaviour.error in (own.timeout, UNKNOWN if timed_out else own.timeout):
            raise own.timed_out()
        return super().outcome(call, behaviour)

    async def wait(self, call: Call, ms: float) -> None:
        """Which of several bodies that end in one ms is first, only their events tell."""
        loop, attempt = call.engine.loop, (self.places[call.span - 1], call.attempt)
        self._due[call.span] = self._now() + int(ms)
        await super().wait(call, ms)
        for _ in range(self._reading.later.get(attempt, 0)):
            await _turn(loop)
        threw = self._reading.at(attempt[0])[call.attempt - 1].error is not None
        left = _IDLE_TURNS
        while left and not self._speaks_next(call.span, threw=threw):
            matched = self._course.matched
            await _turn(loop)
            left = _IDLE_TURNS if self._course.matched > matched else left - 1
        del self._due[call.span]
        if any(self._is_like(call.span, other) for other, due in self._due.items() if due == self._now()):
            self.ended.append((self._now(), attempt))

    def _is_like(self, one: int, other: int) -> bool:
        """Whether the event of the one's end says nothing against the other's."""
        mine, theirs = self.spans[one - 1], self.spans[other - 1]
        if not mine["events"] or not theirs["events"]:
            return True
        return (mine["stepId"], mine["startMs"]) == (theirs["stepId"], theirs["startMs"])

    def _speaks_next(self, number: int, *, threw: bool) -> bool:
        """Whether the next event of the record may be one of this step, which would end with it."""
        expected, span = self._course.expected, self.spans[number - 1]
        if expected is None or expected.at > self._now() or span["endMs"] is not None or not span["events"]:
            return True
        if expected.step != span["stepId"] or expected.what == "step:start" or has_failed(expected) != threw:
            return False
        took = expected.fields.get("durationMs")
        return took is None or took == self._now() - span["startMs"]

    def behaviour_of(self, call: Call) -> Behaviour | None:
        if call.step.get("type") not in LEAVES:
            return None
        where = self.places[call.span - 1]
        bodies = self._reading.at(where)
        if call.attempt > len(bodies):
            self._course.leave(f"{where} begins attempt {call.attempt}: the reading has {len(bodies)}")
        behaviour, late = bodies[call.attempt - 1], self._late(where)
        if call.attempt == 1 and len(bodies) > 1 and late > 0:
            behaviour = replace(behaviour, duration_ms=max(0, behaviour.duration_ms - late))
        return behaviour

    def _late(self, where: str) -> float:
        """How much later than in the reading a step begins that has no line of its start: when its first
        retry was, the log says."""
        span = self._reading.reading.get(where)
        if span is None or "startMs" not in span.derived:
            return 0
        return self._now() - self._began - span.start_ms

    # -- decisions

    @property
    def step(self) -> dict[str, Any]:
        return self._steps[self._current - 1]

    @property
    def skipped(self) -> bool:
        span = self._reading.reading.get(self.places[self._current - 1])
        return span is not None and span.status == "skipped"

    @property
    def _ran(self) -> Inside:
        attempt = self.places[self._current - 1], self.spans[self._current - 1]["attempts"]
        return self._reading.inside.get(attempt, _NOTHING)

    @property
    def branch(self) -> str | None:
        return self._ran.branch

    @property
    def called(self) -> str | None:
        return self._ran.flow_key

    @property
    def iterations(self) -> int:
        return self._ran.iterations

    def again(self) -> bool:
        self._turns[self._current - 1] += 1
        return self._turns[self._current - 1] < self.iterations

    @property
    def own_failure(self) -> str | None:
        """What threw before anything ran in it: an expression, an input that is missing."""
        span = self._reading.reading.get(self.places[self._current - 1])
        if span is None or self._ran is not _NOTHING or {"status", "attempts"} & set(span.derived):
            return None
        if self.spans[self._current - 1]["attempts"] < span.attempts:
            return UNKNOWN
        return (span.error or UNKNOWN) if span.status == "error" else None


async def _turn(loop: Loop) -> None:
    """Wait for what else is due in this ms."""
    turn: Promise[None] = Promise(loop)
    loop.call_soon(lambda: turn.resolve(None))
    await turn
