"""Reads LLM calls from the spans that have usage, which an index finds among the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from one_trace.analyse.calls import (
    CONTAINERS,
    Call,
    Calls,
    calling_run,
    uncounted,
    usages,
    wasted_spans,
)
from one_trace.analyse.cost import CallUsage, Uncounted
from one_trace.history.local import call_days
from one_trace.model.trace import PartedUsage, PlannedStep
from one_trace.model.wanted import ALL, Wanted
from one_trace.store.connection import Connection
from one_trace.store.deep_paths import whole_paths
from one_trace.store.reader import conditions, where
from one_trace.store.rows import plain

_usage = msgspec.json.Decoder(PartedUsage)
_planned = msgspec.json.Decoder(list[PlannedStep])


def calls(db: Connection, wanted: Wanted) -> Calls:
    """What the LLM calls of these runs used."""
    paths = {**dict(db.execute("SELECT id, path FROM steps").fetchall()), **whole_paths(db)}
    if wanted._replace(since=None) == ALL:
        used = call_days.usages(
            db, wanted.since, paths, lambda since, until: _usages(db, Wanted(since=since, until=until), paths)
        )
    else:
        used = _usages(db, wanted, paths)
    clause, values = where(wanted)
    (runs,) = db.execute(f"SELECT count(*) FROM runs {clause}", values).fetchone()
    return Calls(runs, used, _uncounted(db, wanted, paths, used))


def _usages(db: Connection, wanted: Wanted, paths: Mapping[object, str]) -> list[CallUsage]:
    clause, values = where(wanted)
    rows = db.execute(f"SELECT id, flow_key, cwd, started_at, status FROM runs {clause}", values)
    runs = {number: calling_run(*facts) for number, *facts in rows}
    return usages(_calls(db, wanted), runs, paths)


def _calls(db: Connection, wanted: Wanted) -> Iterator[Call]:
    wasted = _wasted(db, wanted)
    of_runs, values = _of_runs(wanted)
    for run, span_id, step, retries, text in db.execute(
        f"SELECT run, span_id, step, retries, usage FROM spans WHERE usage IS NOT NULL{of_runs}", values
    ):
        yield Call(run, step, retries, span_id in wasted.get(run, ()), _usage.decode(text))


def _uncounted(
    db: Connection, wanted: Wanted, paths: Mapping[object, str], used: Sequence[CallUsage]
) -> list[Uncounted]:
    counted: Counter[int] = Counter()
    for each in used:
        counted[each.step] += each.calls
    calling = _calling(db, wanted)
    steps = {
        number: (flow, paths[number])
        for number, flow in db.execute(
            "SELECT id, flow FROM steps WHERE flow IN (SELECT value FROM json_each(?))",
            (_json(list({flow for flow, _ in calling})),),
        )
        if (flow, paths[number]) in calling
    }
    of_runs, values = _of_runs(wanted, "+run")
    rows = db.execute(
        "SELECT step, sum(spans - skipped), sum(error + timeout + stopped + incomplete) FROM step_runs"
        f" WHERE step IN (SELECT value FROM json_each(?)){of_runs} GROUP BY step",
        [_json(list(steps)), *values],
    )
    return uncounted(calling, ((*steps[step], *sums, counted[step]) for step, *sums in rows))


def _calling(db: Connection, wanted: Wanted) -> dict[tuple[str, str], PlannedStep]:
    """The steps that call an agent, by flow and static path."""
    of_flow, values = ("", []) if wanted.flow is None else (" AND flow_key = ?", [plain(wanted.flow)])
    plans = db.execute(f"SELECT flow_key, plan FROM flow_versions WHERE plan IS NOT NULL{of_flow}", values)
    return {(key, step.path): step for key, text in plans for step in _planned.decode(text) if step.calls}


def _wasted(db: Connection, wanted: Wanted) -> dict[int, set[str]]:
    types = ", ".join(f"'{kind}'" for kind in CONTAINERS)
    of_runs, values = _of_runs(wanted, "+run", "cost_usd IS NOT NULL")
    rows = db.execute(
        "SELECT run, span_id, parent_span_id, parent_attempt, attempts FROM spans WHERE run IN"
        f" (SELECT run FROM step_runs WHERE step IN (SELECT id FROM steps WHERE type IN ({types}))"
        f" AND retries > 0{of_runs}) ORDER BY run, seq",
        values,
    )
    return wasted_spans(rows)


def _of_runs(wanted: Wanted, column: str = "run", *also: str) -> tuple[str, list[object]]:
    """An SQL condition, with ``AND``, that `column` is one of these runs. With a plus the runs are not looked
    up one by one, which takes longer than to read all rows of some steps."""
    condition, values = conditions(wanted)
    whole = " AND ".join(filter(None, (*also, condition)))
    return (f" AND {column} IN (SELECT id FROM runs WHERE {whole})" if whole else ""), values


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
