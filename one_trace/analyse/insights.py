"""Ranked findings about one flow: the rules of README.md, tried in order on its history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from one_trace.analyse import query, rules_outcome, rules_time, stats
from one_trace.analyse.findings import Facts, Finding, InsightsDocument
from one_trace.analyse.history import FlowHistory
from one_trace.analyse.sample import blocks, loops, sample
from one_trace.model import Trace
from one_trace.store import Store

RULES: dict[str, Callable[[Facts], Iterator[Finding]]] = {
    "failing": rules_outcome.failing,
    "flaky": rules_outcome.flaky,
    "retried": rules_outcome.retried,
    "near-timeout": rules_outcome.near_timeout,
    "slow": rules_time.slow,
    "slower": rules_time.slower,
    "sequential-loop": rules_time.sequential_loop,
    "uneven-parallel": rules_time.uneven_parallel,
    "output-grows": rules_time.output_grows,
    "dear": rules_outcome.dear,
    "cost-grows": rules_outcome.cost_grows,
    "wasted": rules_outcome.wasted,
    "dead-step": rules_outcome.dead_step,
}


def of_store(store: Store, scope: query.Scope, *, since: str | None) -> InsightsDocument:
    """Findings about the one flow in scope; none, where it has no runs in it."""
    assert scope.flow is not None
    found = query.histories(store.connection, scope)
    if not found:
        return InsightsDocument(flow_key=scope.flow, since=since, rules=list(RULES))
    traces = sample(store, scope.flow, scope.since_ms)
    facts = gather(found[0], traces)
    facts.failures = query.failures(store.connection, scope)
    return document(facts, since=since)


def gather(history: FlowHistory, traces: Sequence[Trace]) -> Facts:
    """What the rules look at, from a flow's history and its last runs."""
    return Facts(
        history=history,
        stats=stats.of_flow(history),
        loops=list(loops(traces)),
        blocks=list(blocks(traces)),
        wasted_usd=sum(run.cost_usd or 0.0 for run in history.runs if run.status == "error"),
    )


def document(facts: Facts, *, since: str | None) -> InsightsDocument:
    """All findings, the one that saves most first; the same facts always give the same order."""
    found = [finding for rule in RULES.values() for finding in rule(facts)]
    found.sort(key=lambda finding: (-finding.score, list(RULES).index(finding.rule), finding.path))
    return InsightsDocument(
        flow_key=facts.history.flow_key,
        since=since,
        runs=facts.runs,
        version=facts.history.version,
        p50_ms=facts.stats.p50_ms,
        cost_usd_per_run=facts.flow_usd if facts.stats.cost_usd is not None else None,
        findings=[msgspec.structs.replace(finding, rank=rank) for rank, finding in enumerate(found, 1)],
        rules=list(RULES),
    )
