"""Reads why steps failed and whether retries helped, from the spans of the last runs that had any."""

from __future__ import annotations

import msgspec

from one_trace.analyse.history import FailureDetails, FlowHistory
from one_trace.store.connection import Connection

RUNS = 300
"""Spans are read of this many runs at most."""
NAMED_RUNS = 3


def failure_details(db: Connection, flow: FlowHistory) -> dict[str, FailureDetails]:
    """Details of failed and retried spans, by static path."""
    indexes = sorted({index for step in flow.steps for index in step.anomalies})[-RUNS:]
    by_number = {flow.runs[index].number: index for index in indexes}
    rows = db.execute(
        "SELECT run, steps.path, spans.status, error_code, retries FROM spans JOIN steps ON steps.id = step"
        " WHERE run IN (SELECT value FROM json_each(?))"
        " AND (spans.status IN ('error', 'timeout') OR retries > 0) ORDER BY run, seq",
        (msgspec.json.encode(list(by_number)).decode(),),
    ).fetchall()
    rows.sort(key=lambda row: -by_number[row[0]])
    by_path: dict[str, FailureDetails] = {}
    for run, path, status, code, retries in rows:
        details = by_path.setdefault(path, FailureDetails())
        index, failed = by_number[run], status in ("error", "timeout")
        if retries and (failed or status == "success"):
            details.helped += not failed
            details.useless += failed
        if failed:
            _count_failure(details, index, flow.runs[index].run_id, status, code)
    return by_path


def _count_failure(details: FailureDetails, index: int, run_id: str, status: str, code: str | None) -> None:
    timed_out = "timeout" in (status, (code or "").lower())
    name = code or ("TIMEOUT" if timed_out else "no code")
    details.codes[name] = details.codes.get(name, 0) + 1
    if timed_out:
        details.timed_out[index] = details.timed_out.get(index, 0) + 1
    if len(details.runs) < NAMED_RUNS and run_id not in details.runs:
        details.runs.append(run_id)
