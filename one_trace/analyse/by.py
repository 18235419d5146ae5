"""Reads the groups of ``trace stats --by``: the runs of each version, model, tag or host."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from one_trace.analyse.grouped import Grouped, group
from one_trace.analyse.query import Scope
from one_trace.errors import WrongUsage
from one_trace.store.connection import Connection


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
    return [group(by, *name, rows) for name, rows in found.items()]


def _models(text: str | None) -> str | None:
    names = msgspec.json.decode(text, type=list[str]) if text else []
    return " + ".join(sorted(names)) or None


def _tag(text: str | None, key: str) -> str | None:
    tags = msgspec.json.decode(text) if text else {}
    value = tags.get(key) if isinstance(tags, dict) else None
    return None if value is None else str(value)
