"""Each event that the engine emits is held against the log: it must stand there next, or in the same tick."""

from __future__ import annotations

from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.script import FINAL, FOLLOWED, UNSAVED, Conflict
from one_trace.assemble.reading.acts import finish
from one_trace.assemble.reading.fit import Fit, is_retry_of
from one_trace.assemble.reading.pending import STATUS, UNKNOWN
from one_trace.assemble.reading.standing import Standing
from one_trace.engine.events import Events
from one_trace.engine.failures import StepFailure
from one_trace.engine.plan import StepPlan
from one_trace.engine.schema import Json
from one_trace.record.log import LogLine


class Finished(Exception):
    """The log has no more lines of this go."""


class Emitted(Events):
    def __init__(self, at: Standing, fit: Fit) -> None:
        self._at, self._fit = at, fit

    # -- what the engine emits

    def other(self, event: str, **fields: Json) -> None:
        if event in FOLLOWED:
            self._take(event, None, (fields.get("flowKey"), fields.get("durationMs")))

    def stamp(self) -> str:
        return ""

    def started(self, plan: StepPlan, span: int) -> None:
        at = self._at
        execution = at.executions[span - 1]
        index = self._take("step:start", execution)
        if index >= 0:
            line = at.script.lines[index]
            execution.lines = (index, -1)
            begun = line.begun
            execution.start = begun if begun is not None else line.at
            at.pending.open[execution.node.id].append(execution)

    def completed(
        self, plan: StepPlan, span: int, status: str, duration_ms: int | None, retries: int | None
    ) -> None:
        execution = self._at.executions[span - 1]
        index = self._take("step:complete", execution, status)
        if index >= 0:
            line = self._at.script.lines[index]
            finish(self._at, execution, index, line)
            if self._at.known.ground.saved.failed:
                self._fail_unsaved(execution, index)

    def failed(self, plan: StepPlan, span: int, error: str) -> None:
        execution = self._at.executions[span - 1]
        index = self._take("step:error", execution, error)
        if index >= 0:
            finish(self._at, execution, index, self._at.script.lines[index])

    def pausing(self, plan: StepPlan, span: int, attempt: int, delay_ms: int) -> None:
        execution = self._at.executions[span - 1]
        index = self._take("step:retry", execution, attempt)
        pause = self._at.script.lines[index].delay_ms if index >= 0 else None
        self._at.pending.pausing = (execution, 0, pause)

    def retried(self, plan: StepPlan, span: int, retries: int) -> None:
        self._take("step:retry-success", self._at.executions[span - 1], retries)

    def gave_up(self, plan: StepPlan, span: int, reason: str, error: str) -> None:
        pass

    def mocked(self, plan: StepPlan, span: int, config: Json) -> None:
        pass

    # -- which line it is

    def _take(self, event: str, subject: Execution | None, value: Json = None) -> int:
        """The line, -1 if it was not written any more. `value`: the field of it that tells it from its
        like; of a flow its key, and how long it was."""
        at = self._at
        script = at.script
        index = script.cursor
        if not at.last < index < script.end or not self._is(script.lines[index], event, subject, value):
            index = self._line_of(event, subject, value)
            if index < 0:
                at.last = at.last if at.known.lenient else at.going.end
                return index
        at.last = index
        line_at, clock = script.lines[index].at, at.clock
        if line_at > clock.at:
            for each in () if at.known.exact else at.pending.fresh:
                each.slack = line_at - clock.at
            clock.at, script.late = line_at, True
        at.pending.fresh.clear()
        taken = script.taken
        taken[index] = 1
        if index == script.cursor:  # as `take` does
            index_after, end = index + 1, script.end
            if index_after < end and taken[index_after]:
                found = taken.find(0, index_after, end)
                index_after = found if found >= 0 else end
            script.cursor = index_after
        return index

    def _line_of(self, event: str, subject: Execution | None, value: Json) -> int:
        """The line that this event is, where it is not the next: another of the same tick, where times are
        not exact. Where they are, so is the order."""
        at, script = self._at, self._at.script
        if script.peek() is None:
            raise Finished
        until = at.clock.at + script.slack
        for index, line in () if at.known.exact and not at.known.lenient else script.ahead(until):
            if index > at.last and self._is(line, event, subject, value):
                return index
        cut = at.going.killed and not at.known.exact and script.lines[at.going.end - 1].at <= until
        if at.known.lenient or cut:
            return -1
        there = script.lines[script.cursor]
        led = script.lines[at.last] if at.last >= 0 else None
        raise Conflict(
            f"{event} {subject.node.id if subject is not None else value[0]} at line {script.cursor + 1}, "
            f"where {there.event} {there.step_id or there.flow_key} is",
            [*([subject] if subject is not None else []), *self._fit.open_for(there)],
            led.step_id if led is not None and led.event == "step:complete" else None,
        )

    def _is(self, line: LogLine, event: str, subject: Execution | None, value: Json) -> bool:
        if line.event != event and (line.event, event) != ("flow:mock-start", "flow:start"):
            return False
        now = self._at.clock.at
        if line.at > now and line.at > now + self._fit.busy():
            return False
        if subject is None:
            key, lasted = value
            return key in (None, line.flow_key) and self._may_last(lasted, line)
        if line.step_id != subject.node.id or (subject.lines[0] < 0 and self._is_of_another(event, subject)):
            return False
        if event == "step:complete":
            if line.status in STATUS and line.status != value:
                return False
            return subject is self._at.ending or self._fit.fits(subject, line)
        if event == "step:error":
            return value in (line.error, UNKNOWN)
        if event == "step:retry-success":
            return bool(line.retries == value)
        return event != "step:retry" or (line.attempt == value and is_retry_of(subject.node, line))

    def _may_last(self, lasted: float | None, line: LogLine) -> bool:
        """Whether a flow that was so long may end with the line."""
        if lasted is None or line.duration_ms is None or self._at.known.lenient:
            return True
        return abs(lasted - line.duration_ms) <= (0 if self._at.known.exact else self._fit.busy())

    def _is_of_another(self, event: str, subject: Execution) -> bool:
        """Where no line has begun it, and one has begun another that runs."""
        return event in FINAL and bool(self._at.pending.open.get(subject.node.id))

    def _fail_unsaved(self, execution: Execution, index: int) -> None:
        """The host takes it for the step's failure where it cannot save its state."""
        lines = self._at.script.lines
        line, after = lines[index], lines[index + 1] if index + 1 < len(lines) else None
        if line.event != "step:complete" or after is None or after.event != "step:error":
            return
        error, others = after.error or "", self._at.pending.open.get(execution.node.id)
        if after.step_id == line.step_id and (error.startswith(UNSAVED) or not others):
            execution.status = "error"
            raise StepFailure(error)
