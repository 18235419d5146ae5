"""The texts of One CLI's human mode: pure functions of its events and a style, each a list of lines.

Everything that a flow has named or thrown is cleaned here; only our own styles reach the terminal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from one_trace.guard.text import clean, clean_page
from one_trace.view.style import Style

Document = Mapping[str, Any]
_PREVIEW = 120
"""Characters of a resolved value that a dry run shows."""
_EXPRESSIONS = ("transform", "condition", "while")


INTRO = ["┌   One Workflow ", "│"]


def title(flow: Document) -> list[str]:
    return [clean(f"◇  Workflow: {flow.get('name')} ({len(flow['steps'])} steps)")]


def error(message: str) -> list[str]:
    return ["└  " + clean_page(message), ""]


def warning(message: object, style: Style) -> list[str]:
    return [style.paint(clean_page(f"⚠ {message}"), "warn")]


def note(text: str, heading: str) -> list[str]:
    """A titled note; `text` is clean already."""
    body = text.replace("\n", "\n│  ")
    return ["│", f"◇  {heading}", f"│  {body}", "│"]


def pausing(run_id: str, style: Style) -> list[str]:
    return [f"{style.paint('Pausing after current step completes...', 'warn')} (run ID: {run_id})"]


def step(event: Document, style: Style) -> list[str]:
    """The line of `--verbose` for an event; none for most events."""
    time = style.paint(f"{datetime.now(UTC):%H:%M:%S}", "dim")
    step_id = clean(str(event.get("stepId")))
    if event["event"] == "step:start":
        kind = style.paint(f"({clean(str(event.get('type')))})", "dim")
        return [f"  {time} {style.paint('▶', 'link')} {clean(str(event.get('stepName')))} {kind}"]
    if event["event"] == "step:complete":
        marks = {"success": style.paint("✓", "success"), "skipped": style.paint("○", "dim")}
        took = style.paint(clean_page(f"{event.get('durationMs', 'undefined')}ms"), "dim")
        mark = marks.get(str(event.get("status")), style.paint("✗", "error"))
        return [f"  {time} {mark} {step_id} {took}"]
    if event["event"] == "step:error":
        return [f"  {time} {style.paint('✗', 'error')} {step_id}: {clean_page(str(event.get('error')))}"]
    return []


# -- the end of a run


def counts(steps: Sequence[int], style: Style) -> list[str]:
    """How many `steps` succeeded, failed and were skipped."""
    succeeded, failed, skipped = steps
    failures = style.paint(f"✗ {failed} failed", "error") if failed else ""
    skips = style.paint(f"○ {skipped} skipped", "dim") if skipped else ""
    return ["", f"  {style.paint('✓', 'success')} {succeeded} succeeded  {failures}  {skips}"]


def where(run_id: str, log_file: str, style: Style) -> list[str]:
    return ["  " + style.paint(clean_page(f"Run ID: {run_id}"), "dim"), *log(log_file, style)]


def log(path: str, style: Style) -> list[str]:
    return ["  " + style.paint(clean_page(f"Log: {path}"), "dim")]


def stopped(step_id: str | None, look: str, command: str, style: Style) -> list[str]:
    where = clean_page(f'Stopped after step "{step_id}". {look}: ')
    return note(where + style.paint(clean_page(command), "link"), "Stopped")


# -- dry runs


def dry_run(steps: Sequence[Document], style: Style) -> list[str]:
    """The values of each step's references, in a run that executes nothing."""
    missing = sum(one["status"] == "missing" for step in steps for one in step["references"])
    unresolved = style.paint(f"{missing} unresolved input/env reference(s)", "warn")
    text = f"Dry run — no steps executed. Resolved {len(steps)} step(s)"
    text += f"; {unresolved}." if missing else "."
    later = "$.steps.* refs resolve at runtime — "
    later += "re-run with --stop-after=<stepId> to resolve them against real output."
    listed = [line for step in steps for line in _resolution(step, style)]
    return ["", *listed, "", *note(f"{text}\n{style.paint(later, 'dim')}", "Dry Run")]


def target(step: Document, style: Style) -> list[str]:
    """The input of the step before which a dry run has stopped."""
    words = clean_page(f'Resolved (not executed) "{step["stepId"]}":')
    return ["", f"  {style.paint(words, 'dim')}", *_resolution(step, style)]


def _resolution(step: Document, style: Style) -> list[str]:
    name = style.paint(f'"{clean(str(step["name"]))}" ', "dim") if step.get("name") else ""
    kind = style.paint(f"({clean(str(step['type']))})", "dim")
    head = f"  {style.paint('▸', 'link')} {clean(str(step['stepId']))} {name}{kind}"
    return [head, *(f"      {line}" for line in _references(step, style))]


def _references(step: Document, style: Style) -> list[str]:
    if "error" in step:
        return [f"{style.paint('error', 'error')} {clean_page(str(step['error']))}"]
    if step["type"] in _EXPRESSIONS:
        if step.get("deferred"):
            selectors = clean_page(", ".join(one["selector"] for one in step["references"]))
            pending = style.paint("○ pending — depends on", "dim")
            return [f"{pending} {selectors} {style.paint('(produced by a later step)', 'dim')}"]
        return [f"{style.paint('=', 'dim')} {_preview(step, 'resolved')}"]
    none = [style.paint("(no interpolations)", "dim")]
    return [_reference(one, style) for one in step["references"]] or none


def _reference(one: Document, style: Style) -> str:
    selector = clean_page(one["selector"])
    if one["status"] == "resolved":
        mark, arrow = style.paint("✓", "success"), style.paint("→", "dim")
        return f"{mark} {selector} {arrow} {_preview(one, 'value')}"
    if one["status"] == "deferred":
        later = style.paint("→ pending (produced by a later step)", "dim")
        return f"{style.paint('○', 'dim')} {selector} {later}"
    unresolved = style.paint("→ unresolved — check the input/env name", "warn")
    return f"{style.paint('!', 'warn')} {selector} {unresolved}"


def _preview(holder: Document, key: str) -> str:
    if key not in holder:
        return "<undefined>"
    text = json.dumps(holder[key], ensure_ascii=False, separators=(",", ":"))
    return clean_page(text if len(text) <= _PREVIEW else f"{text[: _PREVIEW - 1]}…")


# -- the other commands


def refusal(document: Document) -> list[str]:
    """An error that kept a command from running."""
    problems = document.get("errors")
    if not isinstance(problems, list):
        return error(str(document["error"]))
    lines = [clean(f"  {one.get('path')}: {one.get('message')}") for one in problems if isinstance(one, dict)]
    return error("\n".join([f"{document['error']}:", *lines]))


def validation(document: Document, style: Style) -> list[str]:
    """`flow validate`."""
    if document["valid"]:
        text = clean_page(f'Workflow "{document["key"]}" passed all validation checks')
        return ["◇  Workflow is valid", *note(text, "Valid")]
    lines = [
        f"  {style.paint('✗', 'error')} {style.paint(clean(one['path']), 'dim')}: {clean(one['message'])}"
        for one in document["errors"]
    ]
    return ["◇  Validation failed", "", *lines, "", *error(f"{len(lines)} validation error(s) found")]


def flow_table(flows: Sequence[Document], style: Style) -> list[str]:
    """`flow list`."""
    if not flows:
        return note("No workflows found in .one/flows/\n\nCreate one with: one flow create", "Workflows")
    rows = [("Key", "Name", "Layout", "Inputs", "Steps", "Requires"), *map(_row, flows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]
    rule = "  " + "  ".join("─" * width for width in widths)
    return ["", style.paint(head, "dim"), style.paint(rule, "dim"), *lines, ""]


def _row(flow: Document) -> tuple[str, ...]:
    key = f"{flow['group']}/{flow['key']}" if flow.get("group") else str(flow.get("key"))
    bash = "--allow-bash" if flow["requiresBash"] else ""
    figures = (str(flow["inputCount"]), str(flow["stepCount"]))
    return tuple(map(clean, (key, str(flow.get("name")), str(flow["layout"]), *figures, bash)))
