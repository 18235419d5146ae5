"""One CLI's control flow: flows, lists of steps, and single steps with their attempts.

It awaits what One CLI awaits, since that decides which of two branches goes first. Nothing is ever cancelled:
a step that timed out, or whose sibling failed, keeps running and reporting events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from one_trace.engine.call import Body, Call, FindFlow, FlowScope, RunOptions, StepResult
from one_trace.engine.failures import FlowStop, StepFailure
from one_trace.engine.javascript import number, truthy
from one_trace.engine.loop import Loop, Promise
from one_trace.engine.observer import Observer, Place
from one_trace.engine.retry import OnError
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle, Step, Values
from one_trace.model.times import to_iso

Event = dict[str, Any]
MISSING = object()
"""A field that the flow file does not have, and so the event neither."""
EXTERNAL = ("action", "paginate", "bash")
"""Step types that --mock replaces."""


class Engine:
    """Runs flows. `values` evaluates, `find_flow` finds the flow that a step calls, `emit` receives the
    events, `body` runs an attempt of a step."""

    def __init__(
        self,
        values: Values,
        loop: Loop,
        options: RunOptions,
        find_flow: FindFlow,
        emit: Callable[[Event], None],
        body: Body,
        observer: Observer,
    ) -> None:
        self.values = values
        self.loop = loop
        self.find_flow = find_flow
        self.options = options
        self.observer = observer
        self.reader: Promise[None] | None = None
        """Settled when One CLI would have imported its flow loader, for the first sub-flow."""
        self._emit = emit
        self._body = body

    def emit(self, event: str, **fields: Json) -> None:
        self._emit({"event": event} | {key: value for key, value in fields.items() if value is not MISSING})

    def now(self) -> int:
        return self.loop.clock.now_ms()

    def stamp(self) -> str:
        return to_iso(self.now())

    # -- flows

    async def flow(
        self, flow: Json, scope: FlowScope, context: Handle, place: Place, done: Collection[str] = ()
    ) -> bool:
        """Run the steps of a flow whose inputs are in `context`; False if `--stop-after` stopped it."""
        options, key = self.options, _field(flow, "key")
        self.values.default_on_error(context, flow.get("defaultOnError"))
        if options.dry_resolve and not options.stop_after:
            self._dry_run(flow, key, context)
            return True
        count = _length(flow.get("steps", MISSING))
        start = "flow:mock-start" if options.mock else "flow:start"
        self.emit(start, flowKey=key, totalSteps=count, timestamp=self.stamp())
        began = self.now()
        try:
            await self.loop.go(self.steps(flow["steps"], context, scope, place, done))
        except FlowStop as stop:
            fields = {"stoppedAfter": stop.step_id, "dryRun": options.dry_resolve}
            self._ended("flow:stopped", key, began, context, fields, timestamp=True)
            return False
        except StepFailure as failure:
            fields = {"status": "failed", "error": failure.message, "durationMs": self.now() - began}
            self.emit("flow:error", flowKey=key, **fields)
            raise
        self._ended("flow:complete", key, began, context, {"status": "success"})
        return True

    def _ended(
        self, event: str, key: Json, began: int, context: Handle, fields: Event, *, timestamp: bool = False
    ) -> None:
        completed, failed, skipped = self.values.counts(context)
        fields |= {"durationMs": self.now() - began, "stepsCompleted": completed, "stepsFailed": failed}
        stamp = self.stamp() if timestamp else MISSING
        self.emit(event, flowKey=key, **fields, stepsSkipped=skipped, timestamp=stamp)

    def _dry_run(self, flow: Json, key: Json, context: Handle) -> None:
        inputs, steps = self.values.dry_flow(context, flow.get("steps"))
        self.emit("flow:dry-run", flowKey=key, resolvedInputs=inputs, steps=steps, timestamp=self.stamp())

    # -- lists of steps

    async def steps(
        self, steps: Json, context: Handle, scope: FlowScope, place: Place, done: Collection[str] = ()
    ) -> list[StepResult]:
        """Run a list of steps in order, skipping those whose ids are `done` without an event."""
        if not isinstance(steps, list):
            raise StepFailure("steps is not iterable")
        results = []
        for index, step in enumerate(steps):
            if not isinstance(step, dict):
                raise StepFailure(f"Cannot read properties of {_word(step)} (reading 'id')")
            step_id = step.get("id")
            if step_id in done:
                continue
            if self.options.dry_resolve and self._is_last(step_id):
                dry = self.values.dry_step(context, step)
                self.emit("step:dry-resolve", **dry, timestamp=self.stamp())
                raise FlowStop(str(step_id))
            results.append(await self._reported(step, context, scope, place, index))
            if self._is_last(step_id):
                raise FlowStop(str(step_id))
        return results

    def _is_last(self, step_id: Json) -> bool:
        return self.options.stop_after is not None and self.options.stop_after == step_id

    async def _reported(
        self, step: Step, context: Handle, scope: FlowScope, place: Place, index: int
    ) -> StepResult:
        """One step, with the events of its start and end."""
        about = {"stepId": _field(step, "id"), "stepName": _field(step, "name"), "type": _field(step, "type")}
        span = self.observer.begin(step, scope.key, place, index, events=True)
        self.emit("step:start", **about, timestamp=self.stamp())
        try:
            result = await self.loop.go(self.step(step, context, scope, span))
            # Inside the try: a result that cannot be saved fails its step.
            self._completed(step, result, span)
        except StepFailure as failure:
            own = step.get("onError")
            strategy = (own.get("strategy") if isinstance(own, dict) else None) or "fail"
            self.emit("step:error", stepId=about["stepId"], error=failure.message, strategy=strategy)
            raise
        return result

    def _completed(self, step: Step, result: StepResult, span: int) -> None:
        duration = MISSING if result.duration_ms is None else result.duration_ms
        retries = MISSING if result.retries is None else result.retries
        fields = {"status": result.status, "durationMs": duration, "retries": retries}
        try:
            self.emit("step:complete", stepId=_field(step, "id"), **fields)
        except StepFailure:
            self.observer.end(span, "error", raised=True)
            raise

    # -- one step

    async def step(self, step: Step, context: Handle, scope: FlowScope, span: int) -> StepResult:
        """One step with all its attempts. Raises StepFailure if it throws in the end."""
        try:
            if self._skipped(step, context):
                result = self._set_result(step, context, {"status": "skipped"})
            else:
                result = await self._attempts(step, context, scope, span)
        except StepFailure as failure:
            self.observer.end(span, "error", raised=True, timeout=failure.timeout)
            raise
        except FlowStop:
            self.observer.end(span, "stopped")
            raise
        self.observer.end(span, result.status, result.handle)
        return result

    def _skipped(self, step: Step, context: Handle) -> bool:
        for key, skips in (("if", False), ("unless", True)):
            expression = step.get(key)
            if truthy(expression) and self.values.holds(context, expression) is skips:
                return True
        return False

    async def _attempts(self, step: Step, context: Handle, scope: FlowScope, span: int) -> StepResult:
        began = self.now()
        on_error = OnError(step, scope.default_on_error)
        last = StepFailure("")
        for attempt in range(1, on_error.attempts + 1):
            if attempt > 1:
                await self._pause(step, on_error, attempt)
            self.observer.attempt(span, attempt)
            self.observer.resolves(span, attempt, step, context)
            try:
                handle = await self._attempt(step, context, scope, span, attempt)
            except StepFailure as failure:
                last = failure
                if attempt == on_error.attempts or self._gives_up(step, on_error, failure):
                    break
            else:
                return self._succeeded(step, context, handle, self.now() - began, attempt)
        if not on_error.carries_on:
            raise last
        result: dict[str, Any] = {"status": "timeout" if last.timeout else "failed"}
        result["error"] = last.message or "Unknown error"
        if last.code:
            result["errorCode"] = last.code
        result |= {"durationMs": self.now() - began, "retries": max(0, on_error.attempts - 1)}
        return self._set_result(step, context, result)

    async def _pause(self, step: Step, on_error: OnError, attempt: int) -> None:
        delay = on_error.delay_ms(attempt)
        fields = {"attempt": attempt, "maxRetries": on_error.max_retries, "delayMs": delay}
        self.emit("step:retry", stepId=_field(step, "id"), **fields)
        await self.loop.sleep(delay)

    def _gives_up(self, step: Step, on_error: OnError, failure: StepFailure) -> bool:
        reason = on_error.no_retry_reason(failure)
        if reason is not None:
            self.emit("step:retry-skip", stepId=_field(step, "id"), reason=reason, error=failure.message)
        return reason is not None

    async def _attempt(
        self, step: Step, context: Handle, scope: FlowScope, span: int, attempt: int
    ) -> Handle:
        """The result of one attempt."""
        if truthy(step.get("requires")):
            self.values.requires(context, step)
        if self.options.mock and step.get("type") in EXTERNAL:
            handle = Handle(self.values, "results")
            config = self.values.mock(handle, context, step)
            self.emit("step:mock", stepId=_field(step, "id"), type=step["type"], config=config)
            return handle
        call = Call(self, step, context, scope, span, attempt)
        limit = step.get("timeoutMs")
        body = self.loop.go(self._body(call))
        if not truthy(limit):
            return await body
        message = f'Step "{step.get("id")}" exceeded timeout of {_plain(limit)}ms'
        timeout = StepFailure(message, code="TIMEOUT", timeout=True)
        return await self.loop.limited(body, number(limit), timeout)

    def _succeeded(
        self, step: Step, context: Handle, handle: Handle, duration: int, attempt: int
    ) -> StepResult:
        retries = attempt - 1 or None
        if retries:
            self.emit("step:retry-success", stepId=_field(step, "id"), retries=retries)
        self.values.finish(context, step, handle, duration, retries)
        return StepResult(handle, "success", duration, retries)

    def _set_result(self, step: Step, context: Handle, result: dict[str, Any]) -> StepResult:
        """A result that no JavaScript has made."""
        handle = Handle(self.values, "results")
        self.values.given(handle, result)
        self.values.keep(context, [(step, handle)])
        return StepResult(handle, result["status"], result.get("durationMs"), result.get("retries"))


def _field(holder: dict[str, Any], name: str) -> Json:
    return holder.get(name, MISSING)


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _word(value: Json) -> str:
    return "null" if value is None else "undefined"


def _length(steps: Json) -> Json:
    if steps is MISSING or steps is None:
        raise StepFailure(
            f"Cannot read properties of {'undefined' if steps is MISSING else 'null'} (reading 'length')"
        )
    return len(steps) if isinstance(steps, list) else MISSING
