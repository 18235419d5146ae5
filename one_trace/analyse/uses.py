"""What LLM calls the store knows of: read from the spans that have usage, which an index finds among the
others.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from one_trace.analyse.cost import LOST, Use
from one_trace.analyse.query import Scope
from one_trace.model import Usage
from one_trace.store.connection import Connection

_usage = msgspec.json.Decoder(Usage)
_Run = tuple[str, str, bool]
"""Flow, day, whether it came to nothing."""


def runs(db: Connection, scope: Scope) -> dict[int, _Run]:
    """The runs in scope by their number."""
    where, values = scope.where("flow_key = ?", "started_ms")
    rows = db.execute(
        f"SELECT id, flow_key, substr(started_at, 1, 10), status FROM runs WHERE {where}", values
    )
    return {number: (flow, day, status in LOST) for number, flow, day, status in rows}


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
    where, values = scope.where("flow_key = ?", "started_ms")
    inside = f" AND run IN (SELECT id FROM runs WHERE {where})" if values else ""
    rows = db.execute(
        f"SELECT run, span_id, step, retries, usage FROM spans WHERE usage IS NOT NULL{inside}", values
    )
    return iter(rows)


def _add(use: Use, usage: Usage, retries: int) -> None:
    use.calls += 1
    use.input_tokens += usage.input_tokens
    use.output_tokens += usage.output_tokens
    use.cache_read_tokens += usage.cache_read_tokens
    use.cache_write_tokens += usage.cache_write_tokens
    use.turns += usage.turns
    use.retries += retries
    if usage.cost_usd is not None:
        use.cost_usd = (use.cost_usd or 0.0) + usage.cost_usd
        use.retries_usd += usage.cost_usd * retries


def _given_up(db: Connection, scope: Scope) -> dict[int, set[str]]:
    """Spans made in attempts that were made again, of each run that has such attempts of a container."""
    where, values = scope.where("runs.flow_key = ?", "runs.started_ms")
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
