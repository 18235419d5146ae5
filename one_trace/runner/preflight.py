"""Checks before any step runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from one_trace.engine.call import RunOptions
from one_trace.engine.schema import REMOTE, Json, steps_in
from one_trace.errors import CliError
from one_trace.runner.listing import needs_bash
from one_trace.runner.loading import FlowUnreadable, Loaded, load
from one_trace.runner.worker import Worker

INSTALL = "npm install -g @withone/cli"
_NAMED = 5


class Refused(Exception):
    """A run that One CLI refuses. `more`: further fields of the reported error."""

    def __init__(self, message: str, **more: Json) -> None:
        super().__init__(message)
        self.message = message
        self.more = more


class NeedsHost(CliError):
    """The flow has steps that the built-in runner cannot run."""

    code = "needs-one-cli"


class Syntax(NamedTuple):
    """Parses JavaScript in the worker, and waits for that to start only if there is any."""

    worker: Worker

    def source(self, text: str) -> str | None:
        return self._ask("syntax", text)

    def file(self, path: str) -> str | None:
        return self._ask("check", path)

    def _ask(self, operation: str, argument: str) -> str | None:
        self.worker.ready()
        error: str | None = self.worker.ask(operation, argument)
        return error


def check(flow: Json, options: RunOptions, inputs: list[str]) -> None:
    """Refuse bash steps without `--allow-bash`, an unknown `--stop-after`, inputs without ``=``."""
    key = flow["key"]
    if not options.allow_bash and needs_bash(flow):
        message = f'Workflow "{key}" contains bash steps. Re-run with --allow-bash to permit shell execution.'
        raise Refused(message, requiresBash=True, flowKey=key)
    ids = list(dict.fromkeys(step["id"] for step, _ in steps_in(flow["steps"])))
    if options.stop_after and options.stop_after not in ids:
        message = f'--stop-after target "{options.stop_after}" is not a step in workflow "{key}".'
        message += f" Known step ids: {', '.join(ids)}"
        raise Refused(message, unknownStopAfter=options.stop_after, stepIds=ids)
    for given in inputs:
        if "=" not in given:
            raise Refused(f'Invalid input format: "{given}" — expected name=value')


def check_remote(loaded: Loaded, options: RunOptions, worker: Worker) -> None:
    """Raises NeedsHost if a step, including those of sub-flows with a literal key, needs One's service."""
    if options.mock or (options.dry_run and not options.stop_after):
        return
    steps = _steps(loaded.flow, worker, set())
    found = [f"{step.get('id')} ({step['type']})" for step in steps if step.get("type") in REMOTE]
    if not found:
        return
    names = ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
    raise NeedsHost(
        f'Workflow "{loaded.flow["key"]}" has steps that need One CLI, which is not installed: {names}.',
        hint=f"Install it: {INSTALL}. Or run with --mock.",
    )


def _steps(flow: Json, worker: Worker, seen: set[str]) -> Iterator[dict[str, Any]]:
    for step, _ in steps_in(flow.get("steps")) if isinstance(flow, dict) else ():
        yield step
        config = step.get("flow")
        key = config.get("key") if step.get("type") == "flow" and isinstance(config, dict) else None
        if not isinstance(key, str) or key in seen or key.startswith("$.") or "{{" in key:
            continue
        seen.add(key)
        try:
            inside = load(key, worker.json_error).flow
        except FlowUnreadable:
            continue  # reported by the step, if it is ever reached
        yield from _steps(inside, worker, seen)
