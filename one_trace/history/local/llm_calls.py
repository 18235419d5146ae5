"""Reads LLM calls from the spans that have usage, which an index finds among the others."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from one_trace.analyse.calls import (
    CONTAINERS,
    Call,
    CallingRun,
    Calls,
    calling_run,
    uncounted,
    usages,
    wasted_spans,
)
from one_trace.analyse.cost import CallUsage, Uncounted
from one_trace.model.trace import PartedUsage, PlannedStep
from one_trace.model.wanted import Wanted
from one_trace.store.connection import Connection
from one_trace.store.reader import conditions, where

_usage = msgspec.json.Decoder(PartedUsage)
_planned = msgspec.json.Decoder(list[PlannedStep])


def calls(db: Connection, wanted: Wanted) -> Calls:
    """What the LLM calls of these runs used."""
    clause, values = where(wanted)
    rows = db.execute(f"SELECT id, flow_key, cwd, started_at, status FROM runs {clause}", values)
    runs = {number: calling_run(*facts) for number, *facts in rows}
    return Calls(len(runs), _usages(db, wanted, runs), _uncounted(db, wanted))


def _usages(db: Connection, wanted: Wanted, runs: dict[int, CallingRun]) -> list[CallUsage]:
    paths = dict(db.execute("SELECT id, path FROM steps").fetchall())
    return usages(_calls(db, wanted), runs, paths)


def _calls(db: Connection, wanted: Wanted) -> Iterator[Call]:
    wasted = _wasted(db, wanted)
    condition, values = conditions(wanted)
    of_runs = f" AND run IN (SELECT id FROM runs WHERE {condition})" if values else ""
    for run, span_id, step, retries, text in db.execute(
        f"SELECT run, span_id, step, retries, usage FROM spans WHERE usage IS NOT NULL{of_runs}", values
    ):
        yield Call(run, step, retries, span_id in wasted.get(run, ()), _usage.decode(text))


def _uncounted(db: Connection, wanted: Wanted) -> list[Uncounted]:
    condition, values = conditions(wanted)
    calling = {
        (key, step.path): step
        for key, text in db.execute("SELECT flow_key, plan FROM flow_versions WHERE plan IS NOT NULL")
        for step in _planned.decode(text)
        if step.calls
    }
    rows = db.execute(
        "SELECT steps.flow, steps.path, sum(step_runs.spans - step_runs.skipped),"
        " sum(step_runs.error + step_runs.timeout + step_runs.stopped + step_runs.incomplete),"
        " (SELECT count(*) FROM spans WHERE spans.usage IS NOT NULL AND spans.step = steps.id"
        f"  AND spans.run IN (SELECT id FROM runs WHERE {condition or 1}))"
        " FROM steps JOIN step_runs ON step = steps.id JOIN runs ON runs.id = run"
        f" WHERE steps.path IN (SELECT value FROM json_each(?)) AND {condition or 1} GROUP BY steps.id",
        [*values, msgspec.json.encode([path for _, path in calling]).decode(), *values],
    )
    return uncounted(calling, rows)


def _wasted(db: Connection, wanted: Wanted) -> dict[int, set[str]]:
    condition, values = conditions(wanted)
    types = ", ".join(f"'{kind}'" for kind in CONTAINERS)
    rows = db.execute(
        "SELECT run, span_id, parent_span_id, parent_attempt, attempts FROM spans WHERE run IN"
        " (SELECT run FROM steps JOIN step_runs ON step = steps.id JOIN runs ON runs.id = run"
        f" WHERE type IN ({types}) AND step_runs.retries > 0"
        f" AND runs.cost_usd IS NOT NULL AND {condition or 1}) ORDER BY run, seq",
        values,
    )
    return wasted_spans(rows)
