"""What analysis asks the store: the summary rows of `step_runs`, never the million spans behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from one_trace.analyse.findings import Failures
from one_trace.analyse.history import FlowHistory, RunFacts, StepHistory, Tally
from one_trace.store.connection import Connection

FAILED_RUNS = 50
"""Why steps failed is read from the last runs in which one did: their spans have to be looked at for it."""
NAMED_RUNS = 3


class Scope(NamedTuple):
    """Which runs to look at: of one flow or of all, from a moment on (ms since 1970 UTC) or all that there
    are.
    """

    flow: str | None = None
    since_ms: int | None = None

    def where(self, flow: str, since: str) -> tuple[str, list[object]]:
        """An SQL condition; `flow` (with one ``?``) and `since` say what the two mean for the table at
        hand.
        """
        parts: list[str] = []
        values: list[object] = []
        if self.flow is not None:
            parts.append(flow)
            values.append(self.flow)
        if self.since_ms is not None:
            parts.append(f"{since} >= ?")
            values.append(self.since_ms)
        return " AND ".join(parts) or "1", values


def histories(db: Connection, scope: Scope) -> list[FlowHistory]:
    """Every flow in scope that has runs, with all its steps, by the flow's key."""
    found, places = _runs(db, scope)
    steps = _steps(db, scope, found)
    _tally(db, scope, steps, found)
    _series(db, scope, steps, places)
    for flow in found.values():
        # A step of a run that is out of scope has no row in it, and is no step of this history.
        flow.steps = [step for step in flow.steps if step.tallies]
        _plan(db, flow)
    return list(found.values())


def flow_keys(db: Connection) -> list[str]:
    """Keys of all flows that have runs."""
    return [key for (key,) in db.execute("SELECT DISTINCT flow_key FROM runs ORDER BY flow_key")]


def _runs(db: Connection, scope: Scope) -> tuple[dict[str, FlowHistory], dict[int, int]]:
    """Flows with their runs, and of each run of the store its place in its flow."""
    where, values = scope.where("runs.flow_key = ?", "started_ms")
    found: dict[str, FlowHistory] = {}
    places: dict[int, int] = {}
    rows = db.execute(
        "SELECT runs.flow_key, runs.id, run_id, version, status, started_at, duration_ms, cost_usd FROM runs"
        f" LEFT JOIN flow_versions ON flow_versions.id = flow_version WHERE {where}"
        " ORDER BY runs.flow_key, started_ms, runs.id",
        values,
    )
    for key, number, *facts in rows:
        flow = found.get(key)
        if flow is None:
            flow = found[key] = FlowHistory(flow_key=key)
        places[number] = len(flow.runs)
        flow.runs.append(RunFacts(*facts))
    return found, places


def _steps(db: Connection, scope: Scope, found: dict[str, FlowHistory]) -> dict[int, StepHistory]:
    """Steps by their number in the store; one that was renamed has several, and is one step here."""
    by_path: dict[tuple[str, str], StepHistory] = {}
    steps: dict[int, StepHistory] = {}
    where, values = Scope(scope.flow).where("flow = ?", "")
    for number, flow, path, step_id, kind, owner in db.execute(
        f"SELECT id, flow, path, step_id, type, flow_key FROM steps WHERE {where} ORDER BY id", values
    ):
        if flow not in found:
            continue
        step = by_path.get((flow, path))
        if step is None:
            step = by_path[flow, path] = StepHistory(path=path, step_id=step_id, type=kind)
            found[flow].steps.append(step)
        step.type, step.flow_key = kind, owner
        steps[number] = step
    return steps


_COUNTS = (
    "count(*), sum(step_runs.spans), sum(step_runs.success), sum(step_runs.error), sum(step_runs.timeout),"
    " sum(step_runs.skipped), sum(step_runs.stopped), sum(step_runs.incomplete), sum(step_runs.retries),"
    " sum(min(step_runs.retries, step_runs.spans - step_runs.skipped)),"
    " sum(step_runs.error + step_runs.timeout > 0), sum(sum_ms), sum(self_ms)"
)
"""The members of a `Tally`, from its second one on."""


def _of_steps(scope: Scope, numbers: Iterable[int]) -> tuple[str, list[object]]:
    """The condition that a row of `step_runs` is of one of these steps, and since then."""
    where, values = Scope(None, scope.since_ms).where("", "step_runs.started_ms")
    return f"step IN (SELECT value FROM json_each(?)) AND {where}", [_json(list(numbers)), *values]


def _tally(
    db: Connection, scope: Scope, steps: dict[int, StepHistory], found: dict[str, FlowHistory]
) -> None:
    """Count by version. To look up each row's version takes longer than to count: only where there are
    several.
    """
    several: list[int] = []
    alone: dict[int, str | None] = {}
    versions = {
        id(step): {run.version for run in flow.runs} for flow in found.values() for step in flow.steps
    }
    for number, step in steps.items():
        first, *more = versions[id(step)]
        if more:
            several.append(number)
        else:
            alone[number] = first
    where, values = _of_steps(scope, alone)
    rows = db.execute(f"SELECT step, {_COUNTS} FROM step_runs WHERE {where} GROUP BY step", values)
    for number, *counts in rows:
        steps[number].add(_counted(alone[number], counts))
    where, values = _of_steps(scope, several)
    rows = db.execute(
        f"SELECT step, version, {_COUNTS} FROM step_runs CROSS JOIN runs ON runs.id = run"
        f" LEFT JOIN flow_versions ON flow_versions.id = flow_version WHERE {where}"
        " GROUP BY step, flow_version",
        values,
    )
    for number, version, *counts in rows:
        steps[number].add(_counted(version, counts))


def _counted(version: str | None, counts: Sequence[Any]) -> Tally:
    members: dict[str, Any] = dict(zip(Tally.__struct_fields__[1:], counts, strict=True))
    return Tally(version=version, **members)


def _series(db: Connection, scope: Scope, steps: dict[int, StepHistory], places: dict[int, int]) -> None:
    where, values = _of_steps(scope, steps)
    rows = db.execute(
        f"SELECT step, run, durations, output_bytes, cost_usd FROM step_runs WHERE {where}", values
    )
    for number, entries in groupby(rows, itemgetter(0)):
        _, runs, durations, outputs, costs = zip(*entries, strict=True)
        series = steps[number].series
        series.runs += [places[run] for run in runs]
        series.durations += durations
        series.output_bytes += outputs
        series.cost_usd += costs
    for step in steps.values():
        step.series.put_in_order()


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()


def _plan(db: Connection, flow: FlowHistory) -> None:
    """The newest version's steps and time-outs."""
    row = db.execute(
        "SELECT static_paths, step_timeouts FROM flow_versions WHERE flow_key = ? AND version = ?",
        (flow.flow_key, flow.version),
    ).fetchone()
    if row is not None:
        flow.planned = msgspec.json.decode(row[0], type=list[str])
        flow.timeouts = msgspec.json.decode(row[1], type=dict[str, float])


def failures(db: Connection, scope: Scope) -> dict[str, Failures]:
    """How the steps of the one flow in scope failed lately, by static path."""
    where, values = scope.where("flow_key = ?", "started_ms")
    rows = db.execute(
        "SELECT steps.path, run_id, coalesce(error_code, 'no code') FROM"
        f" (SELECT id, run_id, started_ms FROM runs WHERE {where} AND error + timeout > 0"
        " ORDER BY started_ms DESC, id DESC LIMIT ?) AS failed"
        " JOIN spans ON spans.run = failed.id JOIN steps ON steps.id = spans.step"
        " WHERE spans.status IN ('error', 'timeout') ORDER BY failed.started_ms DESC, failed.id DESC, seq",
        [*values, FAILED_RUNS],
    )
    found: dict[str, Failures] = {}
    for path, run_id, code in rows:
        seen = found.setdefault(path, Failures(codes={}, runs=[]))
        seen.codes[code] = seen.codes.get(code, 0) + 1
        if len(seen.runs) < NAMED_RUNS and run_id not in seen.runs:
            seen.runs.append(run_id)
    return found
