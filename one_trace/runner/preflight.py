"""What is checked before any step runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from one_trace.errors import CliError
from one_trace.runner.engine import json_error
from one_trace.runner.javascript import unique
from one_trace.runner.listing import needs_bash
from one_trace.runner.loading import FlowUnreadable, Loaded, load, walk
from one_trace.runner.schema import REMOTE, Json
from one_trace.runner.terms import RunOptions
from one_trace.runner.worker import Worker

INSTALL = "npm install -g @withone/cli"
_NAMED = 5


class Refused(Exception):
    """A run that the host refuses; `more` goes into an agent's answer beside the message."""

    def __init__(self, message: str, **more: Json) -> None:
        super().__init__(message)
        self.message = message
        self.more = more


class NeedsHost(CliError):
    """Steps that the built-in runner cannot run."""

    code = "needs-one-cli"


@dataclass(slots=True)
class Syntax:
    """Asks the worker, and waits for it only where there is something to ask."""

    worker: Worker
    _known: dict[str, str | None] = field(default_factory=dict)

    def source(self, text: str) -> str | None:
        self.worker.ready()
        why: str | None = self.worker.ask("syntax", text)
        return why

    def file(self, path: str) -> str | None:
        self.worker.ready()
        why: str | None = self.worker.ask("check", path)
        return why


def check(flow: Json, options: RunOptions) -> None:
    """Refuse what the host refuses: bash that was not allowed, and a stop at a step that is not there."""
    key = flow["key"]
    if not options.allow_bash and needs_bash(flow):
        message = f'Workflow "{key}" contains bash steps. Re-run with --allow-bash to permit shell execution.'
        raise Refused(message, requiresBash=True, flowKey=key)
    ids = unique(step["id"] for step in walk(flow["steps"]))
    if options.stop_after and options.stop_after not in ids:
        message = f'--stop-after target "{options.stop_after}" is not a step in workflow "{key}".'
        message += f" Known step ids: {', '.join(ids)}"
        raise Refused(message, unknownStopAfter=options.stop_after, stepIds=ids)


def check_inputs(words: list[str]) -> None:
    """Refuse inputs that are no ``name=value``."""
    for word in words:
        if "=" not in word:
            raise Refused(f'Invalid input format: "{word}" — expected name=value')


def check_remote(loaded: Loaded, options: RunOptions, worker: Worker) -> None:
    """NeedsHost if a step, also of a sub-flow named outright, can be run by One's own service alone."""
    if options.mock or (options.dry_run and not options.stop_after):
        return
    found = [
        f"{step.get('id')} ({step['type']})" for step in _steps(loaded.flow, worker, set()) if _remote(step)
    ]
    if not found:
        return
    names = ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
    raise NeedsHost(
        f'Workflow "{loaded.flow["key"]}" has steps that need One CLI, which is not installed: {names}.',
        hint=f"Install it: {INSTALL}. Or run with --mock.",
    )


def _remote(step: dict[str, Any]) -> bool:
    return step.get("type") in REMOTE


def _steps(flow: Json, worker: Worker, seen: set[str]) -> Iterator[dict[str, Any]]:
    for step in walk(flow.get("steps")) if isinstance(flow, dict) else ():
        yield step
        config = step.get("flow")
        key = config.get("key") if step.get("type") == "flow" and isinstance(config, dict) else None
        if not isinstance(key, str) or key in seen or key.startswith("$.") or "{{" in key:
            continue
        seen.add(key)
        try:
            inside = load(key, lambda text: json_error(worker, text)).flow
        except FlowUnreadable:
            continue  # the step itself will say so, if it is ever reached
        yield from _steps(inside, worker, seen)
