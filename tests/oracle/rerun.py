"""A flow run again, with what a reading decides, up to the first event that the record does not have."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from one_trace.engine.call import Call, RunOptions
from one_trace.engine.loop import Loop, Promise
from one_trace.engine.observer import Place
from one_trace.engine.values import Handle
from one_trace.record.files import RunFiles
from one_trace.record.flow_files import FLOWS
from one_trace.runner.execution import FlowRun
from one_trace.runner.loading import load
from one_trace.runner.run_log import new_run_id
from one_trace.runner.run_state import Save
from one_trace.runner.worker import Worker
from tests.oracle import places
from tests.oracle.course import Course
from tests.oracle.decisions import Decided
from tests.oracle.events import ENDS, Line, is_event, same
from tests.oracle.expectations import Expectations
from tests.oracle.guide import Guide, GuidedClock, Waiting
from tests.truth import (
    LEAVES,
    Behaviour,
    Killed,
    Recorder,
    TrueSpan,
    finish,
    inside,
    record_of,
    shared_worker,
)

RESUMED = "Flow resumed"


@dataclass(frozen=True)
class Part:
    """A run or a resume of it: its lines, and whether it was killed after the last."""

    lines: list[Line]

    @property
    def events(self) -> list[Line]:
        return [line for line in self.lines if is_event(line)]

    @property
    def killed(self) -> bool:
        return not any(line.what in ENDS for line in self.lines)


def parts_of(lines: list[Line]) -> list[Part]:
    """The run and its resumes."""
    parts: list[Part] = []
    for line in lines:
        if line.what == RESUMED or not parts:
            parts.append(Part([]))
        parts[-1].lines.append(line)
    return parts


@dataclass
class Rerun:
    """What came of a reading: the spans that ran, the run's status and files, and how it went. `began`: when
    the record begins, in ms since the epoch."""

    files: RunFiles
    began: float = 0
    spans: list[TrueSpan] = field(default_factory=list)
    status: str = "incomplete"
    course: Course = field(default_factory=Course)
    options: list[int] = field(default_factory=list)
    """How many there were each time that unknown steps had to end."""
    ended: list[tuple[TrueSpan, str | None]] = field(default_factory=list)
    """Unknown steps that had to end, and the error that they threw."""
    waiting: list[list[TrueSpan]] = field(default_factory=list)
    """Unknown steps that had not ended when it was broken off, by what they ran in."""


class Replayed(Recorder):
    """Has each leaf step do what the reading says of its place."""

    def __init__(self, root: str, worker: Worker, reading: Decided, resume: int, saves: Save) -> None:
        super().__init__(root, worker, resume=resume, saves=saves)
        self._reading = reading
        self.places: list[str] = []
        self.guide: Guide | None = None
        self._caught: list[bool] = []
        """Of each span, whether a step of it or around it, as far as they are silent, handles errors."""

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        number = super().begin(step, flow_key, place, index, events=events)
        above = self.places[place.span - 1] if place.span is not None else None
        self.places.append(places.of_run(self.spans[number - 1], above))
        around = not events and place.span is not None and self._caught[place.span - 1]
        self._caught.append(around or step.get("onError") is not None)
        if events and self.places[-1] not in self._reading.reading:
            self._superfluous()
            self._leave(f"{self.places[-1]} begins: the reading does not have it")
        return number

    def end(self, span: int, status: str, result: Handle | None = None, **how: bool) -> None:
        super().end(span, status, None, **how)  # the size of what was made is not compared

    async def body(self, call: Call) -> Handle:
        if call.step.get("type") in LEAVES and self._reading.is_open(
            self.places[call.span - 1], call.attempt
        ):
            promise: Promise[Behaviour] = Promise(call.engine.loop)
            assert self.guide is not None
            caught = self._caught[call.span - 1] or call.scope.default_on_error is not None
            self.guide.waiting.append(Waiting(call.span, promise, caught))
            return self.outcome(call, await promise)
        return await super().body(call)

    def behaviour_of(self, call: Call) -> Behaviour | None:
        if call.step.get("type") not in LEAVES:
            return None
        where = self.places[call.span - 1]
        bodies = self._reading.at(where)
        if call.attempt > len(bodies):
            self._leave(f"{where} begins attempt {call.attempt}: the reading has {len(bodies)}")
        return bodies[call.attempt - 1]

    def _superfluous(self) -> None:
        assert self.guide is not None
        self.guide.course.superfluous = True

    def _leave(self, difference: str) -> NoReturn:
        assert self.guide is not None
        self.guide.course.leave(difference)


class Follower:
    """Holds the events of a run against those of the record as they come."""

    def __init__(self, part: Part, loop: Loop, guide: Guide) -> None:
        self._left, self._killed = deque(part.events), part.killed
        self._loop, self._guide, self._course = loop, guide, guide.course
        self._next()

    def _next(self) -> None:
        self._course.expected = self._left.popleft() if self._left else None
        self._guide.watch(self._loop)

    def __call__(self, event: dict[str, Any], _text: str) -> None:
        course, number = self._course, self._course.matched + 1
        fields = {key: value for key, value in event.items() if key not in ("event", "timestamp")}
        again = Line(self._loop.clock.now_ms(), event["event"], fields)
        recorded = course.expected
        if recorded is None:
            course.superfluous = True
            course.leave(f"after the last event comes {again}")
        if not same(recorded, again) or recorded.at != again.at:
            wrong = f"{again.at - recorded.at:+} ms {again}"
            course.leave(f"event {number} is {wrong}, not {recorded}")
        course.matched, course.last = number, recorded
        self._next()
        if self._killed and course.expected is None:
            raise Killed


def rerun(
    files: RunFiles,
    parts: list[Part],
    reading: Decided,
    project: Path,
    *,
    stop_after: str | None = None,
    choices: Sequence[int] = (),
) -> Rerun:
    """Run the flow and resume it as often as the record says, in a folder of its own, with the flow files of
    the record's project. `choices`: see `Guide`."""
    shutil.copytree(files.project / FLOWS, project / FLOWS, ignore=shutil.ignore_patterns(".*"))
    whole, run_id = Rerun(files, parts[0].lines[0].at), new_run_id()
    for number, part in enumerate(parts):
        _run_part(whole, part, number, reading, project, run_id, stop_after, choices)
        if whole.course.difference is not None:
            break
    return whole


def _run_part(
    whole: Rerun,
    part: Part,
    resume: int,
    reading: Decided,
    project: Path,
    run_id: str,
    stop_after: str | None,
    choices: Sequence[int],
) -> None:
    worker, course, key = shared_worker(), whole.course, whole.files.flow_key
    saves: Save = "after every step" if part.killed else "at the ends"
    recorder = Replayed(key, worker, reading, resume, saves)
    expectations = Expectations(reading.reading, recorder.spans, recorder.places, whole.began)
    guide = recorder.guide = Guide(course, expectations, choices[len(whole.options) :])
    with inside(project, worker):
        run = FlowRun(
            worker,
            load(key, str),
            run_id,
            lambda event, text: follower(event, text),
            clock=GuidedClock(int(part.lines[0].at), guide),
            observer=recorder,
            options=RunOptions(stop_after=stop_after),
            save=saves,
            body=recorder.body,
        )
        recorder.clock = run.loop.clock
        follower = Follower(part, run.loop, guide)
        if resume:
            run.resume()
        else:
            run.start([])
        truth = finish(run, recorder, resume)
    if course.difference is None and course.expected is not None:
        course.difference = f"event {course.matched + 1}, {course.expected}, does not come"
    course.at = run.loop.clock.now_ms()
    whole.status, whole.files = truth["status"], record_of(project, run)
    whole.options += guide.options
    whole.ended += [(truth["spans"][number - 1], error) for number, error in guide.ended]
    if course.expected is not None:
        sets = guide.sets(course.expected)
        whole.waiting = [[truth["spans"][each.span - 1] for each in ending] for ending in sets]
    _append(whole.spans, truth["spans"])


def _append(spans: list[TrueSpan], more: list[TrueSpan]) -> None:
    offset = len(spans)
    for span in more:
        span["span"] += offset
        span["parent"] = span["parent"] + offset if span["parent"] is not None else None
    spans += more
