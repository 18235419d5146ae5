"""`trace ci`: a gate for a run in CI, and what the CI service shows of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from one_trace.analyse import fail_on, gate
from one_trace.analyse.run_refs import word_for
from one_trace.cli.bounded import bounded
from one_trace.cli.configured import configured
from one_trace.cli.out import Out, on_github, out, write_to
from one_trace.cli.outgoing_run import outgoing_run
from one_trace.cli.pages import examples
from one_trace.errors import FAILED, WrongUsage
from one_trace.guard import streams
from one_trace.guard.files import KIB

if TYPE_CHECKING:
    from one_trace.analyse.gate import Verdict
    from one_trace.model.trace import Trace
    from one_trace.view.ci_annotations import Annotation, Find

_SUMMARY_LIMIT = 1024 * KIB
"""GitHub drops a larger summary of a step, whole."""


@click.command(
    epilog=examples(
        "one trace ci --baseline base.json --fail-on slower:20%", "one trace ci last --junit report.xml"
    )
)
@click.argument("run", default="last")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Compare with this file of 'trace baseline'.",
)
@click.option(
    "--fail-on", "rules", multiple=True, metavar="RULE", help="Exit with 1 on slower:20%, cost:10% or failed."
)
@click.option(
    "--junit",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a JUnit report, a test case a step.",
)
@bounded
def command(run: str, baseline: Path | None, rules: tuple[str, ...], junit: Path | None) -> int:
    """Judge RUN: exit with 1 if it failed or meets a rule.

    RUN is 'last' (default), an id, or an exported document. On GitHub, a summary and annotations are added to
    the job. Only what may leave this machine is shown. See 'one trace help ci'.
    """
    for rule in rules:
        fail_on.parse(rule)
    if junit is not None and str(junit) == "-":
        raise WrongUsage("--junit needs the name of a file", hint="--junit report.xml")
    speaker = out()
    expected = None
    if baseline is not None:
        from one_trace.export.baseline import read_baseline

        expected = read_baseline(baseline)
    whole, trace = outgoing_run(run)
    verdict = gate.judge(trace, expected, rules)
    document = verdict.document
    show = f"one --agent trace show {word_for(trace.run)}{configured().from_store}"
    document.next = [] if document.ok else [show]
    if junit is not None:
        from one_trace.export.junit import junit as report

        write_to(junit, report(trace))
        document.junit = str(junit)
    found = _annotations(verdict, whole, trace) if on_github() else []
    document.annotations = len(found)
    document.summary = _write_summary(verdict, trace, speaker)
    speaker.answer(document, lambda: _page(verdict, speaker))
    _annotate(found, speaker)
    return 0 if document.ok else FAILED


def _page(verdict: Verdict, speaker: Out) -> str:
    from one_trace.view.ci_page import render

    return render(verdict, speaker.page)


def _write_summary(verdict: Verdict, trace: Trace, speaker: Out) -> str | None:
    """Append to the file that GitHub names. A job must not fail because its summary cannot be written."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return None
    from one_trace.guard.private import append
    from one_trace.view.ci_page import summary

    try:
        append(Path(path), summary(verdict, trace).encode("utf-8", "replace"), _SUMMARY_LIMIT)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        message = f"the job summary was not written: {reason}"
        speaker.note(f"one-trace: {message}", event="trace:summary", code="os-error", message=message)
        return None
    return path


def _annotations(verdict: Verdict, whole: Trace, trace: Trace) -> list[Annotation]:
    if verdict.document.ok:
        return []
    from one_trace.cli.places import places_of
    from one_trace.cli.repository import in_repository
    from one_trace.view.ci_annotations import annotate

    # The files of steps have names that the user's own patterns may match.
    find: Find = (lambda path: None) if configured().redact else places_of(whole.run)
    return annotate(verdict, trace, find, in_repository(whole.run.cwd))


def _annotate(found: list[Annotation], speaker: Out) -> None:
    """The runner reads both streams; an agent's answer stays the one document on stdout."""
    data = "".join(f"{each.command()}\n" for each in found).encode("utf-8", "replace")
    if speaker.agent:
        streams.say_bytes(data)
    elif data:
        speaker.write(data)
