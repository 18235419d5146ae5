"""What is asked of the past of one run, to tell a change from chance."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from one_trace.analyse.step_runs import PastRuns, StepRef, StepRun
from one_trace.model.trace import SpanStatus
from one_trace.store.connection import Connection

PAST_RUNS = 50
"""What was usual long ago is not usual now."""


def of_run(db: Connection, run_id: str, *, but: Sequence[str] = ()) -> PastRuns:
    """The last runs of a run's flow that succeeded before it began, `but` for these: what is usual of it."""
    runs = db.execute(
        "SELECT past.id, past.duration_ms, past.cost_usd FROM runs AS past JOIN runs AS one ON one.run_id = ?"
        " WHERE past.flow_key = one.flow_key AND past.cwd IS one.cwd"
        " AND past.status = 'success' AND past.duration_ms IS NOT NULL"
        " AND past.started_ms <= one.started_ms AND past.run_id <> one.run_id"
        " AND past.run_id NOT IN (SELECT value FROM json_each(?)) ORDER BY past.started_ms DESC LIMIT ?",
        (run_id, _json(but), PAST_RUNS),
    ).fetchall()[::-1]
    found = PastRuns(
        runs=[duration for _, duration, _ in runs],
        costs=[cost for _, _, cost in runs if cost is not None],
        steps={},
        about={},
    )
    _past_steps(db, [number for number, _, _ in runs], found)
    return found


def _past_steps(db: Connection, numbers: Sequence[int], found: PastRuns) -> None:
    rows = db.execute(
        "SELECT steps.flow, path, step_id, type,"
        " spans, skipped, error, timeout, retries, sum_ms, max_ms, output_bytes, cost_usd"
        " FROM steps JOIN step_runs ON step = steps.id AND run IN (SELECT value FROM json_each(?1))"
        " WHERE steps.flow = (SELECT flow_key FROM runs WHERE id = ?2) ORDER BY steps.id, started_ms",
        (_json(numbers), numbers[0] if numbers else None),
    )
    for flow, path, step_id, kind, *figures in rows:
        under = path[len(flow) + len(" > ") :]
        found.about[under] = StepRef(under, step_id, kind)
        found.steps.setdefault(under, []).append(_group(*figures))


def _group(
    spans: int, skipped: int, error: int, timeout: int, retries: int,
    total: float, most: float | None, output: int | None, cost: float | None,
) -> StepRun:  # fmt: skip
    status: SpanStatus = "success"
    if error or timeout:
        status = "error" if error else "timeout"
    elif skipped == spans:
        status = "skipped"
    return StepRun(
        count=spans,
        status=status,
        duration_ms=None if most is None else total,
        max_ms=most,
        retries=retries,
        output_bytes=output,
        cost_usd=cost,
    )


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
