"""A reading: the engine runs the flow again, and each line of the log says which of what waits goes on.

The engine is the proposer. It knows what starts what and what is over when; what it cannot know is which leaf
ends next, and that is what the next line says. Where the line fits several, that is a `Choice`; where the
engine comes to what the log does not have, that is a `Conflict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from one_trace.assembler.choices import Choices
from one_trace.assembler.decisions import Decisions
from one_trace.assembler.executions import Execution, Where, prefix
from one_trace.assembler.expected import LIKELY, SURE, Expected
from one_trace.assembler.fit import WRITTEN_MS, Fit
from one_trace.assembler.followed import LEAVES, DrivenLoop, Followed, LineClock
from one_trace.assembler.ground import EXACT, Found, Go, Ground
from one_trace.assembler.happen import Happen
from one_trace.assembler.maps import Held, Maps
from one_trace.assembler.pending import ENDS, STATUS, UNKNOWN, Notes, Pending, Waiting
from one_trace.assembler.script import Conflict, Script
from one_trace.assembler.silence import Silence
from one_trace.assembler.tolerant import Tolerant
from one_trace.engine.call import FlowScope, RunOptions
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Promise
from one_trace.engine.observer import Place
from one_trace.engine.retry import OnError
from one_trace.engine.schema import Json
from one_trace.model.trace import RunStatus
from one_trace.record.log import LogLine
from one_trace.record.state import Result

_UNSAVED = ("Invalid string length", "Do not know how to serialize", "Converting circular structure")
"""What JSON.stringify throws when the host saves its state after a step."""


Learned = Mapping[str, Result]
"""What the state turned out to say of silent executions, by path."""


class Finished(Exception):
    """The log has no more lines of this go."""


class Drive:
    """One reading of a record. `run` gives its executions, or raises Conflict."""

    def __init__(self, ground: Ground, choices: Choices, learned: Learned, *, lenient: bool = False) -> None:
        self.ground, self.choices, self.learned = ground, choices, learned
        self.tolerant = Tolerant(self) if lenient else None
        self.exact = ground.facts.exact and ground.times == EXACT
        """Everything happens when it is due, and is written at once."""
        self.script = Script(ground.record.lines, 0 if self.exact else WRITTEN_MS)
        self.clock = LineClock()
        self.loop = DrivenLoop(self.clock, self)
        self.maps = Maps()
        state = ground.record.state
        context = state.context if state is not None else None
        self.expected = Expected(context.steps if context is not None else None, len(ground.goes))
        self.maps.decisions = Decisions(self, self.expected)
        self.executions: list[Execution] = []
        self.pending, self.notes = Pending(), Notes()
        self.fit, self.silence, self.happen = Fit(self), Silence(self), Happen(self)
        self._moment = 0
        self.ending: Execution | None = None
        """The leaf that the line in hand was found to end."""
        self.last = -1
        """The line that was taken last of what one end has led to: what follows from it stands after it."""
        self.going = ground.goes[0]
        self.engine: Followed
        self.whole: Promise[bool] | None = None
        """The flow of the last go."""
        self.root: Held = self.maps.new("contexts")

    @property
    def go(self) -> int:
        return self.going.number

    @property
    def prefix(self) -> str:
        return self.going.prefix

    def run(self) -> None:
        for go in self.ground.goes:
            self._run_go(go)

    def _run_go(self, go: Go) -> None:
        self.going = go
        self.pending = Pending()
        self.script.open(go.begin, go.end)
        if go.begin == go.end:
            return
        self.clock.at = self.ground.record.lines[go.begin].at
        options = RunOptions(
            dry_run=go.dry_run and not go.mock, allow_bash=True, stop_after=self.ground.stop_after
        )
        self.engine = Followed(self, self.maps, self.loop, options)
        flow = self.ground.root_flow
        key = str(flow.get("key"))
        scope = FlowScope(key, "", (), flow.get("defaultOnError"))
        try:
            first = self.script.peek()
            if first is not None and not self.ground.bare:
                self.clock.at = first.at
                flowing = self.engine.flow(flow, scope, self.root, Place(), go.done(self.script))
                self.whole = self.loop.go(flowing)
                self.happen.drain()
            while (line := self.script.peek()) is not None:
                self._keep_at(self.script.cursor)
                self.happen.explain(line)
            self.happen.pass_time(last := self.ground.record.lines[go.end - 1].at)
            for timer in self.pending.timers:
                if not timer.limit and timer.due <= last + self.script.slack:
                    timer.of.doubt("attempts", "retries")
        except Finished:
            pass
        self._keep_at(go.end)

    @property
    def outcome(self) -> RunStatus | None:
        whole = self.whole
        if whole is None or not whole.settled:
            return None
        return "error" if whole.error is not None else "success" if whole.value else "stopped"

    @property
    def failure(self) -> StepFailure | None:
        error = self.whole.error if self.whole is not None else None
        return error if isinstance(error, StepFailure) else None

    def _keep_at(self, index: int) -> None:
        """The state was saved last by a message of the host itself, after all lines before it."""
        saved = self.ground.saved
        if saved < index and not self.notes.kept and self.ground.saved_by_word:
            self.notes.kept = dict(self.root)

    def begins(self, step: dict[str, Any], flow_key: str, place: Place, index: int, events: bool) -> int:
        above = self.executions[place.span - 1] if place.span is not None else None
        node = self.ground.node_of(step, flow_key)
        where = Where(
            above, place.attempt, place.iteration, place.branch, index, self.going.number, not events
        )
        path = f"{prefix(place, above, self.going.prefix)} > {node.id}"
        number = len(self.executions) + 1
        execution = Execution(number, node, where, path, self.clock.at)
        self.executions.append(execution)
        self.maps.running = execution
        if self.script.peek() is None:
            self.notes.unseen.add(execution)
        if not events and node.type not in LEAVES:
            expected = self.expected.of(execution)
            result = expected.result if expected.level == SURE else self.learned.get(execution.path)
            if result is not None and result.status in ("success", "failed"):
                due = execution.start + (result.duration_ms or 0)
                self.pending.promised.append((due, execution, result.status == "failed"))
        return number

    def attempt_begins(self, span: int) -> None:
        execution = self.executions[span - 1]
        self._moment += 1
        execution.begins.append((self._moment, self.clock.at))
        self.maps.running = execution

    def ends(self, execution: Execution, status: str) -> None:
        if self.going.killed and execution.where.silent and self.script.peek() is None:
            return  # it was killed before that, as far as anybody can tell
        self._moment += 1
        execution.over = self._moment
        execution.status = STATUS.get(status, status)
        execution.end = self.clock.at

    def waits(self, execution: Execution, attempt: int) -> Promise[StepFailure | None]:
        waiting = Waiting(execution, attempt, Promise(self.loop))
        if execution.where.silent:
            self._foresee(waiting)
            if self.ground.at_once and waiting.due == self.clock.at:
                waiting.promise.resolve(waiting.failure)
                return waiting.promise
            self.pending.silent.append(waiting)
        elif self.ground.at_once and self._is_over_at_once(waiting):
            return waiting.promise
        self.pending.waiting[execution.node.id].append(waiting)
        return waiting.promise

    def _is_over_at_once(self, waiting: Waiting) -> bool:
        """Whether one of the next lines of this moment is its end, in the order in which they began."""
        for index, line in self.script.ahead(self.clock.at):
            if line.step_id != waiting.of.node.id or index in self.notes.reserved:
                continue
            if line.event in ENDS and not line.duration_ms and self.fit.may_end(waiting, line):
                self.notes.reserved.add(index)
                waiting.promise.resolve(self.happen.failure_of(waiting, line))
                return True
        return False

    def _foresee(self, waiting: Waiting) -> None:
        """When the state says that a silent leaf ended, and how."""
        execution = waiting.of
        result = self._believed(execution)
        if result is None:
            return
        if result.status == "timeout":
            waiting.never = True
        elif result.status == "success" and (result.retries or 0) + 1 != waiting.attempt:
            waiting.never = True  # its step:retry says when this attempt failed
        else:
            waiting.due = execution.start + (result.duration_ms or 0)
            if result.status == "failed":
                waiting.failure = StepFailure(result.error or UNKNOWN, code=result.error_code)

    def _believed(self, execution: Execution) -> Result | None:
        expected = self.expected.of(execution)
        result, level = expected.result, expected.level
        if level == SURE:
            return result
        learned = self.learned.get(execution.path)
        result = learned if learned is not None else result
        if result is None:
            return None
        likely = learned is not None or level == LIKELY
        return result if self.choices.whether("believed", execution, likely=likely) else None

    def gives_up(self, execution: Execution | None, on_error: OnError, failure: StepFailure) -> bool:
        """Whether the host did not try again: its retry-skip stands before the line that is next."""
        index = self.script.cursor - 1
        line = self.ground.record.lines[index] if index >= 0 else None
        step_id = execution.node.id if execution is not None else None
        if line is not None and line.event == "step:retry-skip" and line.step_id == step_id:
            return True
        after = self.script.peek()
        if after is not None and after.event == "step:retry" and after.step_id == step_id:
            return False
        return on_error.no_retry_reason(failure) is not None

    def find_flow(self, key: str) -> Found:
        running = self.maps.running
        return self.ground.find_flow(key, running.node if running is not None else None)

    def emitted(self, event: str, subject: Execution | None, value: Json = None) -> None:
        """`value`: the field of it that tells it from its like."""
        script = self.script
        index = script.cursor
        is_next = self.last < index < script.end and self._is(script.lines[index], event, subject, value)
        if not is_next:
            index = self._line_of(event, subject, value)
        if index < 0:  # it was not written any more
            self.last = self.going.end if self.tolerant is None else self.last
            return
        line = self.ground.record.lines[index]
        self.last = index
        if line.at > self.clock.at:
            self.clock.at = line.at
        script.take(index)
        if event == "step:start":
            assert subject is not None
            subject.lines = (index, -1)
            begun = line.begun
            subject.start = begun if begun is not None else line.at
            self.pending.open[subject.node.id].append(subject)
        elif event in ("step:complete", "step:error"):
            assert subject is not None
            self.finish(subject, index, line)
            self._fail_unsaved(subject, line)

    def finish(self, execution: Execution, index: int, line: LogLine) -> None:
        """A line has ended it."""
        if execution.over is None:
            self._moment += 1
            execution.over = self._moment
        execution.lines, execution.line = (execution.lines[0], index), line
        execution.end = line.at
        opened = self.pending.open.get(execution.node.id, [])
        if execution in opened:
            opened.remove(execution)
        if line.event == "step:complete" and line.status not in STATUS:
            execution.status = "error"
            how = (line.status or "")[:40]
            reported = f"the step {execution.node.id[:80]!r} has ended in a way not known: {how!r}"
            self.ground.faults.append(reported)
        if line.event == "step:error":
            execution.error = line.error
        elif index == self.ground.saved:
            self.notes.kept = dict(self.root)

    def _fail_unsaved(self, execution: Execution, line: LogLine) -> None:
        """The host takes it for the step's failure where it cannot save its state."""
        after = self.script.peek()
        if line.event != "step:complete" or after is None or after.event != "step:error":
            return
        error, others = after.error or "", self.pending.open.get(execution.node.id)
        if after.step_id == line.step_id and (error.startswith(_UNSAVED) or not others):
            execution.status = "error"
            raise StepFailure(error)

    def _line_of(self, event: str, subject: Execution | None, value: Json) -> int:
        """The line that this event is, where it is not the next: another of the same turn."""
        script = self.script
        if script.peek() is None:
            raise Finished
        for index, line in script.ahead(self.clock.at + script.slack):
            if index > self.last and self._is(line, event, subject, value):
                return index
        if self.tolerant is not None:
            return -1
        if (
            self.going.killed
            and self.ground.record.lines[self.going.end - 1].at <= self.clock.at + script.slack
        ):
            return -1
        there = script.lines[script.cursor]
        raise Conflict(
            f"{event} {subject.node.id if subject is not None else value} at line {script.cursor}, "
            f"where {there.event} {there.step_id or there.flow_key} is",
            [*([subject] if subject is not None else []), *self.pending.open.get(there.step_id or "", ())],
        )

    def _is(self, line: LogLine, event: str, subject: Execution | None, value: Json) -> bool:
        if line.event != event and (line.event, event) != ("flow:mock-start", "flow:start"):
            return False
        if line.at > self.clock.at + self.fit.busy(line):
            return False
        if subject is None:
            return value in (None, line.flow_key)
        if line.step_id != subject.node.id:
            return False
        if event == "step:complete":
            if line.status in STATUS and line.status != value:
                return False
            return subject is self.ending or self.fit.fits(subject, line)
        if event == "step:error":
            return value in (line.error, UNKNOWN)
        if event == "step:retry-success":
            return bool(line.retries == value)
        return event != "step:retry" or bool(line.attempt == value)
