"""Flow histories: ClickHouse brings the spans of a step together, one array a column, and `analyse` does the
rest, as with those of the store."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from one_trace.analyse.history import Anomaly, FlowHistory, RunSummary, Series, SpanCounts, StepHistory
from one_trace.history.clickhouse.client import Client, real
from one_trace.history.clickhouse.row_binary import RowBinary
from one_trace.history.clickhouse.tables import RUNS
from one_trace.history.clickhouse.where import OLDEST, Where
from one_trace.model.times import to_iso
from one_trace.model.trace import SPAN_STATUSES, PlannedStep
from one_trace.model.tree import below
from one_trace.store.summary import DOUBLES

_TOTALS = ("runs", "spans", *SPAN_STATUSES, "retries", "retried")
"""The whole numbers of `SpanCounts`."""
_ODD = ("success", "error", "timeout", "retries")
"""Those of `Anomaly`."""
_planned = msgspec.json.Decoder(list[PlannedStep])

_A_RUN = f"""SELECT flow, path, run_started, trace, any(repository) AS project, any(version) AS of_version,
  any(step) AS step_id, any(type) AS kind, any(owner) AS of_flow, count() AS n_spans,
  {", ".join(f"countIf(status = '{status}') AS n_{status}" for status in SPAN_STATUSES)},
  sum(retries) AS n_retries, groupArray(ms) AS times, sum(ms) AS took, max(timeout_ms) AS allowed,
  sum(overlap_ms) AS overlap, sum(output_bytes) AS output, sum(cost_usd) AS cost, {{names}} AS names
{{source}}
GROUP BY flow, path, run_started, trace"""
"""A step in a run. Arrays and sums leave out what is null."""
_NAMES = (
    "if(max(called), arrayMap(x -> x.2, arraySort(groupArrayIf((seq, toString(models)), called))), ['-'])"
)
_A_STEP = f"""SELECT flow, project, path, of_version, argMin(step_id, run_started), argMax(kind, run_started),
  argMax(of_flow, run_started), toFloat64(ifNull(max(allowed), nan)),
  toUInt64(count()), {", ".join(f"toUInt64(sum(n_{name}))" for name in _TOTALS[1:-1])},
  toUInt64(sum(least(n_retries, n_spans - n_skipped))),
  sum(ifNull(took, 0.)), sum(ifNull(took, 0.) - overlap),
  groupArray(trace), groupArray(toUInt32(length(times))), arrayFlatten(groupArray(times)),
  groupArray(toFloat64(if(n_success = 0 OR took IS NULL, nan, assumeNotNull(took) / n_success))),
  groupArray(ifNull(toFloat64(output), nan)), groupArray(ifNull(cost, nan)),
  {{names}},
  groupArrayIf(trace, odd), {", ".join(f"groupArrayIf(toUInt32(n_{name}), odd)" for name in _ODD)}
FROM (SELECT *, n_error + n_timeout + n_retries + n_stopped + n_incomplete > 0 AS odd FROM ({{runs}}))
GROUP BY flow, project, path, of_version"""
"""A step in all runs of one version of its flow; NaN is null."""

_Flow = tuple[str, str]
"""Its key and its repository."""
Indexes = dict[bytes, int]
"""The position of a run in its flow's history, by its trace id."""
_GONE = -1


def histories(client: Client, where: Where, *, models: bool) -> list[FlowHistory]:
    """Every flow of every project that has such runs, by flow key and project."""
    a_run = _A_RUN.format(source=where.from_spans, names=_NAMES if models else "[]::Array(String)")
    names = "groupArray(names)" if models else "[]::Array(Array(String))"
    rows = client.table(_A_STEP.format(runs=a_run, names=names), where.params)
    # Runs that arrive meanwhile are runs without steps: the other way round, steps would have no run.
    flows, indexes = _flows(client, where)
    steps: dict[_Flow, dict[str, StepHistory]] = {}
    timeouts: dict[_Flow, dict[tuple[str | None, str], float]] = {}
    while not rows.ended:
        key = rows.text(), rows.text()
        step, timeout_ms = _read(rows, indexes)
        timeouts.setdefault(key, {})[step.versions[0].version, step.path] = timeout_ms
        _add(steps.setdefault(key, {}), step)
    for key, flow in flows.items():
        flow.steps = list(steps.get(key, {}).values())
        for step in flow.steps:
            step.series.sort()
        flow.missing = max(0, sum(run.spans for run in flow.runs) - sum(map(_spans, flow.steps)))
    _read_plans(client, where, flows, timeouts)
    return [flow for _, flow in sorted(flows.items())]


def _spans(step: StepHistory) -> int:
    return sum(counts.spans for counts in step.versions)


def _flows(client: Client, where: Where) -> tuple[dict[_Flow, FlowHistory], Indexes]:
    flows: dict[_Flow, FlowHistory] = {}
    indexes: Indexes = {}
    sql = (
        "SELECT flow, repository, run_id, version, status, started_at, toUnixTimestamp64Milli(run_started),"
        f" ms, cost_usd, lower(hex(trace)), steps {where.from_runs} {OLDEST}"
    )
    for flow_key, project, run_id, version, status, started, began, ms, cost, trace, steps in client.rows(
        sql, where.params
    ):
        flow = flows.setdefault((flow_key, project), FlowHistory(flow_key=flow_key, project=project or None))
        indexes[bytes.fromhex(trace)] = len(flow.runs)
        flow.runs.append(
            RunSummary(
                run_id,
                version or None,
                status,
                started or to_iso(began),
                real(ms),
                real(cost),
                spans=steps,
                trace_id=trace,
            )
        )
    return flows, indexes


def _read(rows: RowBinary, indexes: Indexes) -> tuple[StepHistory, float]:
    """One row of `_A_STEP` after its flow and project, and the step's time-out (NaN: none)."""
    path, version = rows.text(), rows.text() or None
    step = StepHistory(path=path, step_id=rows.text(), type=rows.text(), flow_key=rows.text())
    timeout_ms = rows.real()
    totals = {name: rows.number() for name in _TOTALS}
    step.versions = [SpanCounts(version=version, **totals, total_ms=rows.real(), busy_ms=rows.real())]
    series = step.series
    series.runs = [indexes.get(trace, _GONE) for trace in rows.fixed(16)]
    series.durations = list(_packed(rows.numbers(), rows.reals()))
    series.mean_ms = _known(rows.reals())
    series.output_bytes = [None if size is None else int(size) for size in _known(rows.reals())]
    series.cost_usd = _known(rows.reals())
    series.models = [_names(rows.texts()) for _ in range(rows.length())]
    odd = [indexes.get(trace, _GONE) for trace in rows.fixed(16)]
    counts = [rows.numbers() for _ in _ODD]
    step.anomalies = {
        run: Anomaly(run, *each) for run, *each in zip(odd, *counts, strict=True) if run != _GONE
    }
    if _GONE in series.runs:
        _forget(series)
    return step, timeout_ms


def _forget(series: Series) -> None:
    """Leave out the runs that were deleted since."""
    there = [place for place, run in enumerate(series.runs) if run != _GONE]
    for name in series.__struct_fields__:
        column = getattr(series, name)
        setattr(series, name, [column[place] for place in there] if column else [])


def _packed(lengths: Iterable[int], values: array[float]) -> Iterator[bytes | None]:
    """The durations of each run as the store has them."""
    data, at = values.tobytes(), 0
    for length in lengths:
        end = at + 8 * length
        yield DOUBLES + data[at:end] if length else None
        at = end


def _known(values: array[float]) -> list[float | None]:
    return [None if value != value else value for value in values]


def _names(lists: Sequence[str]) -> str | None:
    """The models of a step in a run as JSON; None if it called none."""
    if list(lists) == ["-"] or not lists:
        return None
    names = dict.fromkeys(name for text in lists for name in text.split(",") if name)
    return msgspec.json.encode(list(names)).decode()


def _add(steps: dict[str, StepHistory], step: StepHistory) -> None:
    """Add a step of one version to those of the others."""
    same = steps.setdefault(step.path, step)
    if same is step:
        return
    same.versions += step.versions
    same.anomalies |= step.anomalies
    if step.series.runs and max(step.series.runs) > max(same.series.runs, default=-1):
        same.type, same.flow_key = step.type, step.flow_key
    for name in same.series.__struct_fields__:
        setattr(same.series, name, getattr(same.series, name) + getattr(step.series, name))


def _read_plans(
    client: Client,
    where: Where,
    flows: dict[_Flow, FlowHistory],
    timeouts: dict[_Flow, dict[tuple[str | None, str], float]],
) -> None:
    """The newest version's steps and time-outs; the time-outs of steps that ran, where the plan is not
    known."""
    versions = {(flow.flow_key, flow.version) for flow in flows.values() if flow.version is not None}
    rows: list[list[Any]] = []
    if versions:
        sql = (
            f"SELECT flow, version, argMax(planned, run_started), argMax(plan, run_started) FROM {RUNS}"
            " WHERE has({versions:Array(String)}, version)"
            f" AND planned != '' AND {where.keys} GROUP BY flow, version"
        )
        named = sorted({version for _, version in versions})
        rows = client.rows(sql, {**where.params, "versions": named})
    known = {(flow, version): (planned, plan) for flow, version, planned, plan in rows}
    for key, flow in flows.items():
        planned, plan = known.get((flow.flow_key, flow.version or ""), ("", ""))
        flow.plan = {step.path: step for step in steps_of(plan)}
        root = below(flow.flow_key, "")
        paths = planned.split("\n") if planned else list(flow.plan)
        flow.planned = [path for path in paths if path.startswith(root)]
        allowed = {path: step.timeout_ms for path, step in flow.plan.items() if step.timeout_ms is not None}
        ran = timeouts.get(key, {})
        flow.timeouts = allowed or {
            path: ms for (version, path), ms in ran.items() if version == flow.version and ms == ms
        }


def steps_of(plan: str) -> list[PlannedStep]:
    """The steps of a plan as it was sent; none if it cannot be read."""
    try:
        return _planned.decode(plan) if plan else []
    except msgspec.MsgspecError:
        return []
