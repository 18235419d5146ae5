"""Runs and traces as documents: what the run's own span says, and the spans behind it in ``otel_traces``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from one_trace.analyse.cost import SUMMED
from one_trace.analyse.flat_table import COLUMNS
from one_trace.errors import CliError, NoSuchRun
from one_trace.history.clickhouse.arrived import mark_missing
from one_trace.history.clickhouse.client import Client
from one_trace.history.clickhouse.histories import steps_of
from one_trace.history.clickhouse.runs import STARTED_MS
from one_trace.history.clickhouse.tables import OTEL, RUNS, SPANS
from one_trace.history.clickhouse.where import NEWEST, OLDEST, Where, is_trace_id, same_run, where
from one_trace.history.otel_rows import OtelRow, run_of, trace_of
from one_trace.model.trace import PlannedStep, Run, Span, Trace
from one_trace.model.tree import static_paths
from one_trace.model.wanted import ALL

_ORDERS = {
    "start": "",
    "duration": "ms DESC NULLS LAST, ",
    "steps": "steps DESC, ",
    "failed": "failed DESC, ",
    "retries": "retries DESC, ",
    "cost": "cost_usd DESC NULLS LAST, ",
}
"""The beginning of the ORDER BY for each of `model.wanted.ORDERS`."""
_RUN = (
    f"revision, {STARTED_MS}, flow, run_id, executor, executor_version, toUnixTimestamp64Nano(began),"
    " duration, lower(hex(trace)), attributes"
)
_ROW = (
    "TraceId, SpanId, ParentSpanId, SpanName, toUnixTimestamp64Nano(Timestamp), Duration, StatusCode,"
    " StatusMessage"
)
_DAY_NS = 86_400 * 10**9
_BATCH = 200
"""Runs whose spans are read at once."""
_ODD = (KeyError, ValueError)
"""What values raise that make no sense: whoever may send to a collector can send anything."""


class _Sent(NamedTuple):
    """Where the spans of a run are. Times in ns."""

    trace_id: str
    run_id: str
    sent_in: str
    revision: int
    began: int
    duration: int


_SENT = "lower(hex(trace)), run_id, sent_in, revision, toUnixTimestamp64Nano(began), duration"


def runs(client: Client, wanted: Where, *, limit: int | None, order: str) -> list[Run]:
    """Runs in an order of `model.wanted.ORDERS`; those that make no sense are left out."""
    ordered = f"ORDER BY {_ORDERS[order]}{NEWEST.removeprefix('ORDER BY ')}"
    source = wanted.from_runs
    if limit is not None:  # the columns with most text are then read of these runs alone
        ordered += f" LIMIT {int(limit)}"
        keys = "flow, run_started, trace"
        source = f"FROM {RUNS} FINAL WHERE ({keys}) IN (SELECT {keys} {source} {ordered})"
    found: list[tuple[Run, int, int]] = []
    for revision, started, *row in client.rows(f"SELECT {_RUN} {source} {ordered}", wanted.params):
        with suppress(*_ODD):
            found.append((_run(started, *row), started, revision))
    mark_missing(client, wanted, found)
    return [run for run, _, _ in found]


def _run(
    started_ms: int,
    flow: str,
    run_id: str,
    executor: str,
    version: str,
    began: int,
    duration: int,
    trace: str,
    attributes: dict[str, str],
) -> Run:
    resource = {
        "cicd.pipeline.name": flow,
        "cicd.pipeline.run.id": run_id,
        "one.run.started_ms": str(started_ms),
        "one.executor.name": executor,
    }
    if version:
        resource["one.executor.version"] = version
    return run_of(resource, attributes, began, duration, trace)


def trace(client: Client, shown: str, key: str) -> Trace:
    """The trace document of the run with this trace id or run id. Raises NoSuchRun."""
    sent = _sent(client, shown, key)
    condition = _IS_OF if sent.run_id else _IS_IN
    params = _bounds([sent]) | {
        "sent_in": sent.sent_in,
        "run_id": sent.run_id,
        "revision": str(sent.revision) if sent.revision else "",
    }
    resources = client.rows(f"SELECT ResourceAttributes FROM {OTEL} WHERE {condition} LIMIT 1", params)
    rows = client.rows(
        f"SELECT {_ROW}, SpanAttributes FROM {OTEL} WHERE {condition} LIMIT 1 BY SpanId", params
    )
    if not resources:
        raise NoSuchRun(
            f"the spans of run '{key}' are not in {shown} any more",
            hint="otel_traces keeps them for less time than the tables: one trace help fleet",
        )
    try:
        return trace_of(OtelRow._make([*row, resources[0][0], attributes]) for *row, attributes in rows)
    except _ODD as error:
        raise CliError(
            f"the spans of run '{key}' in {shown} make no sense: {error}", code="odd-run"
        ) from None


_IN_TIME = (
    "Timestamp >= fromUnixTimestamp64Nano({since:Int64})"
    " AND Timestamp < fromUnixTimestamp64Nano({until:Int64})"
)
_IS_IN = (
    f"TraceId = {{sent_in:String}} AND {_IN_TIME}"
    " AND ResourceAttributes['one.run.revision'] = {revision:String}"
)
_IS_OF = f"{_IS_IN} AND ResourceAttributes['cicd.pipeline.run.id'] = {{run_id:String}}"


def _sent(client: Client, shown: str, key: str) -> _Sent:
    """Where a run is. If the run itself has not arrived, steps of it have a trace id, too."""
    sql = f"SELECT {_SENT} {where(ALL).from_runs} AND {same_run(key)} {NEWEST} LIMIT 1"
    rows = client.rows(sql, {"ref": key})
    if not rows and is_trace_id(key):
        sql = (
            "SELECT lower(hex(trace)), '', lower(hex(trace)), max(revision),"
            f" toUnixTimestamp64Milli(min(run_started)) * 1000000, {_DAY_NS} FROM {SPANS}"
            " WHERE trace = unhex({ref:String}) GROUP BY trace"
        )
        rows = client.rows(sql, {"ref": key})
    if not rows:
        raise NoSuchRun(f"no run '{key}' in {shown}", hint="List the runs: one trace list")
    return _Sent(*rows[0])


def _bounds(sent: Sequence[_Sent]) -> dict[str, str | int]:
    """Between which moments the spans of some runs began: only parts of these days are read."""
    return {
        "since": max(0, min(each.began for each in sent) - _DAY_NS),
        "until": min(max(each.began + each.duration for each in sent) + _DAY_NS, 2**63 - 1),
    }


def planned(client: Client, key: str) -> dict[str, PlannedStep]:
    """The steps of the flow that a run ran, by static path; none where they were not sent."""
    sql = f"SELECT plan {where(ALL).from_runs} AND {same_run(key)} {NEWEST} LIMIT 1"
    return {step.path: step for (plan,) in client.rows(sql, {"ref": key}) for step in steps_of(plan)}


def span_rows(client: Client, wanted: Where) -> Iterator[tuple[Any, ...]]:
    """A row for each span in the columns of `flat_table`: runs by their start, spans as in the document."""
    sql = f"SELECT {_SENT}, version, repository {wanted.from_runs} {OLDEST.replace('flow, ', '')}"
    found = iter(client.rows(sql, wanted.params))
    while batch := list(islice(found, _BATCH)):
        sent = {(row[2], row[1], row[3]): row for row in batch}
        rows = client.rows(
            f"SELECT {_ROW}, ResourceAttributes, SpanAttributes FROM {OTEL}"
            f" WHERE has({{traces:Array(String)}}, TraceId) AND {_IN_TIME} LIMIT 1 BY TraceId, SpanId,"
            " ResourceAttributes['cicd.pipeline.run.id'], ResourceAttributes['one.run.revision']",
            {**_bounds([_Sent(*row[:6]) for row in batch]), "traces": sorted({row[2] for row in batch})},
        )
        by_run: dict[tuple[str, str, int], list[OtelRow]] = {}
        for row in map(OtelRow._make, rows):
            by_run.setdefault((row.trace_id, row.resource["cicd.pipeline.run.id"], row.revision), []).append(
                row
            )
        for key, (*_, version, repository) in sent.items():
            if key in by_run:
                with suppress(*_ODD):
                    yield from _flat(trace_of(by_run[key]), version, repository)


def _flat(document: Trace, version: str, repository: str) -> Iterator[tuple[Any, ...]]:
    run = document.run
    paths = static_paths(run.flow_key, document.spans)
    of_run: dict[str, Any] = {
        "flow": run.flow_key,
        "flow_version": version or None,
        "run_id": run.run_id,
        "run_status": run.status,
        "run_started_at": run.started_at,
        "run_duration_ms": run.duration_ms,
        "project": repository or None,
    }
    for span in document.spans:
        known = {**of_run, "step": paths[span.span_id], "late": int(span.late), **_usage(span)}
        yield tuple(known[name] if name in known else getattr(span, name) for name in COLUMNS)


def _usage(span: Span) -> dict[str, Any]:
    usage = span.usage
    names = ("cost_usd", *SUMMED)
    models = None if usage is None else msgspec.json.encode(usage.models).decode()
    return {name: None if usage is None else getattr(usage, name) for name in names} | {"models": models}
