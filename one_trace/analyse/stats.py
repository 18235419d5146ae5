"""Statistics of flows and of their steps, over runs: a pure function of a `FlowHistory`.

The documents below are what ``trace stats --agent`` prints. Durations are milliseconds, sizes bytes, money
US dollars; a figure that nothing is known of is null. Percentiles of a step are over its spans: each
iteration counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

import msgspec
from msgspec import Struct

from one_trace.analyse import trend
from one_trace.analyse.figures import quantile
from one_trace.analyse.grouped import Grouped
from one_trace.analyse.history import FlowHistory, RunFacts, StepHistory, Tally
from one_trace.analyse.rounding import rounded
from one_trace.analyse.sequence import NONE, Verdict, judge_spans, wilson
from one_trace.analyse.trend import OutcomeChange, Trend

SCHEMA = "one-trace-stats/1"


class Outcomes(Struct, rename="camel", kw_only=True):
    """How many, by status. Runs are never `timeout` or `skipped`."""

    success: int = 0
    error: int = 0
    timeout: int = 0
    skipped: int = 0
    stopped: int = 0
    incomplete: int = 0


class Flaky(Struct, rename="camel", kw_only=True):
    """A step that fails now and then (see `sequence`): how many of its runs since it began to."""

    succeeded: int
    failed: int
    rate: float
    """failed / (succeeded + failed)"""
    versions: int
    rate_low: float = 0.0
    rate_high: float = 1.0
    """Wilson's 95 % interval of the rate."""
    since: str | None = None
    """The first of these runs."""


class Failing(Struct, rename="camel", kw_only=True):
    """A step that is broken: so many runs in a row failed, the first of them `since`."""

    runs: int
    since: str
    version: str | None


class StepStats(Struct, rename="camel", kw_only=True):
    """One step over the runs.

    `share` is the part of the runs' wall time in which at least one of its spans ran (a container's includes
    its children): the shares of concurrent steps add up to more than 1, none is above it. `timeoutUse` is p95
    in parts of ``timeoutMs``. `flags`: ``failing``, ``flaky``, ``never-ran``, ``not-reached``,
    ``always-skipped``, ``always-retried``, ``near-timeout``.
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
    """Median of what a run's spans of this step put out together."""
    cost_usd: float | None = None
    flaky: Flaky | None = None
    failing: Failing | None = None
    flags: list[str] = []


class FlowStats(Struct, rename="camel", kw_only=True):
    """One flow over its runs; `steps` in the order of the flow file, those of older versions last."""

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
    steps: list[StepStats] = []


class StatsDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace stats``: flows by the time they took, the longest first."""

    schema: str = SCHEMA
    flow: str | None = None
    project: str | None = None
    """Only the runs of this folder (``--here``)."""
    since: str | None = None
    runs: int = 0
    flows: list[FlowStats] = []
    groups: list[Grouped] = []
    """With ``--by``."""


NEAR_TIMEOUT = 0.8
"""From this part of its time-out on, a step's p95 is called near to it."""


def document(
    histories: Sequence[FlowHistory],
    *,
    flow: str | None,
    since: str | None,
    project: str | None = None,
    groups: Sequence[Grouped] = (),
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
    known = sorted(run.duration_ms for run in runs if run.duration_ms is not None)
    total = fsum(known)
    steps = [_step(step, history, total) for step in history.steps]
    steps += [_never(path, history) for path in _unseen(history)]
    order = {path: place for place, path in enumerate(history.planned)}
    steps.sort(key=lambda step: (order.get(step.path, len(order)), step.path))
    return FlowStats(
        flow_key=history.flow_key,
        project=history.project,
        runs=len(runs),
        versions=len({run.version for run in runs}),
        first_run_at=runs[0].started_at,
        last_run_at=runs[-1].started_at,
        outcomes=_run_outcomes(runs),
        p50_ms=quantile(known, 0.5),
        p95_ms=quantile(known, 0.95),
        max_ms=known[-1] if known else None,
        total_ms=total,
        trend=trend.of_durations(runs),
        outcome_change=trend.of_outcomes(runs),
        retries=sum(step.retries for step in steps),
        timeouts=sum(step.timeouts for step in steps),
        cost_usd=_sum_known([run.cost_usd for run in runs]),
        steps=steps,
    )


def outcome(step: StepHistory, runs: Sequence[RunFacts]) -> Verdict:
    """What the order of its good and bad runs says of a step."""
    places = step.ran()
    failed = [step.anomalies[place].failed if place in step.anomalies else 0 for place in places]
    good = [step.anomalies[place].success if place in step.anomalies else 1 for place in places]
    return judge_spans(failed, good, [runs[place].version for place in places])


def _flaky(step: StepHistory, runs: Sequence[RunFacts], found: Verdict) -> Flaky | None:
    if found.kind != "now-and-then":
        return None
    low, high = wilson(found.bad, found.runs)
    places = step.ran()[found.since :]
    return Flaky(
        succeeded=found.runs - found.bad,
        failed=found.bad,
        rate=found.rate,
        versions=len({runs[place].version for place in places}),
        rate_low=low,
        rate_high=high,
        since=runs[places[0]].started_at if found.since else None,
    )


def _failing(step: StepHistory, runs: Sequence[RunFacts], found: Verdict) -> Failing | None:
    if found.kind != "broken":
        return None
    first = runs[step.ran()[found.since]]
    return Failing(runs=found.streak, since=first.started_at, version=first.version)


def _step(step: StepHistory, history: FlowHistory, flow_total: float) -> StepStats:
    whole = step.sum()
    ordered, course = trend.of_step(step, history.runs)
    timeout = history.timeouts.get(step.path)
    found = outcome(step, history.runs) if step.anomalies else NONE
    p95 = quantile(ordered, 0.95)
    stats = StepStats(
        path=step.path,
        step_id=step.step_id,
        type=step.type,
        runs=whole.runs,
        count=whole.spans,
        outcomes=_outcomes(whole),
        p50_ms=quantile(ordered, 0.5),
        p95_ms=p95,
        max_ms=ordered[-1] if ordered else None,
        total_ms=whole.total_ms,
        share=min(whole.busy_ms / flow_total, 1.0) if flow_total else None,
        trend=course,
        retries=whole.retries,
        retried=whole.retried,
        timeouts=whole.timeout,
        timeout_ms=timeout,
        timeout_use=p95 / timeout if timeout and p95 is not None else None,
        output_bytes=quantile(sorted(size for size in step.series.output_bytes if size is not None), 0.5),
        cost_usd=_sum_known(step.series.cost_usd),
        flaky=_flaky(step, history.runs, found),
        failing=_failing(step, history.runs, found),
    )
    stats.flags = _flags(stats)
    return stats


def _flags(stats: StepStats) -> list[str]:
    outcomes, ran = stats.outcomes, stats.count - stats.outcomes.skipped
    found = {
        "failing": stats.failing is not None,
        "flaky": stats.flaky is not None,
        "always-skipped": stats.count > 0 and outcomes.skipped == stats.count,
        "always-retried": ran > 0 and stats.retried == ran,
        "near-timeout": stats.timeouts > 0 or (stats.timeout_use or 0) >= NEAR_TIMEOUT,
    }
    return [name for name, true in found.items() if true]


def _unseen(history: FlowHistory) -> list[str]:
    """Steps of the newest version that have no span in any of its runs."""
    seen = {
        step.path for step in history.steps if any(tally.version == history.version for tally in step.tallies)
    }
    ever = {step.path for step in history.steps}
    return [path for path in history.planned if path not in seen and path not in ever]


def chances(path: str, history: FlowHistory) -> int:
    """How often a planned step could have run in the newest version: what it stands in came to its end."""
    above = path.rpartition(" > ")[0]
    while above:
        if above == history.flow_key:
            # A dry run succeeds, and no step runs in it.
            real = {place for step in history.steps for place in step.series.runs}
            runs = [run for place, run in enumerate(history.runs) if place in real]
            return sum(run.version == history.version and run.status == "success" for run in runs)
        parent = next((step for step in history.steps if step.path == above), None)
        if parent is not None:
            return sum(tally.success for tally in parent.tallies if tally.version == history.version)
        if above in history.planned:
            return 0
        # an id may hold what joins them
        above = above.rpartition(" > ")[0]
    return 0


def _never(path: str, history: FlowHistory) -> StepStats:
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


def _outcomes(tally: Tally) -> Outcomes:
    return Outcomes(**{name: getattr(tally, name) for name in Outcomes.__struct_fields__})


def _run_outcomes(runs: Sequence[RunFacts]) -> Outcomes:
    return Outcomes(**{name: sum(run.status == name for run in runs) for name in Outcomes.__struct_fields__})


def _sum_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) if known else None


def ranked(document: StatsDocument) -> StatsDocument:
    """The same with the steps of each flow in the order of what matters, for an answer that shows the first
    of them: remarkable ones, then those that take the largest share."""
    flows = [
        msgspec.structs.replace(
            flow, steps=sorted(flow.steps, key=lambda step: (not step.flags, -(step.share or 0.0)))
        )
        for flow in document.flows
    ]
    return msgspec.structs.replace(document, flows=flows)
