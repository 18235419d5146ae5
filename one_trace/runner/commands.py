"""The commands: what `flow execute|resume|validate|list` do and print."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from one_trace.guard.text import clean
from one_trace.record.flow_files import resolve
from one_trace.runner import human
from one_trace.runner.console import Console
from one_trace.runner.engine import Event, json_error
from one_trace.runner.execution import Ended, Run, on_ctrl_c
from one_trace.runner.failures import StepFailure
from one_trace.runner.listing import flows
from one_trace.runner.loading import FlowUnreadable, Loaded, load, read
from one_trace.runner.options import Parsed
from one_trace.runner.preflight import Refused, Syntax, check, check_inputs, check_remote
from one_trace.runner.record import new_run_id
from one_trace.runner.schema import Json
from one_trace.runner.states import find_state
from one_trace.runner.terms import Options
from one_trace.runner.validate import validate
from one_trace.runner.worker import Worker

if TYPE_CHECKING:
    from one_trace.record.files import RunFiles

Listener = Callable[[Event], None]
PAUSING = "run:pausing"
"""Told to the listener alone, from within a signal handler: Ctrl-C has marked the run as paused."""
CANCELED = "run:canceled"
"""The same: Ctrl-C has ended the run."""


@dataclass(slots=True)
class Session:
    """One invocation: where it speaks, who listens, and the run that came of it."""

    console: Console
    on_event: Listener | None = None
    run_id: str | None = None
    traced: bool = False
    """Whether the run is to leave the sizes of what went into its steps."""
    worker: Worker | None = None
    run: Run | None = None
    cancels: bool = False
    """Whether Ctrl-C ends the run, as it does in the terminal of a person; else it goes on."""
    canceled: bool = False

    def start_worker(self) -> Worker:
        env = dict(os.environ)
        if self.console.agent:
            env["NODE_NO_WARNINGS"] = "1"  # as the host: warnings would stand between an agent and its JSON
        self.worker = Worker(env)
        return self.worker

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


def list_flows(session: Session) -> int:
    """`flow list`."""
    session.console.intro()
    found = flows()
    if session.console.agent:
        session.console.json({"workflows": found})
    else:
        human.flow_table(session.console, found)
    return 0


def validate_flow(session: Session, key: str) -> int:
    """`flow validate`."""
    console = session.console
    console.intro()
    worker = session.start_worker()
    try:
        loaded = _load_any(key, worker)
    except FlowUnreadable as error:
        return console.error(f"Could not read workflow: {error}")
    problems = validate(loaded.flow, loaded.root, Syntax(worker))
    if problems and console.agent:
        console.json({"valid": False, "errors": problems})
        return 1
    if problems:
        human.problems(console, problems)
        return console.error(f"{len(problems)} validation error(s) found")
    if console.agent:
        console.json({"valid": True, "key": loaded.flow["key"]})
    else:
        console.say("◇  Workflow is valid")
        console.note(f'Workflow "{loaded.flow["key"]}" passed all validation checks', "Valid")
    return 0


def _load_any(key: str, worker: Worker) -> Loaded:
    """As `load`; where there is no such file, the error is the one of opening it."""
    return read(resolve(key), lambda text: _json_error(worker, text))


def _json_error(worker: Worker, text: str) -> str:
    worker.ready()
    return json_error(worker, text)


def execute(session: Session, parsed: Parsed) -> int:
    """`flow execute`."""
    console = session.console
    console.intro()
    worker = session.start_worker()
    options = Options(
        dry_run=parsed.has("--dry-run"),
        mock=parsed.has("--mock"),
        allow_bash=parsed.has("--allow-bash"),
        stop_after=parsed.last("--stop-after"),
    )
    words = parsed.values.get("--input", [])
    try:
        loaded = load(parsed.argument or "", lambda text: _json_error(worker, text))
    except FlowUnreadable as error:
        return console.error(str(error))
    console.say(f"◇  Workflow: {clean(_name_of(loaded.flow))}")
    problems = validate(loaded.flow, loaded.root, Syntax(worker))
    if problems and console.agent:
        return console.error("Validation failed", errors=problems)
    if problems:
        return console.error(
            "Validation failed:\n" + "\n".join(clean(f"  {p['path']}: {p['message']}") for p in problems)
        )
    _warn_of_layout(console, loaded)
    worker.ready()
    try:
        check(loaded.flow, options)
        check_inputs(words)
    except Refused as refused:
        return console.error(refused.message, **refused.more)
    check_remote(loaded, options, worker)
    return _execute(session, loaded, options, words, parsed)


def _name_of(flow: Json) -> str:
    if not isinstance(flow, dict):
        return "?"
    steps = flow.get("steps")
    return f"{flow.get('name')} ({len(steps) if isinstance(steps, list) else '?'} steps)"


def _warn_of_layout(console: Console, loaded: Loaded) -> None:
    if not loaded.path.endswith(".flow.json"):
        return
    key = loaded.flow["key"]
    warning = f'Workflow "{key}" uses the deprecated single-file layout.'
    warning += f" Migrate to .one/flows/{key}/flow.json (see: one guide flows)."
    if console.agent:
        console.json({"event": "flow:deprecation", "flowKey": key, "warning": warning})
    else:
        console.warn(warning)


def _execute(session: Session, loaded: Loaded, options: Options, words: list[str], parsed: Parsed) -> int:
    console, worker = session.console, session.worker
    assert worker is not None
    view = human.Progress(console, verbose=parsed.has("--verbose"))
    run_id = session.run_id or new_run_id()
    tell = _teller(session, view)
    run = session.run = Run(worker, loaded, run_id, tell, options=options, traced=session.traced)
    run.start(words)
    view.begin()
    with on_ctrl_c(lambda: _interrupted(session, run, view)):
        ended = run.execute()
    view.end(ended)
    if ended.error is not None:
        return failed(console, run, ended.error, {"logFile": run.log.path})
    output_file = parsed.last("--output-file")
    if output_file is not None:
        output_file = os.path.abspath(output_file)
        try:
            head = {
                "event": "workflow:result",
                "runId": run.run_id,
                "logFile": run.log.path,
                "status": "success",
            }
            _write_results(run, output_file, head)
        except StepFailure as failure:
            return failed(console, run, failure.message, {"logFile": run.log.path})
    if console.agent:
        return _succeeded(console, run, ended, options, output_file)
    if output_file is not None:
        console.note(f"Full result written to {output_file}", "Output")
    view.summary(run, ended, options)
    run.drain()
    return 0


def _interrupted(session: Session, run: Run, view: human.Progress) -> None:
    """Ctrl-C: the run ends here, its record left as it stands, or it is marked as paused and goes on."""
    if session.cancels:
        session.canceled = True
        run.worker.kill()  # where the run waits for it next, it learns that
    else:
        run.paused = True
        view.pausing(run.run_id)
    if session.on_event is not None:
        session.on_event({"event": CANCELED if session.cancels else PAUSING, "runId": run.run_id})


def _teller(session: Session, view: human.Progress) -> Callable[[Event, str], None]:
    console, listener = session.console, session.on_event

    def tell(event: Event, text: str) -> None:
        if console.agent:
            console.write(f"{text}\n".encode())
        else:
            view.event(event)
        if listener is not None:
            listener(event)

    return tell


def _write_results(run: Run, file: str, head: dict[str, str]) -> None:
    from one_trace.runner.record import to_json

    run.worker.ask("writeResults", file, f'{to_json(head)[:-1]},"steps":{{', run.context.number)


def _succeeded(console: Console, run: Run, ended: Ended, options: Options, output_file: str | None) -> int:
    from one_trace.runner.record import to_json

    head: dict[str, Any] = {"event": "workflow:result", "runId": run.run_id, "logFile": run.log.path}
    head |= {"statePath": run.log.state_path, "status": "stopped" if ended.stopped else "success"}
    tail: dict[str, Any] = {"dryRun": True} if options.dry_run else {}
    if ended.stopped:
        tail["stoppedAfter"] = options.stop_after
    if output_file is not None:
        console.json(head | {"outputFile": output_file} | tail)
    else:
        try:
            steps: bytes = run.worker.ask("results", run.context.number)
        except StepFailure as failure:
            return failed(console, run, failure.message, {"logFile": run.log.path})
        end = "," + to_json(tail)[1:] if tail else "}"
        console.write(f'{to_json(head)[:-1]},"steps":'.encode() + steps + end.encode() + b"\n")
    run.drain()
    return 0


def failed(
    console: Console, run: Run, error: str, more: dict[str, str], words: str = "Workflow failed"
) -> int:
    if console.agent:
        head = {"event": "workflow:result", "runId": run.run_id}
        console.json(head | more | {"status": "failed", "error": error})
        return 1
    if more:
        human.where(console, run.run_id, run.log.path)
    return console.error(f"{words}: {error}")


def resume(session: Session, run_id: str) -> int:
    """`flow resume`."""
    console = session.console
    console.intro()
    state = find_state(run_id)
    if state is None:
        return console.error(f'Run "{run_id}" not found')
    if state.status not in ("paused", "failed"):
        return console.error(f'Run "{run_id}" is {state.status} — can only resume paused or failed runs')
    worker = session.start_worker()
    try:
        loaded = load(state.flow_key, lambda text: _json_error(worker, text))
    except FlowUnreadable as error:
        return console.error(f'Could not load workflow "{state.flow_key}": {error}')
    if not isinstance(loaded.flow, dict) or not isinstance(loaded.flow.get("steps"), list):
        return console.error(f'Could not load workflow "{state.flow_key}": it holds no steps')
    worker.ready()
    check_remote(loaded, Options(), worker)
    view = human.Progress(console, verbose=False, quiet=True)
    tell, key = _teller(session, view), state.flow_key
    run = session.run = Run(worker, loaded, state.run_id, tell, flow_key=key, traced=session.traced)
    run.resume()
    # The host's resume knows nothing of pausing: without its spinner, Ctrl-C ends it by the signal.
    with on_ctrl_c(lambda: _interrupted(session, run, view)) if session.cancels else nullcontext():
        ended = run.execute()
    if ended.error is not None:
        console.say("◇  Resume failed")
        return failed(console, run, ended.error, {}, "Resume failed")
    if console.agent:
        head = {"event": "workflow:result", "runId": run_id, "logFile": run.log.path, "status": "success"}
        return _resumed(console, run, head)
    console.say("◇  Workflow completed")
    console.line(f"  {console.green('✓')} Resumed and completed successfully")
    console.line(f"  {console.dim(f'Log: {run.log.path}')}")
    run.drain()
    return 0


def _resumed(console: Console, run: Run, head: dict[str, str]) -> int:
    from one_trace.runner.record import to_json

    try:
        steps: bytes = run.worker.ask("results", run.context.number)
    except StepFailure as failure:
        return failed(console, run, failure.message, {})
    console.write(f'{to_json(head)[:-1]},"steps":'.encode() + steps + b"}\n")
    run.drain()
    return 0
