"""What people see of a run: the host's short words, without its spinner."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from one_trace.guard.text import clean, shell_word
from one_trace.runner.console import Console
from one_trace.runner.engine import Event
from one_trace.runner.terms import Options
from one_trace.runner.validate import Problem

if TYPE_CHECKING:
    from one_trace.runner.execution import Ended, Run

_PREVIEW = 120
_EXPRESSIONS = ("transform", "condition", "while")


class Progress:
    """A run as it goes on; agents get events in its place."""

    def __init__(self, console: Console, *, verbose: bool, quiet: bool = False) -> None:
        self._console = console
        self._verbose = verbose
        self._quiet = quiet or console.agent
        self._dry_run: list[dict[str, Any]] | None = None
        self._target: dict[str, Any] | None = None

    def begin(self) -> None:
        if not self._quiet and not self._verbose:
            self._console.say("◒  Executing workflow...")

    def pausing(self, run_id: str) -> None:
        if not self._quiet:
            words = self._console.yellow("Pausing after current step completes...")
            self._console.line(f"\n{words} (run ID: {run_id})")

    def event(self, event: Event) -> None:
        if event["event"] == "flow:dry-run":
            self._dry_run = event["steps"]
        elif event["event"] == "step:dry-resolve":
            self._target = event
        elif self._verbose:
            self._step(event)

    def _step(self, event: Event) -> None:
        told = step_line(self._console, event)
        if told is not None:
            self._console.line(told)

    def end(self, ended: Ended) -> None:
        if self._quiet or self._verbose:
            return
        if ended.error is not None:
            words = "Workflow failed"
        elif ended.stopped:
            words = "Workflow stopped"
        else:
            words = "Workflow completed" if self._dry_run is None else "Dry run complete"
        self._console.say(f"◇  {words}")

    def summary(self, run: Run, ended: Ended, options: Options) -> None:
        """What came of a run that did not fail."""
        console = self._console
        if self._dry_run is not None and not ended.stopped:
            dry_run(console, self._dry_run)
            return
        statuses = run.worker.ask("summary", run.context.number)
        counts(console, *(statuses.count(status) for status in ("success", "failed", "skipped")))
        where(console, run.run_id, run.log.path)
        if self._target is not None:
            target(console, self._target)
        if ended.stopped:
            stopped(
                console,
                options.stop_after,
                f"Look at it: {console.cyan(f'one trace show {shell_word(run.run_id)}')}",
            )
        elif options.dry_run:
            nothing_ran(console)


def step_line(console: Console, event: Event) -> str | None:
    """What `--verbose` says of an event, where it says anything."""
    time = console.dim(f"{datetime.now(UTC):%H:%M:%S}")
    if event["event"] == "step:start":
        kind = console.dim(f"({clean(str(event.get('type')))})")
        return f"  {time} {console.cyan('▶')} {clean(str(event.get('stepName')))} {kind}"
    if event["event"] == "step:complete":
        marks = {"success": console.green("✓"), "skipped": console.dim("○")}
        took = console.dim(f"{event.get('durationMs', 'undefined')}ms")
        mark = marks.get(str(event.get("status")), console.red("✗"))
        return f"  {time} {mark} {clean(str(event.get('stepId')))} {took}"
    if event["event"] == "step:error":
        return f"  {time} {console.red('✗')} {clean(str(event.get('stepId')))}: {event.get('error')}"
    return None


def counts(console: Console, succeeded: int, failed: int, skipped: int) -> None:
    """How many steps ended in which way."""
    line = f"  {console.green('✓')} {succeeded} succeeded  "
    line += (console.red(f"✗ {failed} failed") if failed else "") + "  "
    console.line(f"\n{line}{console.dim(f'○ {skipped} skipped') if skipped else ''}")


def target(console: Console, resolved: dict[str, Any]) -> None:
    """What the step would get before which a dry run has stopped."""
    words = console.dim(f'Resolved (not executed) "{resolved["stepId"]}":')
    console.line(f"\n  {words}")
    _resolution(console, [resolved])


def stopped(console: Console, step_id: str | None, look: str) -> None:
    console.note(f'Stopped after step "{step_id}". {look}', "Stopped")


def nothing_ran(console: Console) -> None:
    console.note("Dry run — no steps were executed", "Dry Run")


def where(console: Console, run_id: str, log: str) -> None:
    """The run's id and log."""
    console.line(f"  {console.dim(f'Run ID: {run_id}')}")
    console.line(f"  {console.dim(f'Log: {log}')}")


def problems(console: Console, found: list[Problem]) -> None:
    console.say("◇  Validation failed")
    lines = [
        f"  {console.red('✗')} {console.dim(clean(one['path']))}: {clean(one['message'])}" for one in found
    ]
    console.line("\n".join(["", *lines, ""]))


def flow_table(console: Console, found: list[dict[str, Any]]) -> None:
    """`flow list` for people."""
    if not found:
        console.note("No workflows found in .one/flows/\n\nCreate one with: one flow create", "Workflows")
        return
    head = ("Key", "Name", "Layout", "Inputs", "Steps", "Requires")
    rows = [head, *(tuple(map(clean, _row(flow))) for flow in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]
    rule = "  " + "  ".join("─" * width for width in widths)
    console.line("\n".join(["", console.dim(lines[0]), console.dim(rule), *lines[1:], ""]))


def _row(flow: dict[str, Any]) -> tuple[str, ...]:
    key = f"{flow['group']}/{flow['key']}" if flow.get("group") else str(flow.get("key"))
    needs = "--allow-bash" if flow["requiresBash"] else ""
    counts = (str(flow["inputCount"]), str(flow["stepCount"]))
    return (key, str(flow.get("name")), str(flow["layout"]), *counts, needs)


def dry_run(console: Console, steps: list[dict[str, Any]]) -> None:
    """What each step's references come to, for a run that runs nothing."""
    console.line()
    _resolution(console, steps)
    console.line()
    missing = sum(one["status"] == "missing" for step in steps for one in step["references"])
    unresolved = console.yellow(f"{missing} unresolved input/env reference(s)")
    text = f"Dry run — no steps executed. Resolved {len(steps)} step(s)"
    text += f"; {unresolved}." if missing else "."
    later = "$.steps.* refs resolve at runtime — "
    later += "re-run with --stop-after=<stepId> to resolve them against real output."
    console.note(f"{text}\n{console.dim(later)}", "Dry Run")


def _resolution(console: Console, steps: list[dict[str, Any]]) -> None:
    for step in steps:
        name = console.dim(f'"{clean(str(step["name"]))}" ') if step.get("name") else ""
        kind = console.dim(f"({clean(str(step['type']))})")
        console.line(f"  {console.cyan('▸')} {clean(str(step['stepId']))} {name}{kind}")
        for line in _resolved(console, step):
            console.line(f"      {line}")


def _resolved(console: Console, step: dict[str, Any]) -> list[str]:
    if "error" in step:
        return [f"{console.red('error')} {step['error']}"]
    if step["type"] in _EXPRESSIONS:
        if step.get("deferred"):
            waits = ", ".join(one["selector"] for one in step["references"])
            return [
                f"{console.dim('○ pending — depends on')} {waits} {console.dim('(produced by a later step)')}"
            ]
        return [f"{console.dim('=')} {_preview(step)}"]
    return [_reference(console, one) for one in step["references"]] or [console.dim("(no interpolations)")]


def _reference(console: Console, one: dict[str, Any]) -> str:
    if one["status"] == "resolved":
        return f"{console.green('✓')} {one['selector']} {console.dim('→')} {_preview(one, 'value')}"
    if one["status"] == "deferred":
        return f"{console.dim('○')} {one['selector']} {console.dim('→ pending (produced by a later step)')}"
    words = console.yellow("→ unresolved — check the input/env name")
    return f"{console.yellow('!')} {one['selector']} {words}"


def _preview(holder: dict[str, Any], key: str = "resolved") -> str:
    if key not in holder:
        return "<undefined>"
    text = json.dumps(holder[key], ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _PREVIEW else f"{text[: _PREVIEW - 1]}…"
