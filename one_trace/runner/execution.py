"""One run: the engine's events become log, state and output, and its end becomes a result."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from one_trace.engine.call import Body, FlowScope, RunOptions
from one_trace.engine.control import Engine, Event
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Clock, Loop, Stuck
from one_trace.engine.observer import Observer, Place
from one_trace.engine.steps import run as run_body
from one_trace.engine.values import Handle
from one_trace.model.times import to_iso
from one_trace.runner.failures import WorkerBroken, WorkerGone
from one_trace.runner.input_sizes import InputSizes
from one_trace.runner.loading import FlowUnreadable, Loaded, load
from one_trace.runner.node_values import NodeValues
from one_trace.runner.run_log import RunLog, to_json
from one_trace.runner.run_state import RunState, Save
from one_trace.runner.worker import Worker

OnEvent = Callable[[Event, str], None]
"""Called with each event and its JSON after it has been recorded."""


class RunEnd(NamedTuple):
    """How a run ended: `error` if it failed, `stopped` if `--stop-after` stopped it."""

    error: str | None = None
    stopped: bool = False


class FlowRun:
    """A recorded run. Used once: `start` or `resume`, then `execute`."""

    def __init__(
        self,
        worker: Worker,
        loaded: Loaded,
        run_id: str,
        on_event: OnEvent,
        *,
        clock: Clock | None = None,
        observer: Observer | None = None,
        options: RunOptions | None = None,
        flow_key: str | None = None,
        save: Save = "after steps",
        traced: bool = False,
        body: Body = run_body,
    ) -> None:
        """Creates the run's files below the working directory, which the worker must share. `traced`: record
        the sizes of the steps' inputs."""
        self.worker, self.loaded, self.run_id = worker, loaded, run_id
        self.flow_key = flow_key or loaded.flow["key"]
        self.log = RunLog(self.flow_key, run_id)
        self.loop = Loop(clock or Clock())
        self._traced = traced and self.log.make_sizes_folder()
        observer = observer or (InputSizes(worker) if self._traced else Observer())
        values = NodeValues(worker)
        self.engine = Engine(
            values, self.loop, options or RunOptions(), self._find_flow, self._emit, body, observer
        )
        self.context = Handle(values, "contexts")
        self.state = RunState(values, self.context, self.log.state_path, save)
        self.paused = False
        self._inputs = Handle(values, "values")
        self._on_event = on_event
        self._top_level = {step.get("id") for step in loaded.flow["steps"] if isinstance(step, dict)}
        self._finished: set[str] | None = None
        """The steps that a resumed run has finished already."""

    def start(self, inputs: list[str]) -> None:
        """A new run with inputs ``name=value``."""
        self.worker.tell("parseInputs", self._inputs.number, inputs, self.loaded.flow.get("inputs"))
        fields = {"runId": self.run_id, "flowKey": self.flow_key, "status": "running"}
        fields |= {"startedAt": to_iso(self._now()), "completedSteps": []}
        self.state.create(fields, self._inputs)

    def resume(self) -> None:
        """The run that its state file holds."""
        completed = self.state.reopen(self._inputs)["completedSteps"]
        # A sub-flow step may have completed under the id of one of ours that never ran: it has no result.
        own = [step["id"] for step in self.loaded.flow["steps"] if step.get("id") in completed]
        self._finished = set(self.worker.ask("finished", self.context.number, own))

    def execute(self) -> RunEnd:
        """Run the flow to its end. A failed flow is a result, not an exception."""
        resumed = self._finished is not None
        after = " after resume" if resumed else ""
        self._begin("Flow resumed" if resumed else "Flow started")
        try:
            finished = self.loop.run(self.loop.go(self._flow()), self.worker)
        except (StepFailure, Stuck) as failure:
            try:
                self.state.write(unset=("pausedAt",), status="failed")
            except StepFailure as unsaved:
                return RunEnd(error=unsaved.message)  # as in One CLI, which logs nothing then
            return self._failed(failure.message, after)
        try:
            self.state.write(unset=("pausedAt",), status="completed", completedAt=to_iso(self._now()))
        except StepFailure as failure:
            return self._failed(failure.message, after)
        self._log("info", f"Flow completed{after}", {"status": "success"})
        return RunEnd(stopped=not finished)

    def _begin(self, message: str) -> None:
        now = self._now()
        self.log.line(now, "info", message, to_json({"flowKey": self.flow_key, "runId": self.run_id}))
        if self._traced:
            self.worker.tell("openSizes", self.log.sizes_path, {"run": self.run_id, "go": to_iso(now)})
        self.state.write(unset=("pausedAt",), status="running")

    def _failed(self, message: str, after: str) -> RunEnd:
        self._log("error", f"Flow failed{after}", {"error": message})
        return RunEnd(error=message)

    async def _flow(self) -> bool:
        flow = self.loaded.flow
        self.worker.ask("accept", self.context.number, self._inputs.number, flow.get("inputs"))
        scope = FlowScope(flow["key"], self.loaded.root, (), flow.get("defaultOnError"))
        return await self.engine.flow(flow, scope, self.context, Place(), self._finished or ())

    def drain(self, *, last: bool = True) -> None:
        """Wait, as One CLI does, until nothing that the run has left behind is running.

        `last`: no other run follows on this worker, so timers and the like inside it count as well.
        """
        if last:
            self.worker.ending()
        while self.loop.turn(self.worker):
            pass

    def end_sizes(self) -> None:
        """Complete the file of sizes. Without the worker it stays as it is."""
        if self._traced:
            with suppress(WorkerGone, WorkerBroken):
                self.worker.ask("endSizes")

    def failed_outside(self, message: str) -> None:
        """Log a failure that no step threw, after the worker is gone and the state with it."""
        self._log("error", "Flow failed", {"error": message})

    def _find_flow(self, key: str) -> Loaded:
        try:
            return load(key, self.worker.json_error)
        except FlowUnreadable as error:
            raise StepFailure(str(error)) from error

    # -- events

    def _emit(self, event: Event) -> None:
        name, text = event["event"], to_json(event)
        self.log.line(self._now(), "warn" if "error" in name else "info", name, text)
        step_id = event.get("stepId")
        if name == "step:complete" and step_id:
            # Top-level steps are few, and a state that cannot be saved must fail the right one.
            self.state.completed(step_id, always=step_id in self._top_level)
        elif name == "step:start" and step_id:
            self.state.started(step_id)
        self._on_event(event, text)
        if self.paused and name == "step:complete":
            self.state.write(status="paused", pausedAt=to_iso(self._now()))

    def _log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.log.line(self._now(), level, message, to_json(fields))

    def _now(self) -> int:
        return self.loop.clock.now_ms()


@contextmanager
def on_ctrl_c(act: Callable[[], None]) -> Iterator[None]:
    """While the body runs, Ctrl-C only calls `act`, in the signal handler."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: act())
    try:
        yield
    finally:
        with suppress(TypeError):  # a handler that Python has not set cannot be restored
            signal.signal(signal.SIGINT, before)
