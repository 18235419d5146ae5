"""Reads the past of one run, to tell a change from chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from one_trace.analyse.step_runs import MOST_PAST_RUNS, PastRuns, PastStep, past_runs
from one_trace.model.times import to_ms
from one_trace.model.trace import Run
from one_trace.store.connection import Connection
from one_trace.store.deep_paths import whole_paths

_RUNS = (
    "SELECT id, duration_ms, cost_usd FROM runs"
    " WHERE flow_key = ? AND cwd IS ? AND status = 'success' AND duration_ms IS NOT NULL"
)
_LAST = "ORDER BY started_ms DESC LIMIT ?"


def of_run(db: Connection, run: Run, *, exclude: Sequence[Run] = ()) -> PastRuns:
    """The last successful runs of the run's flow in its folder that began before it, without `exclude`."""
    before = "started_ms <= ? AND trace_id NOT IN (SELECT value FROM json_each(?))"
    found = db.execute(
        f"{_RUNS} AND {before} {_LAST}",
        (
            run.flow_key,
            run.cwd,
            to_ms(run.started_at) or 0,
            _json([each.trace_id for each in (run, *exclude)]),
            MOST_PAST_RUNS,
        ),
    )
    return _past(db, found.fetchall()[::-1])


def of_flow(db: Connection, flow: str, project: str | None) -> PastRuns:
    """The last successful runs of a flow in a folder."""
    return _past(db, db.execute(f"{_RUNS} {_LAST}", (flow, project, MOST_PAST_RUNS)).fetchall()[::-1])


def _past(db: Connection, runs: Sequence[tuple[Any, ...]]) -> PastRuns:
    numbers = [number for number, _, _ in runs]
    steps = db.execute(
        "SELECT steps.id, steps.flow, path, step_id, type, skipped, error, timeout,"
        " spans, CASE WHEN max_ms IS NOT NULL THEN sum_ms END, max_ms, retries, output_bytes, cost_usd"
        " FROM steps JOIN step_runs ON step = steps.id AND run IN (SELECT value FROM json_each(?1))"
        " WHERE steps.flow = (SELECT flow_key FROM runs WHERE id = ?2) ORDER BY steps.id, started_ms",
        (_json(numbers), numbers[0] if numbers else None),
    )
    deep = whole_paths(db)
    past = (PastStep(flow, str(deep.get(step, path)), *facts) for step, flow, path, *facts in steps)
    return past_runs([(duration, cost) for _, duration, cost in runs], past)


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
