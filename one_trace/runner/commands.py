"""The commands: what `flow execute|resume|validate|list` do and report."""

from __future__ import annotations

import os
from contextlib import nullcontext

from one_trace.engine.call import RunOptions
from one_trace.engine.failures import StepFailure
from one_trace.record.flow_files import resolve
from one_trace.runner.command_line import Parsed
from one_trace.runner.execution import FlowRun, RunEnd, on_ctrl_c
from one_trace.runner.listing import flows
from one_trace.runner.loading import FlowUnreadable, Loaded, load, read
from one_trace.runner.output import Output
from one_trace.runner.preflight import Refused, Syntax, check, check_remote
from one_trace.runner.run_log import find_state, new_run_id, to_json
from one_trace.runner.session import CommandSession, Document
from one_trace.runner.validate import validate


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


def _new_run(
    session: CommandSession, loaded: Loaded, run_id: str, options: RunOptions, flow_key: str | None = None
) -> FlowRun:
    session.run = FlowRun(
        session.start_worker(),
        loaded,
        run_id,
        lambda _event, text: session.output.line(text.encode()),
        options=options,
        flow_key=flow_key,
        traced=session.traced,
    )
    return session.run


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
    run = _new_run(session, loaded, session.run_id or new_run_id(), options)
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
    run = _new_run(session, loaded, state.run_id, options, state.flow_key)
    run.resume()
    # One CLI's resume does not know pausing: unless Ctrl-C cancels the run, it ends us by the signal.
    with on_ctrl_c(session.interrupted) if session.cancels else nullcontext():
        ended = run.execute()
    if ended.error is not None:
        return session.failed(ended.error, {})
    head = {"event": "workflow:result", "runId": run_id, "logFile": run.log.path, "status": "success"}
    return session.succeeded(head, {}, {})
