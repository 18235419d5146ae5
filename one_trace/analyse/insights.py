"""Ranked findings about one flow, or which flows need attention: fixed rules, tried in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from msgspec import UNSET

from one_trace.analyse import (
    rules_model,
    rules_outcome,
    rules_plan,
    rules_time,
    rules_timeout,
    stats,
    timings,
)
from one_trace.analyse.findings import Attention, Finding, FlowProfile, InsightsDocument, InsightsOverview
from one_trace.analyse.history import FlowHistory, RunSummary
from one_trace.analyse.rounding import rounded
from one_trace.guard.text import shell_word
from one_trace.model.trace import Trace

RULES: dict[str, Callable[[FlowProfile], Iterator[Finding]]] = {
    "failing": rules_outcome.failing,
    "flaky": rules_outcome.flaky,
    "retried": rules_outcome.retried,
    "useless-retries": rules_outcome.useless_retries,
    "near-timeout": rules_timeout.near_timeout,
    "far-timeout": rules_timeout.far_timeout,
    "slow": rules_time.slow,
    "slower": rules_time.slower,
    "sequential-loop": rules_plan.sequential_loop,
    "independent-steps": rules_plan.independent_steps,
    "uneven-parallel": rules_plan.uneven_parallel,
    "output-grows": rules_time.output_grows,
    "expensive": rules_time.expensive,
    "cost-grows": rules_time.cost_grows,
    "cheaper-model": rules_model.cheaper_model,
    "wasted": rules_time.wasted,
    "dead-step": rules_plan.dead_step,
}
ATTENTION = frozenset(RULES) - {"slow", "expensive", "dead-step", "far-timeout", "uneven-parallel"}
"""Findings for which a flow needs attention: the others hold for many a flow that does well."""
OF_PLAN = frozenset(("sequential-loop", "independent-steps"))
"""Rules that see nothing where the plan of a flow is not known."""
SAMPLE_RUNS = 20
SAMPLE_SPANS = 20_000
"""Traces are read of a flow's last runs: at most so many runs, with at most so many spans in all."""
OVERVIEW_RUNS = 60
"""The same for an overview, of all flows together."""
OVERVIEW_LAST = 150
"""Runs of each flow that an overview without `since` is made of: it says what needs attention now, and must
not take longer the longer the history is."""


def overview(profiles: Iterable[FlowProfile], *, project: str | None, since: str | None) -> InsightsOverview:
    """Which flows need attention, by the score of their first finding. Without `since`, of OVERVIEW_LAST runs
    of each."""
    flows: list[Attention] = []
    runs = quiet = 0
    bounded = False
    for profile in profiles:
        history = profile.history
        bounded = bounded or (since is None and len(history.runs) >= OVERVIEW_LAST)
        runs += len(history.runs)
        findings = [finding for finding in _findings(profile) if finding.rule in ATTENTION]
        quiet += not findings
        if findings:
            flows.append(
                Attention(
                    flow_key=history.flow_key,
                    project=history.project,
                    runs=len(history.runs),
                    last_run_at=history.runs[-1].started_at,
                    findings=len(findings),
                    first=rounded(findings[0]),
                    partial=history.partial,
                )
            )
    flows.sort(key=lambda flow: (-flow.first.score, flow.flow_key, flow.project or ""))
    return InsightsOverview(
        project=project,
        since=since,
        runs=runs,
        last_runs=OVERVIEW_LAST if bounded else UNSET,
        flows=flows,
        quiet=quiet,
    )


def sample(history: FlowHistory, most_runs: int) -> list[RunSummary]:
    """The last runs, newest first, of which the whole traces are looked at."""
    chosen: list[RunSummary] = []
    spans = 0
    for run in reversed(history.runs[-min(most_runs, SAMPLE_RUNS) :]):
        spans += run.spans
        if chosen and spans > SAMPLE_SPANS:
            break
        chosen.append(run)
    return chosen


def document(flow: FlowProfile, *, since: str | None) -> InsightsDocument:
    """The answer of ``trace insights FLOW``."""
    return rounded(
        InsightsDocument(
            flow_key=flow.history.flow_key,
            project=flow.history.project,
            since=since,
            runs=flow.runs,
            version=flow.history.version,
            p50_ms=flow.stats.p50_ms,
            cost_usd_per_run=flow.flow_usd if flow.stats.cost_usd is not None else None,
            partial=flow.history.partial,
            findings=_findings(flow),
            rules=[rule for rule in RULES if flow.history.plan or rule not in OF_PLAN],
        )
    )


def profile(history: FlowHistory, traces: Sequence[Trace]) -> FlowProfile:
    """A flow's profile from its history and its last runs."""
    trees = [timings.tree_of(trace) for trace in traces]
    return FlowProfile(
        history=history,
        stats=stats.of_flow(history),
        loops=list(timings.loops(trees)),
        blocks=list(timings.blocks(trees)),
        lists=list(timings.lists(trees)),
        critical=timings.critical_shares(trees),
        sampled=len(trees),
    )


def _findings(flow: FlowProfile) -> list[Finding]:
    """All findings by score; the same profile always gives the same order."""
    findings = [finding for rule in RULES.values() for finding in rule(flow)]
    order = list(RULES)
    findings.sort(key=lambda finding: (-finding.score, order.index(finding.rule), finding.path))
    plan = flow.history.plan
    places = [plan[finding.path].at if finding.path in plan else None for finding in findings]
    last = f"{shell_word(flow.history.flow_key)}@last"
    return [
        msgspec.structs.replace(
            finding, rank=rank, at=at, suggestion=finding.suggestion.replace("FLOW@last", last)
        )
        for rank, (finding, at) in enumerate(zip(findings, places, strict=True), 1)
    ]
