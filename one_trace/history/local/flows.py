"""Reads flow histories from the summary table `step_runs`, never from the spans behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from one_trace.analyse.history import Anomaly, FlowHistory, RunSummary, SpanCounts, StepHistory
from one_trace.model.trace import PlannedStep
from one_trace.model.tree import below
from one_trace.model.wanted import ALL, Wanted
from one_trace.store.connection import Connection
from one_trace.store.deep_paths import whole_paths
from one_trace.store.reader import where


def _is_partial(wanted: Wanted) -> bool:
    """Whether it leaves out runs of a flow for another reason than their start."""
    return wanted._replace(flow=None, since=None) != ALL


def histories(db: Connection, wanted: Wanted, *, models: bool = False) -> list[FlowHistory]:
    """Every flow of every project that has such runs, by flow key and project; `models` also reads the names
    of models."""
    flows, indexes = _flows(db, wanted)
    projects_of = Counter(flow.flow_key for flow in flows)
    partial = _is_partial(wanted)
    alone = [flow for flow in flows if projects_of[flow.flow_key] == 1 and not partial]
    if alone:
        _Reader(db, alone, indexes, wanted.since, None).read(models)
    for flow in flows:
        if projects_of[flow.flow_key] > 1 or partial:
            # All runs of a flow key share its steps, so that some of them have to be named.
            numbers = [run.number for run in flow.runs]
            _Reader(db, [flow], indexes, wanted.since, numbers).read(models)
    return flows


def flow_keys(db: Connection) -> list[str]:
    """Keys of all flows that have runs."""
    return [key for (key,) in db.execute("SELECT DISTINCT flow_key FROM runs ORDER BY flow_key")]


def projects(db: Connection, flow: str) -> list[str | None]:
    """The folders in which a flow has runs, that of the newest run first."""
    sql = "SELECT cwd FROM runs WHERE flow_key = ? GROUP BY cwd ORDER BY max(started_ms) DESC"
    return [cwd for (cwd,) in db.execute(sql, (flow,))]


def _flows(db: Connection, wanted: Wanted) -> tuple[list[FlowHistory], dict[int, int]]:
    """Flows with their runs, and each run's index in its flow by its number in the store."""
    clause, values = where(wanted)
    flows: dict[tuple[str, str], FlowHistory] = {}
    indexes: dict[int, int] = {}
    for key, cwd, *fields in db.execute(
        "SELECT runs.flow_key, cwd, run_id, version, status, started_at, duration_ms, cost_usd, runs.id,"
        f" spans FROM runs LEFT JOIN flow_versions ON flow_versions.id = flow_version {clause}"
        " ORDER BY runs.flow_key, started_ms, runs.id",
        values,
    ):
        run = RunSummary(*fields)
        flow = flows.setdefault((key, cwd or ""), FlowHistory(flow_key=key, project=cwd))
        indexes[run.number] = len(flow.runs)
        flow.runs.append(run)
    return [flow for _, flow in sorted(flows.items())], indexes


_COUNTS = (
    "count(*), sum(step_runs.spans), sum(step_runs.success), sum(step_runs.error), sum(step_runs.timeout),"
    " sum(step_runs.skipped), sum(step_runs.stopped), sum(step_runs.incomplete), sum(step_runs.retries),"
    " sum(min(step_runs.retries, step_runs.spans - step_runs.skipped)),"
    " sum(sum_ms), sum(coalesce(busy_ms, sum_ms))"
)
"""The fields of `SpanCounts` after `version`."""
_paths = msgspec.json.Decoder(list[str])
_timeouts = msgspec.json.Decoder(dict[str, float])
_planned = msgspec.json.Decoder(list[PlannedStep])


class _Reader:
    """Reads the steps of flows, no two of which have one key; `runs` names their runs where needed."""

    def __init__(
        self,
        db: Connection,
        flows: Sequence[FlowHistory],
        indexes: dict[int, int],
        since_ms: int | None,
        runs: list[int] | None,
    ) -> None:
        self.db = db
        self.flows = {flow.flow_key: flow for flow in flows}
        self.indexes = indexes
        self.since_ms = since_ms
        self.runs = runs
        self.steps: dict[int, StepHistory] = {}
        """By number in the store; several numbers for a step that was renamed."""

    def read(self, models: bool) -> None:
        self._read_steps()
        self._read_counts()
        self._read_series(models)
        self._read_anomalies()
        for flow in self.flows.values():
            flow.steps = [step for step in flow.steps if step.versions]
            self._read_plan(flow)

    def _rows(self, steps: Iterable[int]) -> tuple[str, list[object]]:
        """An SQL condition on rows of `step_runs`, and its parameters."""
        conditions, values = ["step IN (SELECT value FROM json_each(?))"], [_json(list(steps))]
        if self.since_ms is not None:
            conditions.append(f"step_runs.started_ms >= {int(self.since_ms)}")
        if self.runs is not None:
            conditions.append("run IN (SELECT value FROM json_each(?))")
            values.append(_json(self.runs))
        return " AND ".join(conditions), list(values)

    def _read_steps(self) -> None:
        by_path: dict[tuple[str, str], StepHistory] = {}
        rows = self.db.execute(
            "SELECT id, flow, path, step_id, type, flow_key FROM steps"
            " WHERE flow IN (SELECT value FROM json_each(?))",
            (_json(list(self.flows)),),
        )
        deep = whole_paths(self.db)
        # Not sorted by SQLite, which would copy the paths.
        for number, flow, path, step_id, kind, owner in sorted(rows, key=itemgetter(0)):
            if number in deep:
                path = deep[number]
            step = by_path.get((flow, path))
            if step is None:
                step = by_path[flow, path] = StepHistory(path=path, step_id=step_id, type=kind)
                self.flows[flow].steps.append(step)
            step.type, step.flow_key = kind, owner
            self.steps[number] = step

    def _read_counts(self) -> None:
        """Count by version; looking up each row's version takes longer than counting, so only if needed."""
        versions = {
            id(step): {run.version for run in flow.runs}
            for flow in self.flows.values()
            for step in flow.steps
        }
        several = [number for number, step in self.steps.items() if len(versions[id(step)]) > 1]
        single = {
            number: next(iter(versions[id(step)]))
            for number, step in self.steps.items()
            if len(versions[id(step)]) == 1
        }
        where, values = self._rows(single)
        sql = f"SELECT step, {_COUNTS} FROM step_runs WHERE {where} GROUP BY step"
        for number, *counts in self.db.execute(sql, values):
            self.steps[number].add(SpanCounts(**_named(single[number], *counts)))
        where, values = self._rows(several)
        for number, *counts in self.db.execute(
            f"SELECT step, version, {_COUNTS} FROM step_runs CROSS JOIN runs ON runs.id = run"
            f" LEFT JOIN flow_versions ON flow_versions.id = flow_version WHERE {where}"
            " GROUP BY step, flow_version",
            values,
        ):
            self.steps[number].add(SpanCounts(**_named(*counts)))

    def _read_series(self, models: bool) -> None:
        where, values = self._rows(self.steps)
        rows = self.db.execute(
            "SELECT step, run, CASE WHEN length(durations) > 1 THEN durations END,"
            " CASE WHEN max_ms IS NOT NULL THEN sum_ms / success END, output_bytes, cost_usd,"
            f" {'models' if models else 'NULL'} FROM step_runs WHERE {where}",
            values,
        )
        for number, entries in groupby(rows, itemgetter(0)):
            _, runs, durations, means, outputs, costs, names = zip(*entries, strict=True)
            series = self.steps[number].series
            series.runs += [self.indexes[run] for run in runs]
            series.durations += durations
            series.mean_ms += means
            series.output_bytes += outputs
            series.cost_usd += costs
            series.models += names if models else ()
        for step in self.steps.values():
            step.series.sort()

    def _read_anomalies(self) -> None:
        where, values = self._rows(
            number
            for number, step in self.steps.items()
            if any(
                counts.failed + counts.retries + counts.stopped + counts.incomplete
                for counts in step.versions
            )
        )
        for number, run, *counts in self.db.execute(
            "SELECT step, run, success, error, timeout, retries FROM step_runs"
            f" WHERE {where} AND error + timeout + retries + stopped + incomplete > 0",
            values,
        ):
            index = self.indexes[run]
            self.steps[number].anomalies[index] = Anomaly(index, *counts)

    def _read_plan(self, flow: FlowHistory) -> None:
        """The newest version's steps and time-outs."""
        row = self.db.execute(
            "SELECT static_paths, step_timeouts, plan FROM flow_versions WHERE flow_key = ? AND version = ?",
            (flow.flow_key, flow.version),
        ).fetchone()
        if row is None:
            return
        # Rows written before migration 0009 name the steps of sub-flows as if these had run on their own.
        root = below(flow.flow_key, "")
        flow.planned = [path for path in _paths.decode(row[0]) if path.startswith(root)]
        flow.timeouts = _timeouts.decode(row[1])
        if row[2]:
            flow.plan = {step.path: step for step in _planned.decode(row[2])}


def _named(*counts: Any) -> dict[str, Any]:  # noqa: ANN401  as SQLite gives them
    return dict(zip(SpanCounts.__struct_fields__, counts, strict=True))


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
