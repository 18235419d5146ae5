"""Statistics of flows and their steps over many runs: a pure function of a `FlowHistory`.

The structs are the document of ``trace stats --agent``: durations in ms, sizes in bytes, costs in US dollars,
null if unknown. Percentiles of a step are over its spans: each iteration counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

import msgspec
from msgspec import UNSET, Struct, UnsetType

from one_trace.analyse import trend
from one_trace.analyse.failure_patterns import NONE, FailurePattern, classify_spans, wilson
from one_trace.analyse.history import FlowHistory, RunSummary, StepHistory
from one_trace.analyse.quantiles import quantile
from one_trace.analyse.rounding import rounded
from one_trace.analyse.run_groups import RunGroup
from one_trace.analyse.trend import OutcomeChange, Trend

SCHEMA = "one-trace-stats/1"


class Outcomes(Struct, rename="camel", kw_only=True):
    """Counts by status. Runs are never `timeout` or `skipped`."""

    success: int = 0
    error: int = 0
    timeout: int = 0
    skipped: int = 0
    stopped: int = 0
    incomplete: int = 0


class Flaky(Struct, rename="camel", kw_only=True):
    """A flaky step (see `failure_patterns`): its runs since it began to fail."""

    succeeded: int
    failed: int
    rate: float
    """failed / (succeeded + failed)"""
    versions: int
    rate_low: float
    rate_high: float
    """Wilson's 95 % interval of the rate."""
    since: str | None
    """Start of the first of these runs; null if that is the first of all."""


class Failing(Struct, rename="camel", kw_only=True):
    """A broken step: its last `runs` runs failed, the first of them started at `since`."""

    runs: int
    since: str
    version: str | None


class StepStats(Struct, rename="camel", kw_only=True):
    """One step over the runs.

    `share` is the part of the runs' wall time in which at least one of its spans ran, its children included:
    the shares of concurrent steps add up to more than 1. `timeoutUse` is p95 / ``timeoutMs``. `flags`:
    ``failing``, ``flaky``, ``never-ran``, ``not-reached``, ``always-skipped``, ``always-retried``,
    ``near-timeout``.
    """

    path: str
    step_id: str
    type: str | None
    runs: int = 0
    count: int = 0
    outcomes: Outcomes
    p50_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None
    total_ms: float = 0.0
    share: float | None = None
    trend: Trend
    retries: int = 0
    retried: int = 0
    timeouts: int = 0
    timeout_ms: float | None = None
    timeout_use: float | None = None
    output_bytes: float | None = None
    """Median over the runs of the sum of its spans."""
    cost_usd: float | None = None
    flaky: Flaky | None = None
    failing: Failing | None = None
    flags: list[str] = []


class FlowStats(Struct, rename="camel", kw_only=True):
    """One flow over its runs; `steps` in the order of the flow file, those of older versions only last."""

    flow_key: str
    project: str | None = None
    """The folder in which it ran."""
    runs: int
    versions: int
    first_run_at: str
    last_run_at: str
    outcomes: Outcomes
    p50_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None
    total_ms: float = 0.0
    trend: Trend
    outcome_change: OutcomeChange | None = None
    retries: int = 0
    timeouts: int = 0
    cost_usd: float | None = None
    partial: list[str] | UnsetType = UNSET
    """Of a team's history: how many spans have not arrived."""
    steps: list[StepStats] = []


class StatsDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace stats``: flows by total time, longest first."""

    schema: str = SCHEMA
    flow: str | None = None
    project: str | None = None
    """Only runs of this folder (``--here``)."""
    since: str | None = None
    tags: dict[str, str] = {}
    """Only runs with these tags (``--tag``)."""
    runs: int = 0
    flows: list[FlowStats] = []
    groups: list[RunGroup] = []
    """With ``--by``."""


NEAR_TIMEOUT = 0.8
"""A p95 of at least this part of the time-out is near it."""


def document(
    histories: Sequence[FlowHistory],
    *,
    flow: str | None,
    since: str | None,
    project: str | None = None,
    groups: Sequence[RunGroup] = (),
) -> StatsDocument:
    """Statistics of all these flows."""
    flows = [rounded(of_flow(history)) for history in histories]
    flows.sort(key=lambda stats: (-stats.total_ms, stats.flow_key, stats.project or ""))
    return StatsDocument(
        flow=flow,
        project=project,
        since=since,
        runs=sum(stats.runs for stats in flows),
        flows=flows,
        groups=[rounded(group) for group in groups],
    )


def of_flow(history: FlowHistory) -> FlowStats:
    """Statistics of one flow that has at least one run."""
    runs = history.runs
    durations = sorted(run.duration_ms for run in runs if run.duration_ms is not None)
    total = fsum(durations)
    steps = [_step(step, history, total) for step in history.steps]
    executed = {step.path for step in steps}
    steps += [_never_executed(path, history) for path in history.planned if path not in executed]
    order = {path: position for position, path in enumerate(history.planned)}
    steps.sort(key=lambda step: (order.get(step.path, len(order)), step.path))
    statuses = [run.status for run in runs]
    return FlowStats(
        flow_key=history.flow_key,
        project=history.project,
        runs=len(runs),
        versions=len({run.version for run in runs}),
        first_run_at=runs[0].started_at,
        last_run_at=runs[-1].started_at,
        outcomes=Outcomes(**{name: statuses.count(name) for name in Outcomes.__struct_fields__}),
        p50_ms=quantile(durations, 0.5),
        p95_ms=quantile(durations, 0.95),
        max_ms=durations[-1] if durations else None,
        total_ms=total,
        trend=trend.of_durations(runs),
        outcome_change=trend.of_outcomes(runs),
        retries=sum(step.retries for step in steps),
        timeouts=sum(step.timeouts for step in steps),
        cost_usd=_sum_known([run.cost_usd for run in runs]),
        partial=history.partial,
        steps=steps,
    )


def failure_pattern(step: StepHistory, runs: Sequence[RunSummary]) -> FailurePattern:
    """The pattern of a step's failures over the runs in which it ran."""
    outcomes = list(step.outcomes())
    return classify_spans(
        [failed for _, failed, _ in outcomes],
        [succeeded for _, _, succeeded in outcomes],
        [runs[index].version for index, _, _ in outcomes],
    )


def ranked(document: StatsDocument) -> StatsDocument:
    """The document with the steps of each flow by importance, for an answer that shows only the first: those
    with flags, then by share."""
    replace = msgspec.structs.replace
    by_importance = [
        sorted(flow.steps, key=lambda step: (not step.flags, -(step.share or 0.0))) for flow in document.flows
    ]
    flows = [replace(flow, steps=steps) for flow, steps in zip(document.flows, by_importance, strict=True)]
    return replace(document, flows=flows)


def chances(path: str, history: FlowHistory) -> int:
    """How often a planned step could have run in the newest version: how often its container succeeded."""
    container = path.rpartition(" > ")[0]
    while container:
        if container == history.flow_key:
            # A dry run succeeds without executing a step.
            executed = {index for step in history.steps for index in step.series.runs}
            runs = [history.runs[index] for index in executed]
            return sum(run.version == history.version and run.status == "success" for run in runs)
        parent = next((step for step in history.steps if step.path == container), None)
        if parent is not None:
            return sum(counts.success for counts in parent.versions if counts.version == history.version)
        if container in history.planned:
            return 0
        # A step id may contain the separator.
        container = container.rpartition(" > ")[0]
    return 0


def _step(step: StepHistory, history: FlowHistory, flow_ms: float) -> StepStats:
    total = step.total()
    durations, step_trend = trend.of_step(step, history.runs)
    timeout = history.timeouts.get(step.path)
    pattern = failure_pattern(step, history.runs) if step.anomalies else NONE
    p95 = quantile(durations, 0.95)
    stats = StepStats(
        path=step.path,
        step_id=step.step_id,
        type=step.type,
        runs=total.runs,
        count=total.spans,
        outcomes=Outcomes(**{name: getattr(total, name) for name in Outcomes.__struct_fields__}),
        p50_ms=quantile(durations, 0.5),
        p95_ms=p95,
        max_ms=durations[-1] if durations else None,
        total_ms=total.total_ms,
        share=min(total.busy_ms / flow_ms, 1.0) if flow_ms else None,
        trend=step_trend,
        retries=total.retries,
        retried=total.retried,
        timeouts=total.timeout,
        timeout_ms=timeout,
        timeout_use=p95 / timeout if timeout and p95 is not None else None,
        output_bytes=quantile(sorted(size for size in step.series.output_bytes if size is not None), 0.5),
        cost_usd=_sum_known(step.series.cost_usd),
        flaky=_flaky(step, history.runs, pattern) if pattern.kind == "flaky" else None,
        failing=_failing(step, history.runs, pattern) if pattern.kind == "broken" else None,
    )
    stats.flags = _flags(stats)
    return stats


def _flaky(step: StepHistory, runs: Sequence[RunSummary], pattern: FailurePattern) -> Flaky:
    low, high = wilson(pattern.failed, pattern.runs)
    since = [runs[index] for index, _, _ in step.outcomes()][pattern.since :]
    return Flaky(
        succeeded=pattern.runs - pattern.failed,
        failed=pattern.failed,
        rate=pattern.rate,
        versions=len({run.version for run in since}),
        rate_low=low,
        rate_high=high,
        since=since[0].started_at if pattern.since else None,
    )


def _failing(step: StepHistory, runs: Sequence[RunSummary], pattern: FailurePattern) -> Failing:
    first = runs[[index for index, _, _ in step.outcomes()][pattern.since]]
    return Failing(runs=pattern.streak, since=first.started_at, version=first.version)


def _flags(stats: StepStats) -> list[str]:
    executed = stats.count - stats.outcomes.skipped
    conditions = {
        "failing": stats.failing is not None,
        "flaky": stats.flaky is not None,
        "always-skipped": stats.count > 0 and not executed,
        "always-retried": executed > 0 and stats.retried == executed,
        "near-timeout": stats.timeouts > 0 or (stats.timeout_use or 0) >= NEAR_TIMEOUT,
    }
    return [name for name, holds in conditions.items() if holds]


def _never_executed(path: str, history: FlowHistory) -> StepStats:
    return StepStats(
        path=path,
        step_id=path.rpartition(" > ")[2],
        type=None,
        outcomes=Outcomes(),
        trend=Trend(),
        share=0.0,
        timeout_ms=history.timeouts.get(path),
        flags=["never-ran" if chances(path, history) else "not-reached"],
    )


def _sum_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) if known else None
