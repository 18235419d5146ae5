"""Why steps failed, and whether retries helped: told by the spans alone, of the last runs that had any."""

from __future__ import annotations

import msgspec

from one_trace.analyse.history import Failures, FlowHistory
from one_trace.store.connection import Connection

FAILED_RUNS = 300
"""Why steps failed is read from the last runs in which one did: their spans have to be looked at for it."""


def failures(db: Connection, flow: FlowHistory) -> dict[str, Failures]:
    """What the spans tell of the runs in which steps failed or were retried lately, by static path."""
    places = sorted({place for step in flow.steps for place in step.anomalies})[-FAILED_RUNS:]
    numbers = {flow.runs[place].number: place for place in places}
    rows = db.execute(
        "SELECT run, steps.path, spans.status, error_code, retries FROM spans JOIN steps ON steps.id = step"
        " WHERE run IN (SELECT value FROM json_each(?))"
        " AND (spans.status IN ('error', 'timeout') OR retries > 0) ORDER BY run, seq",
        (msgspec.json.encode(list(numbers)).decode(),),
    ).fetchall()
    rows.sort(key=lambda row: -numbers[row[0]])
    found: dict[str, Failures] = {}
    for run, path, status, code, retries in rows:
        seen = found.setdefault(path, Failures())
        place, bad = numbers[run], status in ("error", "timeout")
        if retries and status in ("success", "error", "timeout"):
            seen.retried[place] = seen.retried.get(place, 0) + 1
            seen.helped += not bad
            seen.useless += bad
        if bad:
            seen.note(place, flow.runs[place].run_id, code, timed_out="timeout" in (status, _lower(code)))
    return found


def _lower(code: str | None) -> str:
    return (code or "").lower()
