"""`trace ci`: whether a run passes, by itself and against a baseline. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from one_trace.analyse.baseline import compare
from one_trace.analyse.diff import DiffDocument, RuleResult, Side, StepDiff, of_past
from one_trace.analyse.fail_on import Reason, needs_baseline, reasons, result
from one_trace.analyse.step_runs import PastRuns, Usual
from one_trace.errors import WrongUsage
from one_trace.model.baseline import Baseline
from one_trace.model.trace import Cause, Counts, Run, Trace
from one_trace.model.tree import static_paths

SCHEMA = "one-trace-ci/1"
MOST_REASONS = 5
"""Of a rule that is met."""


class CiRun(Struct, rename="camel", kw_only=True):
    """The run that was judged."""

    run_id: str
    trace_id: str
    flow_key: str
    status: str
    started_at: str
    duration_ms: float | None = None
    cost_usd: float | None = None
    counts: Counts


class RetriedStep(Struct, rename="camel", kw_only=True):
    """A step that needed more attempts than one, by its static path."""

    path: str
    retries: int


class CiDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace ci``. `ok`: the run did not fail and no rule is met; else `because` says why not.

    `baseline` and what follows it compare the run with the baseline, `changes` are the steps that changed.
    `junit` and `summary` are the files that were written, `annotations` counts those for the CI job.
    """

    schema: str = SCHEMA
    ok: bool
    because: list[str] = []
    run: CiRun
    cause: Cause | None = None
    fail_on: list[RuleResult] = []
    baseline: Side | None = None
    delta_ms: float | None = None
    duration_change: float | None = None
    cost_change: float | None = None
    usual_ms: Usual | None = None
    noise: bool | None = None
    changes: list[StepDiff] = []
    retried: list[RetriedStep] = []
    junit: str | None = None
    summary: str | None = None
    annotations: int = 0
    next: list[str] = []


class Verdict(NamedTuple):
    """The document, the comparison with the baseline, and each reason for which a rule is met."""

    document: CiDocument
    diff: DiffDocument | None
    reasons: list[tuple[str, Reason]]
    """With the rule."""


def judge(trace: Trace, baseline: Baseline | None, rules: Sequence[str]) -> Verdict:
    """A run passes if it did not fail and meets none of the rules. Raises WrongUsage for a rule that is about
    a change if there is no baseline, and for the baseline of another flow."""
    run = trace.run
    if baseline is None:
        _check_rules(rules)
    elif baseline.flow_key != run.flow_key:
        message = f"the baseline is of the flow '{baseline.flow_key}', the run of '{run.flow_key}'"
        raise WrongUsage(message, hint="one trace diff RUN --baseline FILE compares any two.")
    diff = of_past(PastRuns(), trace) if baseline is None else compare(baseline, trace)
    met = [(rule, reasons(rule, diff)) for rule in rules]
    found = [(rule, reason) for rule, because in met for reason in because]
    failed = [f"the run ended with {run.status}"] if run.status in ("error", "incomplete") else []
    because = list(dict.fromkeys([*failed, *(reason.text for _, reason in found)]))
    document = CiDocument(
        ok=not because,
        because=because,
        run=_run(run),
        cause=run.cause or None,
        fail_on=[_short(result(rule, because)) for rule, because in met],
        retried=_retried(trace),
    )
    return Verdict(_with_changes(document, diff) if baseline else document, diff if baseline else None, found)


def _short(found: RuleResult) -> RuleResult:
    """With its first reasons: the document has all of them in `because`."""
    more = len(found.because) - MOST_REASONS
    if more <= 1:
        return found
    because = [*found.because[:MOST_REASONS], f"and {more:,} more"]
    return msgspec.structs.replace(found, because=because)


def _check_rules(rules: Sequence[str]) -> None:
    for rule in rules:
        if needs_baseline(rule):
            hint = "Add --baseline FILE; 'one trace baseline FLOW -o FILE' makes one."
            raise WrongUsage(f"the rule {rule} needs a baseline to compare with", hint=hint)


def _with_changes(document: CiDocument, diff: DiffDocument) -> CiDocument:
    return msgspec.structs.replace(
        document,
        baseline=diff.a,
        delta_ms=diff.delta_ms,
        duration_change=diff.duration_change,
        cost_change=diff.cost_change,
        usual_ms=diff.usual_ms,
        noise=diff.noise,
        changes=[step for step in diff.steps if step.changes],
    )


def _run(run: Run) -> CiRun:
    return CiRun(
        run_id=run.run_id,
        trace_id=run.trace_id,
        flow_key=run.flow_key,
        status=run.status,
        started_at=run.started_at,
        duration_ms=run.duration_ms,
        cost_usd=run.usage.cost_usd if run.usage else None,
        counts=run.counts,
    )


def _retried(trace: Trace) -> list[RetriedStep]:
    """The step with the most retries first."""
    retries: dict[str, int] = {}
    if trace.run.counts.retries:
        paths = static_paths(trace.run.flow_key, trace.spans)
        for span in trace.spans:
            if span.retries:
                retries[paths[span.span_id]] = retries.get(paths[span.span_id], 0) + span.retries
    ranked = sorted(retries.items(), key=lambda each: -each[1])
    return [RetriedStep(path=path, retries=count) for path, count in ranked]
