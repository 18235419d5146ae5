"""Reads LLM calls from the spans that have usage, which an index finds among the others."""

from __future__ import annotations

from datetime import datetime

import msgspec

from one_trace.analyse import prices
from one_trace.analyse.cost import SUMMED, CallUsage, Uncounted
from one_trace.model.trace import ModelUsage, PartedUsage, PlannedStep
from one_trace.model.wanted import Wanted
from one_trace.store.connection import Connection
from one_trace.store.reader import conditions, where

Runs = dict[int, tuple[str, str | None, str, bool]]
"""By number in the store: flow, project, local day of the start, whether the run failed or never ended."""

_usage = msgspec.json.Decoder(PartedUsage)
_planned = msgspec.json.Decoder(list[PlannedStep])
_USAGE_OPTIONS = {"codex": "--json", "opencode": "--format json"}
_FAILED = (
    "it failed, and the host keeps no output of a step that failed",
    "let it continue (onError: continue) and check its result in a later step",
)
_NO_USAGE = {
    "pipe": (
        "its output goes through another command, which drops the usage",
        "let the step print all of it ({options}), and pick the answer in a later step",
    ),
    "": ("its output contains no usage", "call it with {options}"),
}


def runs(db: Connection, wanted: Wanted) -> Runs:
    """The runs that match."""
    clause, values = where(wanted)
    rows = db.execute(f"SELECT id, flow_key, cwd, started_at, status FROM runs {clause}", values)
    return {
        number: (flow, project, _local_day(started), status in ("error", "incomplete"))
        for number, flow, project, started, status in rows
    }


def _local_day(moment: str) -> str:
    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return moment[:10]


def read(db: Connection, wanted: Wanted, runs: Runs) -> list[CallUsage]:
    """What calls of these runs used: a row for each run, step and set of models."""
    retried = _retried(db, wanted)
    paths = dict(db.execute("SELECT id, path FROM steps").fetchall())
    condition, values = conditions(wanted)
    of_runs = f" AND run IN (SELECT id FROM runs WHERE {condition})" if values else ""
    rows: dict[tuple[object, ...], CallUsage] = {}
    for run, span_id, step, retries, text in db.execute(
        f"SELECT run, span_id, step, retries, usage FROM spans WHERE usage IS NOT NULL{of_runs}", values
    ):
        usage = _usage.decode(text)
        models, wasted = tuple(usage.models), span_id in retried.get(run, ())
        row = rows.get((run, step, models, wasted))
        if row is None:
            flow, project, day, failed = runs[run]
            row = rows[run, step, models, wasted] = CallUsage(
                run=run,
                flow=flow,
                project=project,
                path=paths[step],
                day=day,
                run_failed=failed,
                retried=wasted,
                models=models,
            )
        _add(row, usage, retries)
        if prices.is_unpriced(usage):
            _estimate(row, usage)
    return list(rows.values())


def _add(row: CallUsage, usage: PartedUsage, retries: int) -> None:
    row.calls += 1
    row.retries += retries
    _add_usage(row, usage, SUMMED)
    for name, part in usage.per_model.items():
        _add_usage(row.per_model.setdefault(name, ModelUsage()), part, SUMMED[:-1])
    row.retries_usd += (usage.cost_usd or 0.0) * retries


def _estimate(row: CallUsage, usage: PartedUsage) -> None:
    estimates = prices.estimate(usage, row.day)
    row.unpriced += 1
    row.estimated_calls += bool(estimates)
    for model, cost in estimates.items():
        row.estimates[model] = row.estimates.get(model, 0.0) + cost


def _add_usage(
    total: CallUsage | ModelUsage, usage: PartedUsage | ModelUsage, names: tuple[str, ...]
) -> None:
    for name in names:
        setattr(total, name, getattr(total, name) + getattr(usage, name))
    if usage.cost_usd is not None:
        total.cost_usd = (total.cost_usd or 0.0) + usage.cost_usd


def uncounted(db: Connection, wanted: Wanted) -> list[Uncounted]:
    """Steps that call an agent according to their flow file, with the number of executions without usage."""
    condition, values = conditions(wanted)
    calling = {
        (key, step.path): step
        for key, text in db.execute("SELECT flow_key, plan FROM flow_versions WHERE plan IS NOT NULL")
        for step in _planned.decode(text)
        if step.calls
    }
    missing = []
    for flow, path, executed, failed, counted in db.execute(
        "SELECT steps.flow, steps.path, sum(step_runs.spans - step_runs.skipped),"
        " sum(step_runs.error + step_runs.timeout + step_runs.stopped + step_runs.incomplete),"
        " (SELECT count(*) FROM spans WHERE spans.usage IS NOT NULL AND spans.step = steps.id"
        f"  AND spans.run IN (SELECT id FROM runs WHERE {condition or 1}))"
        " FROM steps JOIN step_runs ON step = steps.id JOIN runs ON runs.id = run"
        f" WHERE steps.path IN (SELECT value FROM json_each(?)) AND {condition or 1} GROUP BY steps.id",
        [*values, msgspec.json.encode([path for _, path in calling]).decode(), *values],
    ):
        step = calling.get((flow, path))
        if step is None or step.calls is None:
            continue
        options = _USAGE_OPTIONS.get(step.calls, "--output-format json")
        without = max(executed - counted, 0)
        of_failed = min(failed, without)
        no_usage = _NO_USAGE.get(step.loses or "", _NO_USAGE[""])
        for calls, (why, fix) in ((of_failed, _FAILED), (without - of_failed, no_usage)):
            if calls:
                fix = fix.format(options=options)
                missing.append(
                    Uncounted(flow=flow, path=path, tool=step.calls, calls=calls, why=why, fix=fix)
                )
    return sorted(missing, key=lambda each: (-each.calls, each.flow, each.path))


def _retried(db: Connection, wanted: Wanted) -> dict[int, set[str]]:
    """By run: the spans in attempts of containers that were followed by another attempt."""
    condition, values = conditions(wanted)
    retried: dict[int, set[str]] = {}
    attempts_of: dict[str, int] = {}
    for run, span_id, parent, attempt, attempts in db.execute(
        "SELECT run, span_id, parent_span_id, parent_attempt, attempts FROM spans WHERE run IN"
        " (SELECT run FROM steps JOIN step_runs ON step = steps.id JOIN runs ON runs.id = run"
        " WHERE type IN ('condition', 'loop', 'while', 'parallel', 'flow') AND step_runs.retries > 0"
        f" AND runs.cost_usd IS NOT NULL AND {condition or 1}) ORDER BY run, seq",
        values,
    ):
        if run not in retried:
            retried[run], attempts_of = set(), {}
        attempts_of[span_id] = attempts
        last = attempts_of.get(parent, 0)
        # Parents come before their children, so that all descendants are found.
        if parent in retried[run] or (attempt or last) < last:
            retried[run].add(span_id)
    return retried
