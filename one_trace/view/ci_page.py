"""What `trace ci` says of a run: on a page, and in the summary of a CI job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from one_trace.analyse.diff import StepDiff
from one_trace.analyse.gate import CiDocument, Verdict
from one_trace.analyse.step_runs import StepRun
from one_trace.export import markdown
from one_trace.guard.markup import code_span
from one_trace.guard.text import clean
from one_trace.model.figures import counted, duration, money, place
from one_trace.model.trace import Cause, Trace

if TYPE_CHECKING:
    from one_trace.view.page import Page

ROWS = 15
"""Rows of a list in the summary, and on the page without a baseline."""


def render(verdict: Verdict, page: Page) -> str:
    """For people: the outcome, why, and the comparison with the baseline."""
    from one_trace.view import diff_page  # the summary of a job needs no table

    document = verdict.document
    run = document.run
    outcome = "passed" if document.ok else "FAILED"
    first, *more = page.lines(f"{outcome}  {clean(run.flow_key, 200)} {clean(run.run_id, 80)}", indent="  ")
    painted = page.style.paint(outcome, "success" if document.ok else "error")
    lines = [first.strip().replace(outcome, painted, 1), *more]
    lines += page.facts(
        run.status,
        duration(run.duration_ms),
        counted(run.counts.spans, "step"),
        "" if run.cost_usd is None else money(run.cost_usd),
    )
    if document.cause:
        lines += page.lines(clean(f"cause: {cause_text(document.cause)}"), "error")
        lines += page.lines(clean(f"at {place(document.cause.at)}")) if document.cause.at else []
    if document.retried:
        retried = [f"{clean(step.path, 200)} ({step.retries:,})" for step in document.retried[:ROWS]]
        lines += page.lines(f"retried: {', '.join(retried)}", "warn")
    if verdict.diff is not None:
        verdict.diff.fail_on = document.fail_on
        lines += ["", diff_page.render(verdict.diff, page, everything=False)]
    else:
        lines += diff_page.verdicts(document.fail_on, page)
    for name, path in (("JUnit report", document.junit), ("summary", document.summary)):
        lines += page.either(f"{name}: {clean(path)}", f"{name}:", clean(path)).split("\n") if path else []
    return "\n".join(lines)


def cause_text(cause: Cause) -> str:
    """``my-flow > fetch failed with HTTP_503 after 3 attempts``"""
    what = cause.error_class or cause.error_code
    tries = f" after {cause.attempts:,} attempts" if cause.attempts > 1 else ""
    return f"{cause.path} failed{f' with {what}' if what else ''}{tries}"


def summary(verdict: Verdict, run: Trace) -> str:
    """Markdown for the summary of a job; `run` is a trace as it may leave."""
    document = verdict.document
    lines = markdown.heading(run.run)
    if document.fail_on:
        lines += ["", f"**{'Passed' if document.ok else 'Not passed'}**", ""]
    for result in document.fail_on:
        lines.append(f"- {'❌' if result.met else '✅'} {code_span(result.rule)}")
        lines += [f"  - {code_span(text, 200)}" for text in result.because]
    lines += ["", *markdown.why(run.run), *_against(document), *markdown.where(run)]
    return "\n".join(lines) + "\n\n"


def _against(document: CiDocument) -> list[str]:
    """The comparison with the baseline."""
    known = document.baseline
    if known is None:
        return []
    usual = document.usual_ms
    facts = [f"Baseline: {duration(known.duration_ms)}, median of {counted(known.runs, 'run')}"]
    facts += [f"usual {duration(usual.low)} to {duration(usual.high)}"] if usual else []
    facts += ["" if known.cost_usd is None else money(known.cost_usd)]
    lines = ["", " · ".join(fact for fact in facts if fact)]
    rows = [_change(step) for step in document.changes[:ROWS]]
    if rows:
        lines += ["", *markdown.table(("Changed steps", "Baseline", "This run", "Change"), rows)]
    if len(document.changes) > ROWS:
        lines += ["", f"{counted(len(document.changes) - ROWS, 'step')} more changed."]
    return lines


def _change(step: StepDiff) -> list[str]:
    changes = [
        f"{step.a.status} → {step.b.status}" if change == "status" and step.a and step.b else change
        for change in step.changes
    ]
    return [code_span(step.path), _took(step.a), _took(step.b), ", ".join(changes)]


def _took(side: StepRun | None) -> str:
    return "–" if side is None else duration(side.duration_ms)
