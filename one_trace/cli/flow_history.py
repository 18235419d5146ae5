"""The history of a flow as a page: the documents of `stats`, `insights` and `cost` about it, put together."""

from __future__ import annotations

from one_trace.analyse import cost, insights, llm_calls, query, stats
from one_trace.cli import filters
from one_trace.cli.params import project_here
from one_trace.export.flow_page import RunPoint, flow_page
from one_trace.model.wanted import Wanted
from one_trace.store import Store


def flow_history(flow: str) -> bytes | None:
    """The page about the flow with this key; None if the store has no run of it. If several
    projects have it, that of this project, else the one with the newest run."""
    with filters.open_store() as store:
        projects = query.projects(store.connection, flow)
        if not projects:
            return None
        here = project_here()
        return page_of(store, Wanted(flow, project=here if here in projects else projects[0]))


def page_of(store: Store, chosen: Wanted) -> bytes:
    """The page about the flow of these runs."""
    histories = query.histories(store.connection, chosen)
    history = max(histories, key=lambda flow: flow.runs[-1].started_at)
    runs = llm_calls.runs(store.connection, chosen)
    calls = llm_calls.read(store.connection, chosen, runs)
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
            for run in history.runs
        ],
        stats=stats.document([history], flow=chosen.flow, since=None),
        insights=insights.of_store(store, chosen, since=None),
        cost=cost.document(calls, runs=len(runs), flow=chosen.flow, since=None),
    )
