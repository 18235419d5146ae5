"""`trace doctor`: checks the setup, and says how to fix each problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import click

from one_trace.answers.reports import Check, DoctorReport
from one_trace.cli.bounded import bounded
from one_trace.cli.checks import agents, delivery, files, programs, service
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.errors import BROKEN, FAILED, CliError
from one_trace.view.cells import wrap
from one_trace.view.style import Style

_MARKS = {"ok": "ok  ", "note": "-   ", "bad": "BAD "}
_STYLES = {"ok": "success", "note": "dim", "bad": "error"}


@click.command("doctor", epilog=examples("one trace doctor", "one trace doctor --fix"))
@click.option("--fix", is_flag=True, help="Close to others: state files (0600), our own folders (0700).")
@click.option("--offline", is_flag=True, help="Do not ask traces.com.")
@bounded
def command(fix: bool, offline: bool) -> int:
    """Check the setup, and show how to fix each problem. Exits with 1 if something is bad."""
    subjects: dict[str, Callable[[], Iterable[Check]]] = {
        "host": programs.host,
        "path": programs.path,
        "node": programs.node,
        "settings": files.settings,
        "folders": lambda: files.folders(fix),
        "store": files.store,
        "key": lambda: service.key(offline),
        "sinks": delivery.sinks,
        "queue": delivery.queue,
        "skill": agents.skill,
        "state files": lambda: files.state_files(fix),
    }
    checks = [check for name, findings in subjects.items() for check in _guarded(name, findings)]
    well = all(check.state != "bad" for check in checks)
    speaker = out()
    speaker.answer(DoctorReport(ok=well, checks=checks), lambda: _page(checks, speaker))
    return 0 if well else FAILED


def _guarded(name: str, findings: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """The findings of a check. If it fails, that is its finding, and the other checks are made."""
    try:
        yield from findings()
    except CliError as error:
        yield Check(name, "bad", error.message, error.hint)
    except BROKEN as error:  # this command is for when something is broken
        yield Check(name, "bad", f"this could not be checked: {type(error).__name__}: {error}")


def _page(checks: list[Check], speaker: Out) -> str:
    """A line or more for each check; a fix is never wrapped, so that it can be copied."""
    style = Style(color=speaker.color, unicode=speaker.unicode)
    width = max(len(check.check) for check in checks)
    indent = " " * (width + 7)
    lines = []
    for check in checks:
        mark = style.paint(_MARKS[check.state], _STYLES[check.state])
        first, *rest = wrap(check.message, speaker.width - len(indent))
        lines += [f"{mark} {check.check:<{width}}  {first}", *(indent + line for line in rest)]
        if check.fix:
            lines.append(f"{indent}{style.arrow} {check.fix}")
    return "\n".join(lines)
