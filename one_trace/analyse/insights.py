"""Ranked findings about one flow, or which flows need attention: the rules of README.md, tried in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from one_trace.analyse import failed_spans, query, rules_outcome, rules_plan, rules_time, rules_timeout, stats
from one_trace.analyse import sample as single
from one_trace.analyse.findings import Attention, Facts, Finding, InsightsDocument, InsightsOverview
from one_trace.analyse.history import FlowHistory
from one_trace.analyse.rounding import rounded
from one_trace.model.trace import Trace
from one_trace.store import Store

RULES: dict[str, Callable[[Facts], Iterator[Finding]]] = {
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
    "wasted": rules_time.wasted,
    "dead-step": rules_plan.dead_step,
}
ATTENTION = frozenset(RULES) - {"slow", "expensive", "dead-step", "far-timeout", "uneven-parallel"}
"""What makes a flow need attention: the others are true of many a flow that does well."""


RUNS = 20
SPANS = 20_000
"""The last runs are looked at, at most so many, and no more of them than have so many spans together."""
OVERVIEW_RUNS = 60
"""So many runs of all flows together are looked at one by one for an overview."""


def of_store(store: Store, scope: query.Scope, *, since: str | None) -> InsightsDocument:
    """Findings about the one flow in scope; none, where it has no runs in it. Of several projects, the one
    whose run was the last."""
    assert scope.flow is not None
    found = query.histories(store.connection, scope, models=True)
    if not found:
        return InsightsDocument(flow_key=scope.flow, project=scope.project, since=since, rules=list(RULES))
    history = max(found, key=lambda flow: flow.runs[-1].started_at)
    facts = _facts(store, history, RUNS)
    answer = document(facts, since=since)
    answer.other_projects = [flow.project or "" for flow in found if flow is not history]
    return answer


def overview(store: Store, scope: query.Scope, *, since: str | None) -> InsightsOverview:
    """Which flows in scope need attention, the one with the most to gain first."""
    found = query.histories(store.connection, scope, models=True)
    flows = []
    for history in found:
        facts = _facts(store, history, max(1, OVERVIEW_RUNS // len(found)))
        findings = [finding for finding in _found(facts) if finding.rule in ATTENTION]
        if findings:
            flows.append(
                Attention(
                    flow_key=history.flow_key,
                    project=history.project,
                    runs=len(history.runs),
                    last_run_at=history.runs[-1].started_at,
                    findings=len(findings),
                    first=rounded(findings[0]),
                )
            )
    flows.sort(key=lambda flow: (-flow.first.score, flow.flow_key, flow.project or ""))
    return InsightsOverview(
        project=scope.project,
        since=since,
        runs=sum(len(history.runs) for history in found),
        flows=flows,
        quiet=len(found) - len(flows),
    )


def _facts(store: Store, history: FlowHistory, most: int) -> Facts:
    last = history.runs[-min(most, RUNS) :]
    traces = _sample(store, [run.run_id for run in last], [run.spans for run in last])
    facts = gather(history, traces)
    facts.failures = failed_spans.failures(store.connection, history)
    return facts


def _sample(store: Store, runs: Sequence[str], spans: Sequence[int]) -> list[Trace]:
    """The traces of the last of these runs (ids and how many spans they have, oldest first)."""
    traces: list[Trace] = []
    total = 0
    for run_id, count in list(zip(runs, spans, strict=True))[: -RUNS - 1 : -1]:
        total += count
        if traces and total > SPANS:
            break
        traces.append(store.trace(run_id))
    return traces


def gather(history: FlowHistory, traces: Sequence[Trace]) -> Facts:
    """What the rules look at, from a flow's history and its last runs."""
    views = [single.view(trace) for trace in traces]
    return Facts(
        history=history,
        stats=stats.of_flow(history),
        loops=list(single.loops(views)),
        blocks=list(single.blocks(views)),
        rows=list(single.rows(views)),
        critical=single.critical(views),
        sampled=len(views),
    )


def _found(facts: Facts) -> list[Finding]:
    """All findings, the one that saves most first; the same facts always give the same order."""
    found = [finding for rule in RULES.values() for finding in rule(facts)]
    order = list(RULES)
    found.sort(key=lambda finding: (-finding.score, order.index(finding.rule), finding.path))
    plan = facts.history.plan
    places = [plan[finding.path].at if finding.path in plan else None for finding in found]
    return [
        msgspec.structs.replace(finding, rank=rank, at=at)
        for rank, (finding, at) in enumerate(zip(found, places, strict=True), 1)
    ]


def document(facts: Facts, *, since: str | None) -> InsightsDocument:
    """The answer of ``trace insights FLOW``."""
    return rounded(
        InsightsDocument(
            flow_key=facts.history.flow_key,
            project=facts.history.project,
            since=since,
            runs=facts.runs,
            version=facts.history.version,
            p50_ms=facts.stats.p50_ms,
            cost_usd_per_run=facts.flow_usd if facts.stats.cost_usd is not None else None,
            findings=_found(facts),
            rules=list(RULES),
        )
    )
