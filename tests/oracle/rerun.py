"""A flow run again, with what a reading decides, up to the first event that the record does not have."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from one_trace.engine.call import FlowScope, RunOptions
from one_trace.engine.control import Engine, Event
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Loop, Stuck
from one_trace.engine.observer import Place
from one_trace.engine.values import Handle
from one_trace.engine.virtual import NoMessages
from tests.oracle.course import Course
from tests.oracle.decisions import Attempt, Decided
from tests.oracle.events import line_of_event, same
from tests.oracle.guide import Guide, GuidedClock
from tests.oracle.record import Part, Record
from tests.oracle.replayed import Replayed
from tests.oracle.results import Results, Skeleton, skeleton
from tests.oracle.values import KeptValues
from tests.true_tree import Killed, TrueSpan

_MESSAGES = NoMessages()


@dataclass(frozen=True)
class Kept:
    """What a state file would hold that is as it was last written. `steps`: the results that a resume begins
    with."""

    skeleton: Skeleton
    completed: list[str]
    steps: Results


@dataclass
class Rerun:
    """What came of a reading: the spans that ran, the run's status and state, and how it went."""

    spans: list[TrueSpan] = field(default_factory=list)
    status: str = "incomplete"
    course: Course = field(default_factory=Course)
    kept: Kept | None = None
    options: list[int] = field(default_factory=list)
    """How many there were each time that unknown steps had to end."""
    ended: list[tuple[TrueSpan, str | None]] = field(default_factory=list)
    """Unknown steps that had to end, and the error that they threw."""
    just_ended: list[Attempt] = field(default_factory=list)
    """Bodies that had ended in the ms in which it was broken off, before others that could have."""
    waiting: list[list[TrueSpan]] = field(default_factory=list)
    """Unknown steps that had not ended when it was broken off, by what they ran in."""


def rerun(
    record: Record, reading: Decided, *, stop_after: str | None = None, choices: Sequence[int] = ()
) -> Rerun:
    """Run the flow and resume it as often as the record says. `choices`: see `Guide`."""
    whole = Rerun()
    for number, part in enumerate(record.parts):
        recorder = Replayed(record, number, reading, whole.course, choices[len(whole.options) :])
        state = _State(part, whole, is_resumed=number + 1 < len(record.parts))
        whole.status = _run_part(record, part, recorder, state, RunOptions(stop_after=stop_after))
        _note(whole, recorder)
        if whole.course.difference is not None:
            break
    return whole


def _run_part(record: Record, part: Part, recorder: Replayed, state: _State, options: RunOptions) -> str:
    """The status that this part of the run comes to."""
    loop = Loop(GuidedClock(int(part.began), recorder.guide))
    recorder.clock = loop.clock
    follower = Follower(part, loop, recorder.guide)

    def emit(event: Event) -> None:
        state.event(event)
        follower(event)

    values = KeptValues(recorder)
    engine = Engine(values, loop, options, record.find_flow, emit, recorder.body, recorder)
    context = Handle(values, "contexts")
    values.begin_with(context, state.results)
    state.begin()
    try:
        status = _run_flow(record, part, engine, context, state)
        while status != "error" and loop.turn(_MESSAGES):  # one that failed ends the process
            pass
    except Killed:
        status = "incomplete"
    recorder.settle()
    return status


def _run_flow(record: Record, part: Part, engine: Engine, context: Handle, state: _State) -> str:
    found = record.find_flow(record.key)
    flow: Any = found.flow
    scope = FlowScope(flow["key"], found.root, (), flow.get("defaultOnError"))
    if not part.events and not part.killed:
        state.end("failed")  # by its inputs
        return "error"
    try:
        running = engine.loop.go(engine.flow(flow, scope, context, Place(), state.done))
        finished = engine.loop.run(running, _MESSAGES)
    except (StepFailure, Stuck):
        state.end("failed")
        return "error"
    state.end("completed")
    return "success" if finished else "stopped"


class _State:
    """The state file of a part of a run: what it would hold whenever it is written. Made is only the last."""

    def __init__(self, part: Part, whole: Rerun, *, is_resumed: bool) -> None:
        self._part, self._whole, self._is_resumed = part, whole, is_resumed
        before, self._before = whole.kept, whole.course.matched
        self._completed = list(before.completed) if before is not None else []
        self.results: Results = before.steps if before is not None else {}
        self.done = [step_id for step_id in self._completed if step_id in self.results]
        """Of a resume: the steps that have completed before."""
        self._status = "running"
        self._saves_steps = part.killed

    def begin(self) -> None:
        self._save()

    def end(self, status: str) -> None:
        self._status, self._saves_steps = status, True
        self._save()

    def event(self, event: Event) -> None:
        if event["event"] == "step:complete" and event.get("stepId"):
            self._completed.append(event["stepId"])
            if self._saves_steps:
                self._save(1)

    def _save(self, more: int = 0) -> None:
        """`more`: events that are not counted yet."""
        if self._whole.course.matched - self._before + more >= self._part.last_saving:
            made = skeleton(self._status, self._completed, self.results)
            steps = copy.deepcopy(self.results) if self._is_resumed else {}
            self._whole.kept = Kept(made, list(self._completed), steps)


class Follower:
    """Holds the events of a run against those of the record as they come."""

    def __init__(self, part: Part, loop: Loop, guide: Guide) -> None:
        self._left, self._killed = deque(part.events), part.killed
        self._loop, self._guide, self._course = loop, guide, guide.course
        self._next()

    def _next(self) -> None:
        self._course.expected = self._left.popleft() if self._left else None
        self._guide.watch(self._loop)

    def __call__(self, event: Event) -> None:
        course, number = self._course, self._course.matched + 1
        again = line_of_event(event, self._loop.clock.now_ms())
        recorded = course.expected
        if recorded is None:
            course.superfluous = True
            course.leave(f"after the last event comes {again}")
        if not same(recorded, again) or recorded.at != again.at:
            course.same_ms = recorded.at == again.at
            wrong = f"{again.at - recorded.at:+} ms {again}"
            course.leave(f"event {number} is {wrong}, not {recorded}")
        course.matched, course.last = number, recorded
        self._next()
        if self._killed and course.expected is None:
            raise Killed


def _note(whole: Rerun, recorder: Replayed) -> None:
    course, guide, spans = whole.course, recorder.guide, recorder.spans
    if course.difference is None and course.expected is not None:
        course.difference = f"event {course.matched + 1}, {course.expected}, does not come"
    assert recorder.clock is not None
    course.at = recorder.clock.now_ms()
    whole.options += guide.options
    whole.just_ended = [attempt for at, attempt in recorder.ended if at == course.at]
    whole.ended += [(spans[number - 1], error) for number, error in guide.ended]
    if course.expected is not None:
        sets = guide.sets(course.expected)
        whole.waiting = [[spans[each.span - 1] for each in ending] for ending in sets]
    offset = len(whole.spans)
    for span in spans:
        span["span"] += offset
        span["parent"] = span["parent"] + offset if span["parent"] is not None else None
    whole.spans += spans
