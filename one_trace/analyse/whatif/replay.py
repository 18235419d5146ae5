"""A flow run again on the virtual clock, in which each step takes as long as it did in a past run."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from one_trace.analyse.history import StepKey
from one_trace.analyse.whatif import past
from one_trace.analyse.whatif.course import Course
from one_trace.analyse.whatif.past import Did, StaticPlace, Usual
from one_trace.engine import steps
from one_trace.engine.call import Call, FlowScope, RunOptions
from one_trace.engine.control import Engine
from one_trace.engine.decided import DecidedValues
from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import number, truthy
from one_trace.engine.loop import Loop, Stuck
from one_trace.engine.observer import Place
from one_trace.engine.retry import OnError
from one_trace.engine.values import Handle
from one_trace.engine.virtual import NoMessages, VirtualClock
from one_trace.model.trace import Span

LEAVES = frozenset(("transform", "code", "file-read", "file-write", "bash", "action", "paginate"))
Definitions = Mapping[str, dict[str, Any]]
"""Flow files by key."""


class Unpredictable(Exception):
    """The past does not tell how this step would have ended."""


class Replayed(NamedTuple):
    """`duration_ms` of the flow; whether it `failed`; whether something was `assumed` of it."""

    duration_ms: int
    failed: bool
    assumed: bool


@dataclass(frozen=True)
class _Found:
    flow: Any
    root: str = ""


class Replay:
    """One replay. `waiting`: the steps that wait for something outside of the JavaScript thread; all others
    take turns in it."""

    def __init__(
        self,
        flows: Definitions,
        did: Mapping[past.Place, Did],
        usual: Mapping[StaticPlace, Usual],
        waiting: Collection[StepKey],
    ) -> None:
        self._flows, self._waiting = flows, waiting
        self._course = Course(did, usual)
        self._loop = Loop(VirtualClock())
        self._free_at = 0
        """When the JavaScript thread has nothing left to do."""
        self._engine = Engine(
            DecidedValues(self._course),
            self._loop,
            RunOptions(allow_bash=True),
            self._find_flow,
            lambda _event: None,
            self._body,
            self._course,
        )

    def run(self, key: str) -> Replayed:
        """Run the flow with this key. Raises Unpredictable."""
        flow, began = self._find_flow(key).flow, self._loop.clock.now_ms()
        context = self._engine.values.new("contexts")
        scope = FlowScope(key, "", (), flow.get("defaultOnError"))
        failed = False
        try:
            self._loop.run(self._loop.go(self._engine.flow(flow, scope, context, Place())), NoMessages())
        except StepFailure:
            failed = True
        except Stuck:
            raise Unpredictable("it would not have ended") from None
        return Replayed(self._loop.clock.now_ms() - began, failed, self._course.assumed)

    def _find_flow(self, key: str) -> _Found:
        if key not in self._flows:
            raise StepFailure(f"Flow not found: {key}")
        return _Found(self._flows[key])

    async def _body(self, call: Call) -> Handle:
        if call.step.get("type") not in LEAVES:
            return await steps.run(call)
        did, usually = self._course.of(call.span)
        ms, failure = self._outcome(call, did, usually)
        if math.isinf(ms):
            await self._loop.sleep(2**31 - 1)
        elif wait := self._wait_ms(call, ms):
            await self._loop.sleep(wait)
        if failure is not None:
            raise failure
        return call.handle()

    def _wait_ms(self, call: Call, ms: float) -> float:
        if (call.scope.key, call.step.get("id")) in self._waiting:
            return ms
        now = self._loop.clock.now_ms()
        self._free_at = max(now, self._free_at) + round(ms)
        return self._free_at - now

    def _outcome(
        self, call: Call, did: Did | None, usually: Usual | None
    ) -> tuple[float, StepFailure | None]:
        """How long this attempt takes, in ms, and how it fails."""
        if did is None or call.attempt > did.span.attempts:
            self._course.assumed = True
            if usually is None:
                raise Unpredictable(f"step '{call.step.get('id')}' has never succeeded")
            return usually.ms, None
        span, last = did.span, call.attempt == did.span.attempts
        if span.status == "timeout" or (span.error_code or "").upper() == "TIMEOUT":
            self._check_limit(call, span)
            return math.inf, None
        if span.status not in ("success", "error") or span.duration_ms is None:
            raise Unpredictable(f"step '{span.step_id}' did not end")
        ms = self._attempt_ms(call, did)
        if last and span.status == "success":
            return ms, None
        return ms, StepFailure(span.error or "failed", code=span.error_code)

    @staticmethod
    def _check_limit(call: Call, span: Span) -> None:
        """What timed out may have ended within a longer time."""
        limit = call.step.get("timeoutMs")
        if not truthy(limit) or number(limit) * span.attempts > (span.duration_ms or 0.0):
            raise Unpredictable(f"step '{span.step_id}' timed out, and would now be given more time")

    @staticmethod
    def _attempt_ms(call: Call, did: Did) -> float:
        """The attempts share the time that is no pause evenly."""
        on_error = OnError(call.step, call.scope.default_on_error)
        pauses = sum(on_error.delay_ms(attempt) for attempt in range(2, did.span.attempts + 1))
        return max(0.0, (did.span.duration_ms or 0.0) - pauses) / did.span.attempts
