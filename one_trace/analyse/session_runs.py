"""Reads which sessions of agents started runs."""

from __future__ import annotations

import msgspec

from one_trace.analyse.agent_sessions import SessionRuns, resume_command
from one_trace.model.trace import Session
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
        SessionRuns(
            agent=agent,
            session_id=session_id,
            resume=resume_command(Session(agent=agent, session_id=session_id)),
            runs=runs,
            failed=failed,
            flows=sorted(msgspec.json.decode(flows, type=list[str])),
            first_run_at=first,
            last_run_at=last,
            cost_usd=cost,
        )
        for agent, session_id, runs, failed, flows, first, last, cost in rows
    ]
