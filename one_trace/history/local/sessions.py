"""Reads which sessions of agents started runs."""

from __future__ import annotations

import msgspec

from one_trace.analyse.agent_sessions import SessionRuns, session_runs
from one_trace.model.wanted import Wanted
from one_trace.store.connection import Connection
from one_trace.store.reader import where


def by_session(db: Connection, wanted: Wanted) -> list[SessionRuns]:
    """The sessions that started these runs, that of the newest run first."""
    clause, values = where(wanted)
    rows = db.execute(
        "SELECT session_agent, session_id, count(*), sum(status IN ('error', 'incomplete')),"
        " json_group_array(DISTINCT flow_key), min(started_at), max(started_at), sum(cost_usd)"
        f" FROM runs {clause} GROUP BY session_agent, session_id ORDER BY max(started_ms) DESC, session_id",
        values,
    )
    return [
        session_runs(agent, session_id, runs, failed, msgspec.json.decode(flows, type=list[str]), *facts)
        for agent, session_id, runs, failed, flows, *facts in rows
    ]
