"""What analysis asks the store: the summary rows of `step_runs`, never the million spans behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from one_trace.analyse.history import Anomaly, FlowHistory, RunFacts, StepHistory, Tally
from one_trace.model.trace import PlannedStep
from one_trace.model.tree import below
from one_trace.store.connection import Connection


class Scope(NamedTuple):
    """Which runs to look at: of one flow or of all, of one project (its folder) or of all, from a moment on
    (ms since 1970 UTC) or all that there are.
    """

    flow: str | None = None
    since_ms: int | None = None
    project: str | None = None

    def where(self, table: str = "runs") -> tuple[str, list[object]]:
        """An SQL condition on rows of `runs`, and its values."""
        wanted = (
            (f"{table}.flow_key = ?", self.flow),
            (f"{table}.started_ms >= ?", self.since_ms),
            (f"{table}.cwd = ?", self.project),
        )
        given = [(condition, value) for condition, value in wanted if value is not None]
        return " AND ".join(condition for condition, _ in given) or "1", [value for _, value in given]


def histories(db: Connection, scope: Scope, *, models: bool = False) -> list[FlowHistory]:
    """Every flow of every project in scope that has runs, with all its steps, by the flow's key."""
    found, places = _runs(db, scope)
    by_key: dict[str, list[FlowHistory]] = {}
    for flow in found:
        by_key.setdefault(flow.flow_key, []).append(flow)
    whole = scope.project is None
    alone = [flows[0] for flows in by_key.values() if len(flows) == 1 and whole]
    _fill(db, alone, places, scope.since_ms, None, models)
    for flow in found:
        if flow not in alone:
            # Steps are numbered by their flow's key: here the runs say whose they are.
            _fill(db, [flow], places, scope.since_ms, [run.number for run in flow.runs], models)
    return found


def flow_keys(db: Connection) -> list[str]:
    """Keys of all flows that have runs."""
    return [key for (key,) in db.execute("SELECT DISTINCT flow_key FROM runs ORDER BY flow_key")]


def projects(db: Connection, flow: str) -> list[str | None]:
    """The folders in which a flow has runs, the one of the newest run first."""
    sql = "SELECT cwd FROM runs WHERE flow_key = ? GROUP BY cwd ORDER BY max(started_ms) DESC"
    return [cwd for (cwd,) in db.execute(sql, (flow,))]


def _runs(db: Connection, scope: Scope) -> tuple[list[FlowHistory], dict[int, int]]:
    """Flows with their runs, and of each run of the store its place in its flow."""
    where, values = scope.where()
    found: dict[tuple[str, str | None], FlowHistory] = {}
    places: dict[int, int] = {}
    rows = db.execute(
        "SELECT runs.flow_key, cwd, runs.id, run_id, version, status, started_at, duration_ms, cost_usd,"
        f" spans FROM runs LEFT JOIN flow_versions ON flow_versions.id = flow_version WHERE {where}"
        " ORDER BY runs.flow_key, started_ms, runs.id",
        values,
    )
    for key, cwd, number, *facts in rows:
        flow = found.get((key, cwd))
        if flow is None:
            flow = found[key, cwd] = FlowHistory(flow_key=key, project=cwd)
        places[number] = len(flow.runs)
        run_id, version, status, started_at, duration_ms, cost_usd, spans = facts
        flow.runs.append(RunFacts(run_id, version, status, started_at, duration_ms, cost_usd, number, spans))
    return sorted(found.values(), key=lambda flow: (flow.flow_key, flow.project or "")), places


class _Rows(NamedTuple):
    """Which rows of `step_runs` are meant: since when, and where several projects share the steps, of which
    runs."""

    since_ms: int | None
    runs: list[int] | None

    def of(self, steps: Iterable[int]) -> tuple[str, list[object]]:
        parts, values = ["step IN (SELECT value FROM json_each(?))"], [_json(list(steps))]
        if self.since_ms is not None:
            parts.append(f"step_runs.started_ms >= {int(self.since_ms)}")
        if self.runs is not None:
            parts.append("run IN (SELECT value FROM json_each(?))")
            values.append(_json(self.runs))
        return " AND ".join(parts), list(values)


def _fill(
    db: Connection,
    flows: Sequence[FlowHistory],
    places: dict[int, int],
    since_ms: int | None,
    runs: list[int] | None,
    models: bool,
) -> None:
    """Read the steps of these flows, no two of which have one key."""
    if not flows:
        return
    found = {flow.flow_key: flow for flow in flows}
    steps = _steps(db, found)
    rows = _Rows(since_ms, runs)
    _tally(db, rows, steps, found)
    _series(db, rows, steps, places, models)
    _anomalies(db, rows, steps, places)
    for flow in flows:
        # A step of a run that is out of scope has no row in it, and is no step of this history.
        flow.steps = [step for step in flow.steps if step.tallies]
        _plan(db, flow)


def _steps(db: Connection, found: dict[str, FlowHistory]) -> dict[int, StepHistory]:
    """Steps by their number in the store; one that was renamed has several, and is one step here."""
    by_path: dict[tuple[str, str], StepHistory] = {}
    steps: dict[int, StepHistory] = {}
    for number, flow, path, step_id, kind, owner in db.execute(
        "SELECT id, flow, path, step_id, type, flow_key FROM steps"
        " WHERE flow IN (SELECT value FROM json_each(?)) ORDER BY id",
        (_json(list(found)),),
    ):
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
    " sum(step_runs.error + step_runs.timeout > 0), sum(sum_ms), sum(self_ms), sum(coalesce(busy_ms, sum_ms))"
)
"""The members of a `Tally`, from its second one on."""


def _tally(db: Connection, rows: _Rows, steps: dict[int, StepHistory], found: dict[str, FlowHistory]) -> None:
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
    where, values = rows.of(alone)
    counted = db.execute(f"SELECT step, {_COUNTS} FROM step_runs WHERE {where} GROUP BY step", values)
    for number, *counts in counted:
        steps[number].add(_counted(alone[number], counts))
    where, values = rows.of(several)
    counted = db.execute(
        f"SELECT step, version, {_COUNTS} FROM step_runs CROSS JOIN runs ON runs.id = run"
        f" LEFT JOIN flow_versions ON flow_versions.id = flow_version WHERE {where}"
        " GROUP BY step, flow_version",
        values,
    )
    for number, version, *counts in counted:
        steps[number].add(_counted(version, counts))


def _counted(version: str | None, counts: Sequence[Any]) -> Tally:
    members: dict[str, Any] = dict(zip(Tally.__struct_fields__[1:], counts, strict=True))
    return Tally(version=version, **members)


def _series(
    db: Connection, rows: _Rows, steps: dict[int, StepHistory], places: dict[int, int], models: bool
) -> None:
    where, values = rows.of(steps)
    last = "models" if models else "NULL"
    found = db.execute(
        "SELECT step, run, CASE WHEN length(durations) > 1 THEN durations END,"
        " CASE WHEN max_ms IS NOT NULL THEN sum_ms / success END, output_bytes, cost_usd,"
        f" {last} FROM step_runs WHERE {where}",
        values,
    )
    for number, entries in groupby(found, itemgetter(0)):
        _, runs, durations, means, outputs, costs, names = zip(*entries, strict=True)
        series = steps[number].series
        series.runs += [places[run] for run in runs]
        series.durations += durations
        series.mean_ms += means
        series.output_bytes += outputs
        series.cost_usd += costs
        series.models += names if models else ()
    for step in steps.values():
        step.series.put_in_order()


def _anomalies(db: Connection, rows: _Rows, steps: dict[int, StepHistory], places: dict[int, int]) -> None:
    """The runs in which a step did not simply succeed or get skipped: few, so they are read one by one."""
    some = [number for number, step in steps.items() if any(_went_wrong(tally) for tally in step.tallies)]
    if not some:
        return
    where, values = rows.of(some)
    for number, run, *counts in db.execute(
        "SELECT step, run, success, error, timeout, retries, stopped + incomplete FROM step_runs"
        f" WHERE {where} AND error + timeout + retries + stopped + incomplete > 0",
        values,
    ):
        steps[number].anomalies[places[run]] = Anomaly(places[run], *counts)


def _went_wrong(tally: Tally) -> int:
    return tally.error + tally.timeout + tally.retries + tally.stopped + tally.incomplete


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()


def _plan(db: Connection, flow: FlowHistory) -> None:
    """The newest version's steps and time-outs."""
    row = db.execute(
        "SELECT static_paths, step_timeouts, plan FROM flow_versions WHERE flow_key = ? AND version = ?",
        (flow.flow_key, flow.version),
    ).fetchone()
    if row is None:
        return
    # Rows of before 0009 name the steps of sub-flows as if these had run on their own.
    root = below(flow.flow_key, "")
    flow.planned = [path for path in _paths.decode(row[0]) if path.startswith(root)]
    flow.timeouts = _timeouts.decode(row[1])
    if row[2]:
        flow.plan = {step.path: step for step in _planned.decode(row[2])}


_paths = msgspec.json.Decoder(list[str])
_timeouts = msgspec.json.Decoder(dict[str, float])
_planned = msgspec.json.Decoder(list[PlannedStep])
