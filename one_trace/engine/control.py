"""One CLI's control flow: flows, lists of steps, and single steps with their attempts.

It awaits what One CLI awaits, since that decides which of two branches goes first. Nothing is ever cancelled:
a step that timed out, or whose sibling failed, keeps running and reporting events.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Any

from one_trace.engine.call import Body, Call, FindFlow, FlowScope, RunOptions, StepResult
from one_trace.engine.events import Emit, Event, Events
from one_trace.engine.failures import FlowStop, StepFailure
from one_trace.engine.loop import Loop, Promise
from one_trace.engine.observer import Observer, Place
from one_trace.engine.plan import MISSING, Plans, StepPlan
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle, Values

__all__ = ["Engine", "Event"]


class Engine:
    """Runs flows. `values` evaluates, `find_flow` finds the flow that a step calls, `emit` receives the
    events, `body` runs an attempt of a step."""

    def __init__(
        self,
        values: Values,
        loop: Loop,
        options: RunOptions,
        find_flow: FindFlow,
        emit: Emit,
        body: Body,
        observer: Observer,
    ) -> None:
        self.values = values
        self.loop = loop
        self.find_flow = find_flow
        self.options = options
        self.observer = observer
        self.events = Events(emit, loop.clock)
        self.plans = Plans()
        self.reader: Promise[None] | None = None
        """Settled when One CLI would have imported its flow loader, for the first sub-flow."""
        self._body = body

    # -- flows

    async def flow(
        self, flow: Json, scope: FlowScope, context: Handle, place: Place, done: Collection[str] = ()
    ) -> bool:
        """Run the steps of a flow whose inputs are in `context`; False if `--stop-after` stopped it."""
        options, key = self.options, flow.get("key", MISSING)
        self.values.default_on_error(context, flow.get("defaultOnError"))
        if options.dry_resolve and not options.stop_after:
            self._dry_run(flow, key, context)
            return True
        count = _length(flow.get("steps", MISSING))
        start = "flow:mock-start" if options.mock else "flow:start"
        self.events.other(start, flowKey=key, totalSteps=count, timestamp=self.events.stamp())
        began = self.loop.clock.now_ms()
        try:
            await self.loop.go(self.steps(flow["steps"], context, scope, place, done))
        except FlowStop as stop:
            fields = {"stoppedAfter": stop.step_id, "dryRun": options.dry_resolve}
            self._ended("flow:stopped", key, began, context, fields, timestamp=True)
            return False
        except StepFailure as failure:
            fields = {
                "status": "failed",
                "error": failure.message,
                "durationMs": self.loop.clock.now_ms() - began,
            }
            self.events.other("flow:error", flowKey=key, **fields)
            raise
        self._ended("flow:complete", key, began, context, {"status": "success"})
        return True

    def _ended(
        self, event: str, key: Json, began: int, context: Handle, fields: Event, *, timestamp: bool = False
    ) -> None:
        completed, failed, skipped = self.values.counts(context)
        fields |= {
            "durationMs": self.loop.clock.now_ms() - began,
            "stepsCompleted": completed,
            "stepsFailed": failed,
        }
        stamp = self.events.stamp() if timestamp else MISSING
        self.events.other(event, flowKey=key, **fields, stepsSkipped=skipped, timestamp=stamp)

    def _dry_run(self, flow: Json, key: Json, context: Handle) -> None:
        inputs, steps = self.values.dry_flow(context, flow.get("steps"))
        self.events.other(
            "flow:dry-run", flowKey=key, resolvedInputs=inputs, steps=steps, timestamp=self.events.stamp()
        )

    # -- lists of steps

    async def steps(
        self, steps: Json, context: Handle, scope: FlowScope, place: Place, done: Collection[str] = ()
    ) -> list[StepResult]:
        """Run a list of steps in order, skipping those whose ids are `done` without an event."""
        if not isinstance(steps, list):
            raise StepFailure("steps is not iterable")
        results, default, stop = [], scope.default_on_error, self.options.stop_after
        for index, step in enumerate(steps):
            if not isinstance(step, dict):
                raise StepFailure(f"Cannot read properties of {_word(step)} (reading 'id')")
            plan = self.plans.of(step, default)
            if done and plan.id in done:
                continue
            is_last = stop is not None and plan.id == stop
            if is_last and self.options.dry_resolve:
                self._dry_resolve(plan, context)
            else:
                results.append(await self._reported(plan, context, scope, place, index))
            if is_last:
                raise FlowStop(str(plan.id))
        return results

    def _dry_resolve(self, plan: StepPlan, context: Handle) -> None:
        dry = self.values.dry_step(context, plan.step)
        self.events.other("step:dry-resolve", **dry, timestamp=self.events.stamp())

    async def _reported(
        self, plan: StepPlan, context: Handle, scope: FlowScope, place: Place, index: int
    ) -> StepResult:
        """One step, with the events of its start and end."""
        span, loop = self.observer.begin(plan.step, scope.key, place, index, events=True), self.loop
        self.events.started(plan, span)
        try:
            try:  # as `Loop.called`, for less
                result = await self.step(plan, context, scope, span)
            except (StepFailure, FlowStop):
                await loop.tick
                raise
            if loop.ready or loop.nested:
                await loop.tick
            # Inside the try: a result that cannot be saved fails its step.
            self._completed(plan, span, result)
        except StepFailure as failure:
            self.events.failed(plan, span, failure.message)
            raise
        return result

    def _completed(self, plan: StepPlan, span: int, result: StepResult) -> None:
        try:
            self.events.completed(plan, span, result.status, result.duration_ms, result.retries)
        except StepFailure as failure:
            self.observer.end(span, "error", failure=failure)
            raise

    # -- one step

    async def step(self, plan: StepPlan, context: Handle, scope: FlowScope, span: int) -> StepResult:
        """One step with all its attempts. Raises StepFailure if it throws in the end."""
        try:
            if plan.guards and self._skipped(plan, context):
                result = self._set_result(plan, context, {"status": "skipped"})
            else:
                result = await self._attempts(plan, context, scope, span)
        except StepFailure as failure:
            self.observer.end(span, "error", failure=failure)
            raise
        except FlowStop:
            self.observer.end(span, "stopped")
            raise
        self.observer.end(span, result.status, result.handle)
        return result

    def _skipped(self, plan: StepPlan, context: Handle) -> bool:
        return any(self.values.holds(context, expression) is skips for expression, skips in plan.guards)

    async def _attempts(self, plan: StepPlan, context: Handle, scope: FlowScope, span: int) -> StepResult:
        now_ms, on_error = self.loop.clock.now_ms, plan.on_error
        began, last = now_ms(), None
        for attempt in range(1, on_error.attempts + 1):
            if attempt > 1:
                delay = on_error.delay_ms(attempt)
                self.events.pausing(plan, span, attempt, delay)
                await self.loop.sleep(delay)
            self.observer.attempt(span, attempt)
            self.observer.resolves(span, attempt, plan.step, context)
            try:
                handle = await self._attempt(plan, Call(self, plan.step, context, scope, span, attempt))
            except StepFailure as failure:
                last = failure
                if attempt == on_error.attempts or self._gives_up(plan, span, failure):
                    break
            else:
                return self._succeeded(plan, context, handle, now_ms() - began, attempt, span)
        return self._gave_up(plan, context, now_ms() - began, last or StepFailure(""))

    def _gives_up(self, plan: StepPlan, span: int, failure: StepFailure) -> bool:
        reason = plan.on_error.no_retry_reason(failure)
        if reason is not None:
            self.events.gave_up(plan, span, reason, failure.message)
        return reason is not None

    def _attempt(self, plan: StepPlan, call: Call) -> Awaitable[Handle]:
        """The result of one attempt."""
        if plan.requires:
            self.values.requires(call.context, plan.step)
        if plan.external and self.options.mock:
            return self._mocked(plan, call)
        if plan.limit_ms is None:
            return self.loop.called(self._body(call))
        return self.loop.limited(self.loop.go(self._body(call)), plan.limit_ms, plan.timed_out())

    async def _mocked(self, plan: StepPlan, call: Call) -> Handle:
        handle = self.values.new("results")
        self.events.mocked(plan, call.span, self.values.mock(handle, call.context, plan.step))
        return handle

    def _succeeded(
        self, plan: StepPlan, context: Handle, handle: Handle, duration: int, attempt: int, span: int
    ) -> StepResult:
        retries = attempt - 1 or None
        if retries:
            self.events.retried(plan, span, retries)
        self.values.finish(context, plan.step, handle, duration, retries)
        return StepResult(handle, "success", duration, retries)

    def _gave_up(self, plan: StepPlan, context: Handle, duration: int, last: StepFailure) -> StepResult:
        """The result of a step that threw, if the flow goes on."""
        if not plan.on_error.carries_on:
            raise last
        result: dict[str, Any] = {"status": "timeout" if last.timeout else "failed"}
        result["error"] = last.message or "Unknown error"
        if last.code:
            result["errorCode"] = last.code
        result |= {"durationMs": duration, "retries": max(0, plan.on_error.attempts - 1)}
        return self._set_result(plan, context, result)

    def _set_result(self, plan: StepPlan, context: Handle, result: dict[str, Any]) -> StepResult:
        """A result that no JavaScript has made."""
        handle = self.values.new("results")
        self.values.given(handle, result)
        self.values.keep(context, [(plan.step, handle)])
        return StepResult(handle, result["status"], result.get("durationMs"), result.get("retries"))


def _word(value: Json) -> str:
    return "null" if value is None else "undefined"


def _length(steps: Json) -> Json:
    if steps is MISSING or steps is None:
        raise StepFailure(
            f"Cannot read properties of {'undefined' if steps is MISSING else 'null'} (reading 'length')"
        )
    return len(steps) if isinstance(steps, list) else MISSING
