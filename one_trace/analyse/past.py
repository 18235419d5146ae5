"""What is asked of the past of one run, to tell a change from chance."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from one_trace.analyse.groups import Group, Past, Step
from one_trace.model.times import to_ms
from one_trace.model.trace import Run, SpanStatus
from one_trace.store.connection import Connection

PAST_RUNS = 50
"""What was usual long ago is not usual now."""


def of_run(db: Connection, run: Run, *, but: Sequence[Run] = ()) -> Past:
    """The last successful runs of the run's flow in its folder that began before it, without `but`."""
    runs = db.execute(
        "SELECT id, duration_ms, cost_usd FROM runs WHERE flow_key = ? AND cwd IS ?"
        " AND status = 'success' AND duration_ms IS NOT NULL AND started_ms <= ?"
        " AND trace_id NOT IN (SELECT value FROM json_each(?)) ORDER BY started_ms DESC LIMIT ?",
        (
            run.flow_key,
            run.cwd,
            to_ms(run.started_at) or 0,
            _json([each.trace_id for each in (run, *but)]),
            PAST_RUNS,
        ),
    ).fetchall()[::-1]
    found = Past(
        runs=[duration for _, duration, _ in runs],
        costs=[cost for _, _, cost in runs if cost is not None],
        steps={},
        about={},
    )
    _past_steps(db, [number for number, _, _ in runs], found)
    return found


def _past_steps(db: Connection, numbers: Sequence[int], found: Past) -> None:
    rows = db.execute(
        "SELECT steps.flow, path, step_id, type,"
        " spans, skipped, error, timeout, retries, sum_ms, max_ms, output_bytes, cost_usd"
        " FROM steps JOIN step_runs ON step = steps.id AND run IN (SELECT value FROM json_each(?1))"
        " WHERE steps.flow = (SELECT flow_key FROM runs WHERE id = ?2) ORDER BY steps.id, started_ms",
        (_json(numbers), numbers[0] if numbers else None),
    )
    for flow, path, step_id, kind, *figures in rows:
        under = path[len(flow) + len(" > ") :]
        found.about[under] = Step(under, step_id, kind)
        found.steps.setdefault(under, []).append(_group(*figures))


def _group(
    spans: int, skipped: int, error: int, timeout: int, retries: int,
    total: float, most: float | None, output: int | None, cost: float | None,
) -> Group:  # fmt: skip
    status: SpanStatus = "success"
    if error or timeout:
        status = "error" if error else "timeout"
    elif skipped == spans:
        status = "skipped"
    return Group(
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
