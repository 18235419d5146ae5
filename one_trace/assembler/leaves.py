"""Steps without children: each waits until a line ends it, or, where it has no lines, until the state says
that it ended."""

from __future__ import annotations

from one_trace.assembler.executions import Execution
from one_trace.assembler.expected import LIKELY, SURE
from one_trace.assembler.fit import Fit
from one_trace.assembler.pending import ENDS, UNKNOWN, Waiting
from one_trace.assembler.standing import Standing
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Promise
from one_trace.record.log import LogLine
from one_trace.record.state import Result


class Leaves:
    def __init__(self, at: Standing, fit: Fit) -> None:
        self._at, self._fit = at, fit

    def waits(self, execution: Execution, attempt: int) -> Promise[StepFailure | None]:
        """What an attempt comes to: None, or what it threw."""
        at = self._at
        waiting = Waiting(execution, attempt, Promise(at.loop))
        if execution.where.silent:
            self._foresee(waiting)
            if at.known.ground.mode.at_once and waiting.due == at.clock.at:
                waiting.promise.resolve(waiting.failure)
                return waiting.promise
            at.pending.silent.append(waiting)
        elif at.known.ground.mode.at_once and self._is_over_at_once(waiting):
            return waiting.promise
        at.pending.waiting[execution.node.id].append(waiting)
        return waiting.promise

    def _is_over_at_once(self, waiting: Waiting) -> bool:
        """Whether one of the next lines of this moment is its end, in the order in which they began."""
        at = self._at
        for index, line in at.script.ahead(at.clock.at):
            if line.step_id != waiting.of.node.id or index in at.notes.reserved:
                continue
            if line.event in ENDS and not line.duration_ms and self._fit.may_end(waiting, line):
                at.notes.reserved.add(index)
                waiting.promise.resolve(failure_of(at, waiting, line))
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
        known = self._at.known
        expected = known.expected.of(execution)
        result, level = expected.result, expected.level
        if level == SURE:
            return result
        learned = known.learned.get(execution.path)
        result = learned if learned is not None else result
        if result is None:
            return None
        likely = learned is not None or level == LIKELY
        return result if self._at.choices.whether("believed", execution, likely=likely) else None


def failure_of(at: Standing, waiting: Waiting, line: LogLine) -> StepFailure | None:
    """What the attempt threw that ends with this line."""
    if line.event == "step:error":
        return StepFailure(line.error or "")
    if line.event == "step:retry":
        return StepFailure(UNKNOWN)
    if line.status == "failed":
        return StepFailure(error_of(at, waiting.of))
    return None


def error_of(at: Standing, execution: Execution) -> str:
    """As the state has it."""
    result = at.known.expected.of(execution).result
    return (result.error if result is not None else None) or UNKNOWN
