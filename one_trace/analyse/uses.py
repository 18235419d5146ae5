"""What LLM calls the store knows of: read from the spans that have usage, which an index finds among the
others.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from one_trace.analyse.cost import LOST, Uncounted, Use
from one_trace.analyse.query import Scope
from one_trace.model.times import to_local
from one_trace.model.trace import ModelUsage, PartedUsage, PlannedStep
from one_trace.store.connection import Connection

_usage = msgspec.json.Decoder(PartedUsage)
_Run = tuple[str, str, bool]
"""Flow, day, whether it came to nothing."""


def runs(db: Connection, scope: Scope) -> dict[int, _Run]:
    """The runs in scope by their number."""
    where, values = scope.where()
    rows = db.execute(f"SELECT id, flow_key, started_at, status FROM runs WHERE {where}", values)
    return {number: (flow, _day(started), status in LOST) for number, flow, started, status in rows}


def _day(moment: str) -> str:
    """The day of a time where the reader is."""
    here = to_local(moment)
    return moment[:10] if here is None else f"{here:%Y-%m-%d}"


def read(db: Connection, scope: Scope, known: dict[int, _Run]) -> list[Use]:
    """What the runs `known` used, one row for each run, step and set of models."""
    lost = _given_up(db, scope)
    paths = dict(db.execute("SELECT id, path FROM steps").fetchall())
    found: dict[tuple[object, ...], Use] = {}
    for run, span_id, step, retries, text in _spans(db, scope):
        usage = _usage.decode(text)
        models = tuple(usage.models)
        given_up = run in lost and span_id in lost[run]
        key = (run, step, models, given_up)
        use = found.get(key)
        if use is None:
            flow, day, failed = known[run]
            use = found[key] = Use(
                run=run,
                flow=flow,
                path=paths[step],
                day=day,
                run_failed=failed,
                given_up=given_up,
                models=models,
            )
        _add(use, usage, retries)
    return list(found.values())


def _spans(db: Connection, scope: Scope) -> Iterator[tuple[int, str, int, int, str]]:
    where, values = scope.where()
    inside = f" AND run IN (SELECT id FROM runs WHERE {where})" if values else ""
    rows = db.execute(
        f"SELECT run, span_id, step, retries, usage FROM spans WHERE usage IS NOT NULL{inside}", values
    )
    return iter(rows)


def _add(use: Use, usage: PartedUsage, retries: int) -> None:
    use.calls += 1
    use.input_tokens += usage.input_tokens
    use.output_tokens += usage.output_tokens
    use.cache_read_tokens += usage.cache_read_tokens
    use.cache_write_tokens += usage.cache_write_tokens
    use.turns += usage.turns
    use.retries += retries
    for name, part in usage.per_model.items():
        _add_part(use.per_model.setdefault(name, ModelUsage()), part)
    if usage.cost_usd is not None:
        use.cost_usd = (use.cost_usd or 0.0) + usage.cost_usd
        use.retries_usd += usage.cost_usd * retries


def _add_part(whole: ModelUsage, part: ModelUsage) -> None:
    whole.input_tokens += part.input_tokens
    whole.output_tokens += part.output_tokens
    whole.cache_read_tokens += part.cache_read_tokens
    whole.cache_write_tokens += part.cache_write_tokens
    if part.cost_usd is not None:
        whole.cost_usd = (whole.cost_usd or 0.0) + part.cost_usd


def uncounted(db: Connection, scope: Scope) -> list[Uncounted]:
    """Steps whose flow file says that they call an agent, and how many of their executions left no usage."""
    where, values = scope.where()
    called = {
        (key, step.path): step
        for key, text in db.execute("SELECT flow_key, plan FROM flow_versions WHERE plan IS NOT NULL")
        for step in _planned.decode(text)
        if step.calls
    }
    found = []
    for flow, path, ran, failed, counted in db.execute(
        "SELECT steps.flow, steps.path, sum(step_runs.spans - step_runs.skipped),"
        " sum(step_runs.error + step_runs.timeout + step_runs.stopped + step_runs.incomplete),"
        " (SELECT count(*) FROM spans WHERE spans.usage IS NOT NULL AND spans.step = steps.id"
        f"  AND spans.run IN (SELECT id FROM runs WHERE {where}))"
        " FROM steps JOIN step_runs ON step = steps.id JOIN runs ON runs.id = run"
        f" WHERE steps.path IN (SELECT value FROM json_each(?)) AND {where} GROUP BY steps.id",
        [*values, msgspec.json.encode([path for _, path in called]).decode(), *values],
    ):
        step = called.get((flow, path))
        if step is None or step.calls is None or ran <= counted:
            continue
        lost = min(failed, ran - counted)
        if lost:
            found.append(_not_counted(flow, path, step.calls, lost, *_FAILED))
        if ran - counted > lost:
            why = _LOSES.get(step.loses or "", _LOSES[""])
            found.append(_not_counted(flow, path, step.calls, ran - counted - lost, *why))
    return sorted(found, key=lambda one: (-one.calls, one.flow, one.path))


def _not_counted(flow: str, path: str, tool: str, calls: int, why: str, fix: str) -> Uncounted:
    asks = _ASKS.get(tool, "--output-format json")
    return Uncounted(flow=flow, path=path, tool=tool, calls=calls, why=why, fix=fix.format(asks=asks))


_planned = msgspec.json.Decoder(list[PlannedStep])
_ASKS = {"codex": "--json", "opencode": "--format json"}
_FAILED = (
    "it failed, and the host keeps no output of a step that failed",
    "let it go on (onError: continue) and check its result in a step behind it",
)
_LOSES = {
    "pipe": (
        "its output goes through another command, which leaves the usage out",
        "let the step print all of it ({asks}), and pick the answer in a step behind it",
    ),
    "": ("its output holds no usage", "call it with {asks}"),
}


def _given_up(db: Connection, scope: Scope) -> dict[int, set[str]]:
    """Spans made in attempts that were made again, of each run that has such attempts of a container."""
    where, values = scope.where()
    rows = db.execute(
        "SELECT run, span_id, parent_span_id, parent_attempt, attempts FROM spans WHERE run IN"
        " (SELECT run FROM steps JOIN step_runs ON step = steps.id JOIN runs ON runs.id = run"
        " WHERE type IN ('condition', 'loop', 'while', 'parallel', 'flow') AND step_runs.retries > 0"
        f" AND runs.cost_usd IS NOT NULL AND {where}) ORDER BY run, seq",
        values,
    )
    found: dict[int, set[str]] = {}
    made: dict[str, int] = {}
    current = None
    for run, span_id, parent, attempt, attempts in rows:
        if run != current:
            current, made = run, {}
            found[run] = set()
        made[span_id] = attempts
        # Parents stand before their children: what is in a span that was given up was given up with it.
        if parent in found[run] or (attempt or made.get(parent, 0)) < made.get(parent, 0):
            found[run].add(span_id)
    return found
