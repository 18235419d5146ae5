"""`trace doctor`: checks the setup, and says how to fix each problem."""

from __future__ import annotations

from collections.abc import Sequence

import click

from one_trace.answers.reports import Check, DoctorReport
from one_trace.cli.bounded import bounded
from one_trace.cli.checks import (
    agents,
    collector,
    delivery,
    files,
    history,
    programs,
    projects,
    service,
    shell,
    space,
)
from one_trace.cli.checks.subjects import Subject, look_at
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.errors import FAILED
from one_trace.view.cells import text_width, wrap
from one_trace.view.reflow import is_copied_whole, reflow
from one_trace.view.style import Style

_MARKS = {"ok": "ok  ", "note": "-   ", "bad": "BAD "}
_WIDE = 60
"""Columns from which on the messages stand beside the names of the checks."""
_STYLES = {"ok": "success", "note": "dim", "bad": "error"}


@click.command("doctor", epilog=examples("one trace doctor", "one trace doctor --fix"))
@click.option("--fix", is_flag=True, help="Close to others: state files (0600), our own folders (0700).")
@click.option("--offline", is_flag=True, help="Ask no server.")
@click.option("--all-runs", is_flag=True, help="Check every run of a large store, not only the last ones.")
@bounded
def command(fix: bool, offline: bool, all_runs: bool) -> int:
    """Check the setup, and show how to fix each problem. Exits with 1 if something is bad."""
    checks = look_at(
        # The most important first: what is needed to run, then to trace, to keep secrets, to send.
        [
            Subject("host", lambda: [*programs.host(), *programs.path(), *programs.node()], waits=True),
            Subject("settings", files.settings),
            Subject("on_finish", programs.on_finish),
            Subject("store", lambda: files.store(all_runs)),
            Subject("disk", space.disk),
            Subject("folders", lambda: files.folders(fix)),
            Subject("state files", lambda: projects.state_files(fix)),
            Subject("key", service.key),
            Subject("traces.com", lambda: service.service(offline), waits=True),
            Subject("otlp", lambda: collector.otlp(offline), waits=True),
            Subject("history", lambda: history.history(offline), waits=True),
            Subject("sinks", delivery.sinks),
            Subject("queue", delivery.queue),
            Subject("project", projects.projects),
            Subject("completion", shell.completion),
            Subject("skill", agents.skill),
        ]
    )
    well = all(check.state != "bad" for check in checks)
    report = DoctorReport(ok=well, checks=checks, next=_next(checks))
    speaker = out()
    speaker.answer(report, lambda: _page(report, speaker))
    return 0 if well else FAILED


def _next(checks: Sequence[Check]) -> str | None:
    """The fix of the most important finding: of the first that is bad, else of the first that can be
    fixed."""
    fixes = [check.fix for state in ("bad", "note") for check in checks if check.state == state]
    return next(filter(None, fixes), None)


def _page(report: DoctorReport, speaker: Out) -> str:
    """A line or more for each check; a command is not broken, so that it can be copied."""
    style = Style(color=speaker.color, unicode=speaker.unicode)
    width = max(len(check.check) for check in report.checks)
    indent = " " * (width + 7) if speaker.width >= _WIDE else " " * 5
    lines = []
    for check in report.checks:
        mark = style.paint(_MARKS[check.state], _STYLES[check.state])
        text = wrap(check.message, speaker.width - len(indent))
        if speaker.width >= _WIDE:
            lines.append(f"{mark} {check.check:<{width}}  {text.pop(0)}")
        else:
            lines.append(f"{mark} {check.check}")
        lines += [indent + line for line in text]
        if check.fix:
            lines += _fix(check.fix, indent, speaker.width, style)
    if report.next:
        lines += ["", speaker.page.text(f"Next: {report.next}")]
    return "\n".join(lines)


def _fix(fix: str, indent: str, width: int, style: Style) -> list[str]:
    """What fixes a finding. A command that is too long for its column begins further to the left."""
    if is_copied_whole(fix) and len(indent) + 2 + text_width(fix) > width:
        indent = indent[:5]
    first, *rest = reflow(fix, width - len(indent) - 2).split("\n")
    return [f"{indent}{style.arrow} {first}", *(f"{indent}  {line}" for line in rest)]
