"""The engine says what begins and ends: the executions of a reading."""

from __future__ import annotations

from typing import Any

from one_trace.assemble.flowtree.tree import LEAVES, Node
from one_trace.assemble.ground.executions import Execution, Where, prefix
from one_trace.assemble.reading.expected import SURE
from one_trace.assemble.reading.maps import Held
from one_trace.assemble.reading.pending import STATUS
from one_trace.assemble.reading.standing import Standing
from one_trace.engine.failures import StepFailure
from one_trace.engine.observer import Observer, Place
from one_trace.engine.values import Handle


class Watch(Observer):
    def __init__(self, at: Standing) -> None:
        self._at, self._flows = at, at.known.ground.flows
        self._place: Place | None = None
        self._prefix = ""
        """What the paths of the steps at this place begin with: those of one list come one after another."""
        self._alone = True

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        at = self._at
        above = at.executions[place.span - 1] if place.span is not None else None
        node = self._flows.node_of(step)
        if place is not self._place:
            self._place, self._prefix = place, prefix(place, above, at.going.prefix) + " > "
            self._alone = above is None or (above.where.alone and above.node.concurrency == 1)
        alone = events and self._alone
        where = Where(
            above, place.attempt, place.iteration, place.branch, index, at.going.number, not events, alone
        )
        number = len(at.executions) + 1
        execution = Execution(number, node, where, self._prefix + node.id, at.clock.at)
        at.executions.append(execution)
        at.running = execution
        if at.script.cursor >= at.script.end:
            at.notes.unseen.add(execution)
        if not events:
            at.pending.fresh.append(execution)
            if node.type not in LEAVES:
                self._promise(execution)
        return number

    def _promise(self, execution: Execution) -> None:
        """The state says when a silent container ended."""
        known = self._at.known
        expected = known.expected.of(execution)
        result = expected.result if expected.level == SURE else known.learned.get(execution.path)
        if result is not None and result.status in ("success", "failed"):
            due = execution.start + (result.duration_ms or 0)
            self._at.pending.promised.append((due, execution, result.status == "failed"))

    def attempt(self, span: int, number: int) -> None:
        if number > 1:
            execution = self._at.executions[span - 1]
            execution.again += ((self._at.clock.moment(), self._at.clock.at),)
            self._give_up(execution.node)

    def _give_up(self, node: Node) -> None:
        """What runs beside what threw runs on."""
        if node.type in ("parallel", "loop"):
            self._at.known.expected.given_up.add(node)

    def resolves(self, span: int, attempt: int, step: dict[str, Any], context: Handle) -> None:
        self._at.running = self._at.executions[span - 1]

    def end(self, span: int, status: str, result: Held = None, failure: StepFailure | None = None) -> None:
        at = self._at
        execution = at.executions[span - 1]
        if result is not None:
            result.of = execution
        execution.failure = failure
        if failure is not None:
            self._give_up(execution.node)
        if at.going.killed and execution.where.silent and at.script.peek() is None:
            return  # it was killed before that, as far as anybody can tell
        execution.over = at.clock.moment()
        execution.status = STATUS.get(status, status)
        execution.end = at.clock.at
