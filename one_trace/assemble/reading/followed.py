"""The engine as a reading runs it: leaves wait for the log, timers go off when the reading says so."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import cast

from one_trace.assemble.flowtree.tree import LEAVES
from one_trace.assemble.ground.executions import Execution, Made
from one_trace.assemble.ground.flows import Found
from one_trace.assemble.reading.emitted import Emitted
from one_trace.assemble.reading.leaves import Leaves
from one_trace.assemble.reading.maps import Maps
from one_trace.assemble.reading.pending import UNKNOWN
from one_trace.assemble.reading.standing import Standing
from one_trace.assemble.reading.watch import Watch
from one_trace.engine import steps
from one_trace.engine.call import Call, RunOptions
from one_trace.engine.control import Engine
from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import truthy
from one_trace.engine.loop import Awaited, Promise
from one_trace.engine.plan import StepPlan
from one_trace.engine.values import Handle


class Followed(Engine):
    """The host's control flow, held against the log."""

    def __init__(
        self,
        at: Standing,
        maps: Maps,
        emitted: Emitted,
        leaves: Leaves,
        watch: Watch,
        options: RunOptions,
    ) -> None:
        super().__init__(
            maps, at.loop, options, self._find_flow, lambda _event: None, self._begin_body, watch
        )
        self._at, self._leaves = at, leaves
        self.events, self.plans = emitted, at.known.ground.flows.plans
        self.reader = at.pending.reader = Promise(at.loop)

    def close(self) -> None:
        """It does not run any more, and does not refer to itself either."""
        del self.find_flow, self._body

    def _find_flow(self, key: str) -> Found:
        found = self._at.known.ground.flows.find(key)
        if found is None:
            line = self._at.script.peek()
            raise StepFailure((line.error if line is not None else None) or UNKNOWN)
        return found

    def _gives_up(self, plan: StepPlan, span: int, failure: StepFailure) -> bool:
        """Whether the host did not try again: its retry-skip stands before the line that is next."""
        script = self._at.script
        step_id = self._at.executions[span - 1].node.id
        if script.is_skip_before(step_id):
            return True
        after = script.peek()
        if after is not None and after.event == "step:retry" and after.step_id == step_id:
            return False
        return plan.on_error.no_retry_reason(failure) is not None

    def _begin_body(self, call: Call) -> Coroutine[Awaited, None, Handle]:
        execution = self._at.executions[call.span - 1]
        if "timeoutMs" in call.step and truthy(call.step["timeoutMs"]):
            self._at.pending.limited.append((execution, call.attempt))
        unseen = execution.lines[0] < 0 and not execution.where.silent
        if unseen and self._is_elsewhere(execution):
            return self._never()
        if execution.node.type in LEAVES:
            return self._leaf(call, execution)
        return steps.run(call)

    async def _never(self) -> Handle:
        """A step of another version of its flow file: what the log has is not in it."""
        return await Promise(self.loop)

    def _is_elsewhere(self, execution: Execution) -> bool:
        """No line is of its step, or what is may be placed without the engine."""
        at = self._at
        return not at.known.ground.is_logged(execution) or bool(at.choices.made)

    @coroutine
    def _leaf(self, call: Call, execution: Execution) -> Generator[Awaited, None, Handle]:
        """As a coroutine function that awaits the promise would, with one frame less a step."""
        waiting = self._leaves.waits(execution, call.attempt)
        failure = waiting.failure
        if waiting.promise is not None:
            yield waiting.promise
            failure = waiting.promise.value
        if failure is not None:
            raise failure
        return cast("Handle", Made())
