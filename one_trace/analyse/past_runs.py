"""Reads the past of one run, to tell a change from chance."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from one_trace.analyse.step_runs import PastRuns, StepRef, StepRun
from one_trace.store.connection import Connection

MOST_RUNS = 50
"""What was usual long ago is not usual now."""


def of_run(db: Connection, run_id: str, *, exclude: Sequence[str] = ()) -> PastRuns:
    """The last successful runs of a run's flow before it, without those of `exclude`."""
    runs = db.execute(
        "SELECT past.id, past.duration_ms, past.cost_usd FROM runs AS past JOIN runs AS one ON one.run_id = ?"
        " WHERE past.flow_key = one.flow_key AND past.cwd IS one.cwd"
        " AND past.status = 'success' AND past.duration_ms IS NOT NULL"
        " AND past.started_ms <= one.started_ms AND past.run_id <> one.run_id"
        " AND past.run_id NOT IN (SELECT value FROM json_each(?)) ORDER BY past.started_ms DESC LIMIT ?",
        (run_id, _json(exclude), MOST_RUNS),
    ).fetchall()[::-1]
    past = PastRuns(
        runs=[duration for _, duration, _ in runs],
        costs=[cost for _, _, cost in runs if cost is not None],
    )
    numbers = [number for number, _, _ in runs]
    for flow, path, step_id, kind, skipped, error, timeout, *figures in db.execute(
        "SELECT steps.flow, path, step_id, type, skipped, error, timeout,"
        " spans, CASE WHEN max_ms IS NOT NULL THEN sum_ms END, max_ms, retries, output_bytes, cost_usd"
        " FROM steps JOIN step_runs ON step = steps.id AND run IN (SELECT value FROM json_each(?1))"
        " WHERE steps.flow = (SELECT flow_key FROM runs WHERE id = ?2) ORDER BY steps.id, started_ms",
        (_json(numbers), numbers[0] if numbers else None),
    ):
        count, duration, longest, retries, output, cost = figures
        below_root = path[len(flow) + len(" > ") :]
        past.refs[below_root] = StepRef(below_root, step_id, kind)
        past.steps.setdefault(below_root, []).append(
            StepRun(
                count=count,
                status="error"
                if error
                else "timeout"
                if timeout
                else "skipped"
                if skipped == count
                else "success",
                duration_ms=duration,
                max_ms=longest,
                retries=retries,
                output_bytes=output,
                cost_usd=cost,
            )
        )
    return past


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
