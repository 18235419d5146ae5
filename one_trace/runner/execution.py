"""One run: the engine's events become log, state and output, and its end becomes a result."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

from one_trace.model.times import to_iso
from one_trace.runner.engine import Engine, Event
from one_trace.runner.failures import StepFailure, WorkerBroken, WorkerGone
from one_trace.runner.input_sizes import InputSizes
from one_trace.runner.loading import Loaded
from one_trace.runner.loop import Clock, Loop, Stuck
from one_trace.runner.observer import Observer, Place
from one_trace.runner.run_log import RunLog, to_json
from one_trace.runner.steps import run as run_body
from one_trace.runner.terms import FlowScope, RunOptions
from one_trace.runner.worker import Handle, Worker

Save = Literal["after steps", "after every step", "at the ends"]
"""When the state is kept up to date on disk: after each step unless saves would take most of the time, after
each step whatever it takes, or only as the run begins and ends.
"""
OnEvent = Callable[[Event, str], None]
"""Called with each event and its JSON, after it has been written down."""


@dataclass(slots=True)
class RunEnd:
    """How a run came out: `error` where it failed, `stopped` where a stop was asked for."""

    error: str | None = None
    stopped: bool = False


class Run:
    """A run that is recorded. Used once: `start` or `resume`, then `execute`."""

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
    ) -> None:
        """Makes the run's files, below the working directory. The worker must have the same one. `traced`:
        the sizes of what goes into its steps are to be known."""
        self.worker, self.loaded, self.run_id = worker, loaded, run_id
        self.flow_key = flow_key or loaded.flow["key"]
        self.log = RunLog(self.flow_key, run_id)
        self.loop = Loop(clock or Clock())
        self._traced = traced and self.log.sizes_folder()
        if self._traced:
            observer = InputSizes(worker, observer or Observer())
        self.engine = Engine(worker, self.loop, options or RunOptions(), self._emit, run_body, observer)
        self.context = self.engine.context()
        self.paused = False
        self._state = Handle(worker, "states")
        self._inputs = Handle(worker, "values")
        self._on_event = on_event
        self._save = save
        # Their saves are never put off: they are few, and one that fails is to fail the right step.
        self._top = {step.get("id") for step in loaded.flow["steps"] if isinstance(step, dict)}
        self._done: set[str] = set()
        self._resumed = False
        self._observer = self.engine.observer
        self._observer.watch(self.loop)

    # -- the two ways to begin

    def start(self, words: list[str]) -> None:
        """A new run with inputs ``name=value``."""
        declared = self.loaded.flow.get("inputs")
        self.worker.tell("parseInputs", self._inputs.number, words, declared)
        state = {"runId": self.run_id, "flowKey": self.flow_key, "status": "running"}
        state |= {"startedAt": to_iso(self._now()), "completedSteps": []}
        numbers = (self.context.number, self._inputs.number)
        self.worker.ask("openState", self._state.number, self.log.state_path, state, *numbers)

    def resume(self) -> dict[str, Any]:
        """The run as its state file has it; that, without context and inputs."""
        self.worker.ask("reopenState", self._state.number, self.log.state_path, self.context.number)
        state: dict[str, Any] = self.worker.ask("stateOf", self._state.number)
        self.worker.tell("inputsOf", self._inputs.number, self.context.number, self._state.number)
        # A step of a sub-flow may have finished under the id of one of ours that never ran: it has no result.
        own = [step["id"] for step in self.loaded.flow["steps"] if step.get("id") in state["completedSteps"]]
        self._done = set(self.worker.ask("finished", self.context.number, own))
        self._resumed = True
        return state

    # -- running

    def execute(self) -> RunEnd:
        """Run it to its end, failures included."""
        after = " after resume" if self._resumed else ""
        first = "Flow resumed" if self._resumed else "Flow started"
        began = self._now()
        self.log.line(began, "info", first, to_json({"flowKey": self.flow_key, "runId": self.run_id}))
        if self._traced:
            go = {"run": self.run_id, "go": to_iso(began)}
            self.worker.tell("openSizes", self.log.sizes_path, go)
        self.worker.tell("set", self._state.number, {"status": "running"})
        self.worker.tell("unset", self._state.number, ["pausedAt"])
        self.worker.ask("write", self._state.number)
        try:
            finished = self.loop.run(self.loop.go(self._flow()), self.worker)
        except (StepFailure, Stuck) as failure:
            try:
                self._finish({"status": "failed"})
            except (
                StepFailure
            ) as unkept:  # as in the host, this is then what failed the flow, and no line says so
                return RunEnd(error=unkept.message)
            return self._failed(failure.message, after)
        try:
            self._finish({"status": "completed", "completedAt": to_iso(self._now())})
        except StepFailure as failure:
            return self._failed(failure.message, after)
        self._log("info", f"Flow completed{after}", {"status": "success"})
        return RunEnd(stopped=not finished)

    def _failed(self, message: str, after: str) -> RunEnd:
        self._log("error", f"Flow failed{after}", {"error": message})
        return RunEnd(error=message)

    async def _flow(self) -> bool:
        flow = self.loaded.flow
        self.worker.ask("accept", self.context.number, self._inputs.number, flow.get("inputs"))
        scope = FlowScope(flow["key"], self.loaded.root, (), flow.get("defaultOnError"))
        return await self.engine.flow(flow, scope, self.context, Place(), self._done)

    def saves(self, when: Save) -> None:
        """From here on."""
        self._save = when

    def _finish(self, changes: dict[str, str]) -> None:
        self.worker.tell("unset", self._state.number, ["pausedAt"])
        self.worker.tell("set", self._state.number, changes)
        self.worker.ask("write", self._state.number)

    def drain(self, *, last: bool = True) -> None:
        """Go on as long as anything that the run has left behind is still running, as the host does.

        `last`: no other run follows on this worker, and what steps have left running in it counts as well.
        """
        if last:
            self.worker.ending()
        while self.loop.turn(self.worker):
            pass

    def end_sizes(self) -> None:
        """Nothing of the run goes on any more. Without the worker, the file ends as it stands."""
        if self._traced:
            with suppress(WorkerGone, WorkerBroken):
                self.worker.ask("endSizes")

    def failed_outside(self, message: str) -> None:
        """Write down a failure that no step threw; the worker is gone, and the state with it."""
        self._log("error", "Flow failed", {"error": message})

    # -- events

    def _emit(self, event: Event) -> None:
        name, text = event["event"], to_json(event)
        self.log.line(self._now(), "warn" if "error" in name else "info", name, text)
        step_id = event.get("stepId")
        if name == "step:complete" and step_id:
            if self._save == "at the ends":
                self.worker.tell("completed", self._state.number, step_id)
            else:
                save = "after every step" if step_id in self._top else self._save
                self.worker.ask("completed", self._state.number, step_id, save)
        elif name == "step:start" and step_id:
            self.worker.tell("current", self._state.number, step_id)
        self._on_event(event, text)
        if self.paused and name == "step:complete":
            self.worker.tell("set", self._state.number, {"status": "paused", "pausedAt": to_iso(self._now())})
            self.worker.ask("write", self._state.number)

    def _log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.log.line(self._now(), level, message, to_json(fields))

    def _now(self) -> int:
        return self.loop.clock.now_ms()


@contextmanager
def on_ctrl_c(act: Callable[[], None]) -> Iterator[None]:
    """While the body runs, Ctrl-C calls `act`, from within the signal's handler, and nothing else."""

    def handle(_number: int, _frame: object) -> None:
        act()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        with suppress(TypeError):  # a handler that was not set by Python cannot be put back
            signal.signal(signal.SIGINT, before)
