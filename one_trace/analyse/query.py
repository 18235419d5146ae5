"""What analysis asks the store: the summary rows of `step_runs`, never the million spans behind them."""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection
from typing import NamedTuple

import msgspec

from one_trace.analyse.findings import Failures
from one_trace.analyse.history import FlowHistory, RunFacts, StepHistory, StepRun, Tally

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
    _tally(db, scope, steps)
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


def _of_steps(scope: Scope) -> tuple[str, list[object]]:
    return scope.where("step IN (SELECT id FROM steps WHERE flow = ?)", "step_runs.started_ms")


def _tally(db: Connection, scope: Scope, steps: dict[int, StepHistory]) -> None:
    where, values = _of_steps(scope)
    rows = db.execute(
        "SELECT step, version, count(*), sum(step_runs.spans), sum(step_runs.success), sum(step_runs.error),"
        " sum(step_runs.timeout), sum(step_runs.skipped), sum(step_runs.stopped), sum(step_runs.incomplete),"
        " sum(step_runs.retries), sum(min(step_runs.retries, step_runs.spans - step_runs.skipped)),"
        " sum(step_runs.error + step_runs.timeout > 0), sum(sum_ms), sum(self_ms)"
        " FROM step_runs CROSS JOIN runs ON runs.id = run"
        " LEFT JOIN flow_versions ON flow_versions.id = flow_version"
        f" WHERE {where} GROUP BY step, flow_version",
        values,
    )
    for number, *facts in rows:
        steps[number].add(Tally(**dict(zip(Tally.__struct_fields__, facts, strict=True))))


def _series(db: Connection, scope: Scope, steps: dict[int, StepHistory], places: dict[int, int]) -> None:
    where, values = _of_steps(scope)
    rows: Iterable[tuple[int, int, bytes | None, int | None, float | None]] = db.execute(
        f"SELECT step, run, durations, output_bytes, cost_usd FROM step_runs WHERE {where}", values
    )
    current, append = None, None
    for number, run, durations, output, cost in rows:
        if number != current or append is None:
            current, append = number, steps[number].series.append
        append(StepRun(places[run], durations, output, cost))
    for step in steps.values():
        step.series.sort(key=_place)


def _place(one: StepRun) -> int:
    return one.run


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
