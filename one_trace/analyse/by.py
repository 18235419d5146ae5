"""``trace stats --by``: success, time and cost of the runs of each version, model, tag or host."""

from __future__ import annotations

from collections.abc import Callable
from math import fsum

import msgspec
from msgspec import Struct

from one_trace.analyse.figures import quantile
from one_trace.analyse.query import Scope
from one_trace.analyse.sequence import wilson
from one_trace.errors import WrongUsage
from one_trace.store.connection import Connection

FEW = 10
"""With fewer runs that ended, the interval of the rate is half of all rates wide: too few to compare."""
_ENDED = ("success", "error")


class Grouped(Struct, rename="camel", kw_only=True):
    """The runs that have one value in common; null: those of which it is not known.

    `successRate` is of the runs that succeeded or failed, with Wilson's 95 % interval; `tooFew`: fewer than
    ten of them.
    """

    by: str
    value: str | None
    flow_key: str
    project: str | None = None
    runs: int = 0
    succeeded: int = 0
    failed: int = 0
    success_rate: float | None = None
    rate_low: float = 0.0
    rate_high: float = 1.0
    too_few: bool = True
    p50_ms: float | None = None
    cost_usd: float | None = None
    cost_usd_per_run: float | None = None
    first_run_at: str
    last_run_at: str


def columns(by: str) -> tuple[str, Callable[[str | None], str | None]]:
    """The SQL that tells the value, and how it is read. Raises WrongUsage."""
    if by == "version":
        return "version", lambda text: text
    if by == "model":
        return "runs.models", _models
    if by == "host":
        return "executor || coalesce(' ' || executor_version, '')", lambda text: text
    if by.startswith("tag:") and len(by) > 4:
        return "runs.tags", lambda text: _tag(text, by[4:])
    raise WrongUsage(f"runs cannot be grouped by '{by}'", hint="One of version, model, host, tag:KEY.")


def groups(db: Connection, scope: Scope, by: str) -> list[Grouped]:
    """By flow, and in it the group first whose first run came first."""
    column, read = columns(by)
    if (
        column == "runs.tags"
        and not db.execute("SELECT 1 FROM pragma_table_info('runs') WHERE name = 'tags'").fetchone()
    ):
        column = "NULL"
    where, values = scope.where()
    found: dict[tuple[str, str | None, str | None], list[tuple[str, str, float | None, float | None]]] = {}
    for key, cwd, text, *facts in db.execute(
        f"SELECT runs.flow_key, cwd, {column}, started_at, status, duration_ms, cost_usd FROM runs"
        f" LEFT JOIN flow_versions ON flow_versions.id = flow_version WHERE {where}"
        " ORDER BY runs.flow_key, started_ms, runs.id",
        values,
    ):
        found.setdefault((key, cwd, read(text)), []).append(tuple(facts))
    return [_group(by, *name, rows) for name, rows in found.items()]


def _group(
    by: str,
    key: str,
    project: str | None,
    value: str | None,
    rows: list[tuple[str, str, float | None, float | None]],
) -> Grouped:
    good, bad = (sum(status == wanted for _, status, _, _ in rows) for wanted in _ENDED)
    low, high = wilson(good, good + bad)
    times = sorted(ms for _, status, ms, _ in rows if status == "success" and ms is not None)
    costs = [cost for _, _, _, cost in rows if cost is not None]
    return Grouped(
        by=by,
        value=value,
        flow_key=key,
        project=project,
        runs=len(rows),
        succeeded=good,
        failed=bad,
        success_rate=good / (good + bad) if good + bad else None,
        rate_low=low,
        rate_high=high,
        too_few=good + bad < FEW,
        p50_ms=quantile(times, 0.5),
        cost_usd=fsum(costs) if costs else None,
        cost_usd_per_run=fsum(costs) / len(costs) if costs else None,
        first_run_at=rows[0][0],
        last_run_at=rows[-1][0],
    )


def _models(text: str | None) -> str | None:
    names = msgspec.json.decode(text, type=list[str]) if text else []
    return " + ".join(sorted(names)) or None


def _tag(text: str | None, key: str) -> str | None:
    tags = msgspec.json.decode(text) if text else {}
    value = tags.get(key) if isinstance(tags, dict) else None
    return None if value is None else str(value)
