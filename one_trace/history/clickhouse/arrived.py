"""How many spans of a run have arrived, to compare with how many its own span says that it has."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.history.clickhouse.client import Client, Params
from one_trace.history.clickhouse.tables import SPANS
from one_trace.history.clickhouse.where import Where, moment
from one_trace.model.arrivals import not_arrived
from one_trace.model.trace import Run

_FEW = 200
"""Runs that a question names: more would not fit into a URL."""
_NAMED = " AND trace IN (SELECT unhex(arrayJoin({traces:Array(String)})))"


def mark_missing(client: Client, wanted: Where, found: Sequence[tuple[Run, int, int]]) -> None:
    """Say in `partial` of each run what has not arrived. `found`: runs with their starts (ms since 1970) and
    their revisions."""
    starts = [started for _, started, _ in found]
    if not starts:
        return
    params: Params = {**wanted.params, "first": min(starts), "last": max(starts)}
    condition = f"{wanted.keys} AND run_started BETWEEN {moment('first')} AND {moment('last')}"
    if len(found) <= _FEW:
        condition += _NAMED
        params = {**params, "traces": [run.trace_id for run, _, _ in found]}
    sql = (
        f"SELECT lower(hex(trace)), revision, uniqExact(span) FROM {SPANS} WHERE {condition}"
        " GROUP BY trace, revision"
    )
    arrived = {(trace, revision): spans for trace, revision, spans in client.rows(sql, params)}
    for run, _, revision in found:
        missing = run.counts.spans - arrived.get((run.trace_id, revision), 0)
        if missing > 0:
            run.partial = [*(run.partial or []), not_arrived(missing, run.counts.spans)]
