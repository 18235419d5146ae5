"""LLM calls of many runs, read from the spans that have usage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from one_trace.analyse.calls import Call, CallingRun, Calls, calling_run, uncounted, usages
from one_trace.analyse.cost import SUMMED, Uncounted
from one_trace.history.clickhouse.client import Client, real
from one_trace.history.clickhouse.histories import steps_of
from one_trace.history.clickhouse.runs import STARTED_MS
from one_trace.history.clickhouse.tables import RUNS
from one_trace.history.clickhouse.where import Where
from one_trace.model.times import to_iso
from one_trace.model.trace import ModelUsage, PartedUsage, PlannedStep

_parts = msgspec.json.Decoder(dict[str, ModelUsage])
_MOST_NAMED = 6000
"""Characters of paths in a question."""


def calls(client: Client, wanted: Where) -> Calls:
    """What the LLM calls of these runs used."""
    sql = (
        f"SELECT lower(hex(trace)), cost_usd IS NOT NULL, flow, repository, started_at, {STARTED_MS}, status"
        f" {wanted.from_runs}"
    )
    runs: dict[int, CallingRun] = {}
    numbers: dict[str, tuple[int, bool]] = {}
    for trace, priced, flow, project, started, began, status in client.rows(sql, wanted.params):
        numbers[trace] = len(runs), bool(priced)
        runs[len(runs)] = calling_run(flow, project or None, started or to_iso(began), status)
    return Calls(len(runs), usages(_calls(client, wanted, numbers), runs), _uncounted(client, wanted))


def _calls(client: Client, wanted: Where, numbers: dict[str, tuple[int, bool]]) -> Iterator[Call]:
    """As in the store, calls count as wasted where the run has a cost."""
    columns = ", ".join(SUMMED)
    rows = client.rows(
        f"SELECT lower(hex(trace)), path, retries, superseded, {columns}, cost_usd, models, per_model"
        f" {wanted.from_spans} AND called ORDER BY flow, run_started, trace, seq",
        wanted.params,
    )
    for trace, path, retries, superseded, *used in rows:
        if trace in numbers:
            number, priced = numbers[trace]
            yield Call(number, path, retries, bool(superseded and priced), _usage(*used))


def _usage(*used: Any) -> PartedUsage:  # noqa: ANN401  columns of several types
    *tokens, cost, models, per_model = used
    return PartedUsage(
        **dict(zip(SUMMED, tokens, strict=True)),
        cost_usd=real(cost),
        models=[name for name in models.split(",") if name],
        per_model=_per_model(per_model),
    )


def _per_model(text: str) -> dict[str, ModelUsage]:
    try:
        return _parts.decode(text) if text else {}
    except msgspec.MsgspecError:
        return {}


def _uncounted(client: Client, wanted: Where) -> list[Uncounted]:
    plans = client.rows(
        f"SELECT flow, any(plan) FROM {RUNS} WHERE {wanted.keys} AND plan LIKE '%\"calls\"%'"
        " GROUP BY flow, version",
        wanted.params,
    )
    calling: dict[tuple[str, str], PlannedStep] = {
        (flow, step.path): step for flow, plan in plans for step in steps_of(plan) if step.calls
    }
    if not calling:
        return []
    paths = sorted({path for _, path in calling})
    # More than a URL holds: then all paths are read, and these taken of them.
    few = sum(map(len, paths)) <= _MOST_NAMED
    rows = client.rows(
        "SELECT flow, path, countIf(status != 'skipped'),"
        " countIf(status IN ('error', 'timeout', 'stopped', 'incomplete')), countIf(called)"
        f" {wanted.from_spans}{' AND has({paths:Array(String)}, path)' if few else ''} GROUP BY flow, path",
        {**wanted.params, "paths": paths if few else []},
    )
    return uncounted(calling, (tuple(row) for row in rows))
