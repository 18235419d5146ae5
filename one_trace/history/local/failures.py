"""Reads why steps failed and whether retries helped."""

from __future__ import annotations

import msgspec

from one_trace.analyse import failure_details as counted
from one_trace.analyse.history import FailureDetails, FlowHistory
from one_trace.store.connection import Connection
from one_trace.store.deep_paths import whole_paths


def failure_details(db: Connection, flow: FlowHistory) -> dict[str, FailureDetails]:
    """Details of failed and retried spans, by static path."""
    by_number = {flow.runs[index].number: index for index in counted.troubled_runs(flow)}
    rows = db.execute(
        "SELECT run, step, steps.path, spans.status, error_code, retries FROM spans"
        " JOIN steps ON steps.id = step WHERE run IN (SELECT value FROM json_each(?))"
        " AND (spans.status IN ('error', 'timeout') OR retries > 0) ORDER BY run, seq",
        (msgspec.json.encode(list(by_number)).decode(),),
    )
    deep = whole_paths(db, flow.flow_key)
    return counted.failure_details(
        flow, ((by_number[run], deep.get(step, path), *facts) for run, step, path, *facts in rows)
    )
