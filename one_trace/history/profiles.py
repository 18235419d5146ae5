"""Findings about the flows of a history: what they are found in is asked here, the rules are pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from one_trace.analyse import insights
from one_trace.analyse.findings import FlowProfile, InsightsDocument, InsightsOverview
from one_trace.analyse.history import FlowHistory
from one_trace.analyse.rounding import rounded
from one_trace.errors import NoSuchRun
from one_trace.model.trace import Trace
from one_trace.model.wanted import Wanted

if TYPE_CHECKING:
    from one_trace.history.protocol import History

Flows = Callable[[FlowHistory], Mapping[str, dict[str, Any]]]
"""The flow files of a flow and of those that it calls, by key."""


def findings(
    history: History,
    wanted: Wanted,
    *,
    since: str | None,
    flows: Flows | None = None,
    found: Sequence[FlowHistory] | None = None,
) -> InsightsDocument:
    """Findings about one flow; if several projects have it, about that of the newest run. With `flows` it is
    predicted what their edits would change. `found`: its histories, with models, if they have been read."""
    assert wanted.flow is not None
    if found is None:
        found = history.histories(wanted, models=True)
    if not found:
        rules = list(insights.RULES)
        return InsightsDocument(flow_key=wanted.flow, project=wanted.project, since=since, rules=rules)
    newest = max(found, key=lambda flow: flow.runs[-1].started_at)
    traces = _sample(history, newest, insights.SAMPLE_RUNS)
    answer = insights.document(_profile(history, newest, traces), since=since)
    answer.other_projects = [flow.project or "" for flow in found if flow is not newest]
    if flows is not None and answer.findings:
        from one_trace.analyse.whatif import Replays

        replays = Replays(newest.flow_key, flows(newest), newest.plan, traces)
        for finding in answer.findings:
            prediction = replays.predict(finding)
            finding.prediction = rounded(prediction) if prediction is not None else None
    return answer


def overview(history: History, wanted: Wanted, *, since: str | None) -> InsightsOverview:
    """Which flows need attention."""
    last = insights.OVERVIEW_LAST if wanted.since is None else None
    flows = history.histories(wanted._replace(last=last), models=True)
    most_runs = max(1, insights.OVERVIEW_RUNS // max(1, len(flows)))
    profiles = (_profile(history, flow, _sample(history, flow, most_runs)) for flow in flows)
    return insights.overview(profiles, project=wanted.project, since=since)


def _sample(history: History, flow: FlowHistory, most_runs: int) -> list[Trace]:
    """Those of the last runs that still have their spans: a team's spans may be kept for less time."""
    traces: list[Trace] = []
    for run in insights.sample(flow, most_runs):
        with suppress(NoSuchRun):
            traces.append(history.trace(run.key))
    return traces


def _profile(history: History, flow: FlowHistory, traces: Sequence[Trace]) -> FlowProfile:
    profile = insights.profile(flow, traces)
    profile.failures = dict(history.failure_details(flow))
    profile.ran_for_others = history.ran_for_others(flow)
    return profile
