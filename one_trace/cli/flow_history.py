"""The history of a flow as a page: the documents of `stats`, `insights` and `cost` about it, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from one_trace.analyse import cost, stats
from one_trace.cli import filters
from one_trace.cli.reading import here_in
from one_trace.export.flow_page import RunPoint, flow_page
from one_trace.history import profiles
from one_trace.model.wanted import Wanted

if TYPE_CHECKING:
    from one_trace.history.protocol import History
    from one_trace.settings.history_url import HistoryUrl


def flow_history(flow: str, place: HistoryUrl | None) -> bytes | None:
    """The page about the flow with this key; None if it has no run. If several
    projects have it, that of this project, else the one with the newest run."""
    with filters.open_history(place) as history:
        projects = history.projects(flow)
        if not projects:
            return None
        here = here_in(history)
        return page_of(history, Wanted(flow, project=here if here in projects else projects[0]))


def page_of(history: History, wanted: Wanted) -> bytes:
    """The page about the flow of these runs."""
    found = history.histories(wanted, models=True)
    flow = max(found, key=lambda flow: flow.runs[-1].started_at)
    calls = history.calls(wanted)
    return flow_page(
        [
            RunPoint(
                run_id=run.run_id,
                status=run.status,
                started_at=run.started_at,
                duration_ms=run.duration_ms,
                cost_usd=run.cost_usd,
                version=run.version,
            )
            for run in flow.runs
        ],
        stats=stats.document([flow], flow=wanted.flow, since=None),
        insights=profiles.findings(history, wanted, since=None, found=found),
        cost=cost.document(calls.usages, runs=calls.runs, flow=wanted.flow, since=None),
    )
