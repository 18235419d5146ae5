"""The commands: what `flow execute|resume|validate|list` do and report."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from one_trace.engine.call import RunOptions
from one_trace.engine.failures import StepFailure
from one_trace.engine.schema import Json
from one_trace.record.flow_files import resolve
from one_trace.runner.command_line import Parsed
from one_trace.runner.execution import FlowRun, RunEnd, on_ctrl_c
from one_trace.runner.listing import flows
from one_trace.runner.loading import FlowUnreadable, Loaded, load, read
from one_trace.runner.output import Output
from one_trace.runner.preflight import Refused, Syntax, check, check_remote
from one_trace.runner.run_log import find_state, new_run_id, to_json
from one_trace.runner.validate import validate
from one_trace.runner.worker import Worker

if TYPE_CHECKING:
    from one_trace.record.files import RunFiles

Document = dict[str, Any]


@dataclass(slots=True)
class CommandSession:
    """One invocation: where it reports, and the run that it started."""

    output: Output
    run_id: str | None = None
    traced: bool = False
    """Whether the run records the sizes of the steps' inputs."""
    agent: bool = False
    cancels: bool = False
    """Whether Ctrl-C ends the run; otherwise it only marks the run as paused."""
    canceled: bool = False
    worker: Worker | None = None
    run: FlowRun | None = None

    def start_worker(self) -> Worker:
        env = dict(os.environ)
        if self.agent:
            env["NODE_NO_WARNINGS"] = "1"  # as One CLI does for agents
        self.worker = Worker(env)
        return self.worker

    def new_run(
        self, loaded: Loaded, run_id: str, options: RunOptions, flow_key: str | None = None
    ) -> FlowRun:
        assert self.worker is not None
        self.run = FlowRun(
            self.worker,
            loaded,
            run_id,
            lambda _event, text: self.output.line(text.encode()),
            options=options,
            flow_key=flow_key,
            traced=self.traced,
        )
        return self.run

    def refuse(self, message: str, **more: Json) -> int:
        """Report an error that kept the command from running; the exit code."""
        self.output.report({"error": message} | more)
        return 1

    def failed(self, error: str, more: Document) -> int:
        """Report that the run has failed; the exit code."""
        assert self.run is not None
        head = {"event": "workflow:result", "runId": self.run.run_id}
        self.output.report(head | more | {"status": "failed", "error": error})
        return 1

    def succeeded(self, head: Document, tail: Document, if_failed: Document) -> int:
        """Report the results, then wait for what the run has left behind; the exit code.

        `head` and `tail` stand before and after the results, `if_failed` is reported if they are not JSON.
        """
        assert self.run is not None
        if self.output.for_people or "outputFile" in head:
            self.output.report(head | tail)
        else:
            try:
                results: bytes = self.run.worker.ask("results", self.run.context.number)
            except StepFailure as failure:
                return self.failed(failure.message, if_failed)
            end = "," + to_json(tail)[1:] if tail else "}"
            self.output.line(f'{to_json(head)[:-1]},"steps":'.encode() + results + end.encode())
        self.run.drain()
        return 0

    def interrupted(self) -> None:
        """Ctrl-C: end the run and leave its record as it stands, or mark the run as paused."""
        assert self.run is not None
        if self.cancels:
            self.canceled = True
            self.run.worker.kill()  # the run notices when it next waits for the worker
        else:
            self.run.paused = True
            self.output.pausing(self.run.run_id)

    def files(self) -> RunFiles | None:
        """Where the run was recorded."""
        if self.run is None:
            return None
        from one_trace.record.files import RunFiles

        here, log = Path.cwd(), self.run.log
        return RunFiles(
            project=here,
            flow_key=self.run.flow_key,
            run_id=self.run.run_id,
            log=here / log.path,
            state=here / log.state_path,
            sizes=here / log.sizes_path if self.traced else None,
        )


def list_flows(session: CommandSession) -> int:
    """`flow list`."""
    session.output.report({"workflows": flows()})
    return 0


def validate_flow(session: CommandSession, key: str) -> int:
    """`flow validate`."""
    worker = session.start_worker()
    try:
        # Unlike in `load`, the error of a missing file is that of opening it.
        loaded = read(resolve(key), worker.json_error)
    except FlowUnreadable as error:
        return session.refuse(f"Could not read workflow: {error}")
    problems = validate(loaded.flow, loaded.root, Syntax(worker))
    if problems:
        session.output.report({"valid": False, "errors": problems})
        return 1
    session.output.report({"valid": True, "key": loaded.flow["key"]})
    return 0


def execute(session: CommandSession, parsed: Parsed) -> int:
    """`flow execute`."""
    worker = session.start_worker()
    options = RunOptions(
        dry_run=parsed.has("--dry-run"),
        mock=parsed.has("--mock"),
        allow_bash=parsed.has("--allow-bash"),
        stop_after=parsed.last("--stop-after"),
    )
    inputs = parsed.values.get("--input", [])
    try:
        loaded = load(parsed.argument or "", worker.json_error)
    except FlowUnreadable as error:
        return session.refuse(str(error))
    problems = validate(loaded.flow, loaded.root, Syntax(worker))
    if problems:
        return session.refuse("Validation failed", errors=problems)
    _warn_of_layout(session.output, loaded)
    worker.ready()
    try:
        check(loaded.flow, options, inputs)
    except Refused as refused:
        return session.refuse(refused.message, **refused.more)
    check_remote(loaded, options, worker)
    run = session.new_run(loaded, session.run_id or new_run_id(), options)
    run.start(inputs)
    with on_ctrl_c(session.interrupted):
        ended = run.execute()
    return _report(session, ended, options, parsed.last("--output-file"))


def _warn_of_layout(output: Output, loaded: Loaded) -> None:
    if not loaded.path.endswith(".flow.json"):
        return
    key = loaded.flow["key"]
    warning = f'Workflow "{key}" uses the deprecated single-file layout.'
    warning += f" Migrate to .one/flows/{key}/flow.json (see: one guide flows)."
    output.report({"event": "flow:deprecation", "flowKey": key, "warning": warning})


def _report(session: CommandSession, ended: RunEnd, options: RunOptions, output_file: str | None) -> int:
    run = session.run
    assert run is not None
    log = {"logFile": run.log.path}
    if ended.error is not None:
        return session.failed(ended.error, log)
    head: Document = {"event": "workflow:result", "runId": run.run_id, **log}
    more: Document = {}
    if output_file is not None:
        more["outputFile"] = os.path.abspath(output_file)
        try:
            _write_results(run, more["outputFile"], head | {"status": "success"})
        except StepFailure as failure:
            return session.failed(failure.message, log)
    head |= {"statePath": run.log.state_path, "status": "stopped" if ended.stopped else "success"}
    tail: Document = {"dryRun": True} if options.dry_run else {}
    if ended.stopped:
        tail["stoppedAfter"] = options.stop_after
    return session.succeeded(head | more, tail, log)


def _write_results(run: FlowRun, file: str, head: Document) -> None:
    run.worker.ask("writeResults", file, f'{to_json(head)[:-1]},"steps":{{', run.context.number)


def resume(session: CommandSession, run_id: str) -> int:
    """`flow resume`."""
    state = find_state(run_id)
    if state is None:
        return session.refuse(f'Run "{run_id}" not found')
    if state.status not in ("paused", "failed"):
        return session.refuse(f'Run "{run_id}" is {state.status} — can only resume paused or failed runs')
    worker = session.start_worker()
    try:
        loaded = load(state.flow_key, worker.json_error)
    except FlowUnreadable as error:
        return session.refuse(f'Could not load workflow "{state.flow_key}": {error}')
    if not isinstance(loaded.flow, dict) or not isinstance(loaded.flow.get("steps"), list):
        return session.refuse(f'Could not load workflow "{state.flow_key}": it has no steps')
    worker.ready()
    options = RunOptions()
    check_remote(loaded, options, worker)
    run = session.new_run(loaded, state.run_id, options, state.flow_key)
    run.resume()
    # One CLI's resume does not know pausing: unless Ctrl-C cancels the run, it ends us by the signal.
    with on_ctrl_c(session.interrupted) if session.cancels else nullcontext():
        ended = run.execute()
    if ended.error is not None:
        return session.failed(ended.error, {})
    head = {"event": "workflow:result", "runId": run_id, "logFile": run.log.path, "status": "success"}
    return session.succeeded(head, {}, {})
