"""Findings about the flows of a history: what they are found in is asked here, the rules are pure."""

from __future__ import annotations

from one_trace.analyse import insights
from one_trace.analyse.findings import FlowProfile, InsightsDocument, InsightsOverview
from one_trace.analyse.history import FlowHistory
from one_trace.history.protocol import History
from one_trace.model.wanted import Wanted


def findings(history: History, wanted: Wanted, *, since: str | None) -> InsightsDocument:
    """Findings about one flow; if several projects have it, about that of the newest run."""
    assert wanted.flow is not None
    flows = history.histories(wanted, models=True)
    if not flows:
        rules = list(insights.RULES)
        return InsightsDocument(flow_key=wanted.flow, project=wanted.project, since=since, rules=rules)
    newest = max(flows, key=lambda flow: flow.runs[-1].started_at)
    answer = insights.document(_profile(history, newest, insights.SAMPLE_RUNS), since=since)
    answer.other_projects = [flow.project or "" for flow in flows if flow is not newest]
    return answer


def overview(history: History, wanted: Wanted, *, since: str | None) -> InsightsOverview:
    """Which flows need attention."""
    flows = history.histories(wanted, models=True)
    most_runs = max(1, insights.OVERVIEW_RUNS // max(1, len(flows)))
    profiles = (_profile(history, flow, most_runs) for flow in flows)
    return insights.overview(profiles, project=wanted.project, since=since)


def _profile(history: History, flow: FlowHistory, most_runs: int) -> FlowProfile:
    profile = insights.profile(flow, [history.trace(run.key) for run in insights.sample(flow, most_runs)])
    profile.failures = dict(history.failure_details(flow))
    profile.ran_for_others = history.ran_for_others(flow)
    return profile
