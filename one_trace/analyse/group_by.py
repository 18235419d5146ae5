"""Reads the groups of ``trace stats --by``: the runs of each version, model, tag or host."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from one_trace.analyse.run_groups import RunFigures, RunGroup, group
from one_trace.errors import WrongUsage
from one_trace.model.wanted import Wanted
from one_trace.store.connection import Connection
from one_trace.store.reader import where


def parse(by: str) -> tuple[str, Callable[[str | None], str | None]]:
    """The SQL expression of a value of ``--by``, and how to read its result. Raises WrongUsage."""
    if by == "version":
        return "version", lambda text: text
    if by == "model":
        return "runs.models", _models
    if by == "host":
        return "executor || coalesce(' ' || executor_version, '')", lambda text: text
    if by.startswith("tag:") and len(by) > 4:
        return "runs.tags", lambda text: _tag(text, by[4:])
    raise WrongUsage(f"runs cannot be grouped by '{by}'", hint="Use version, model, host or tag:KEY.")


def groups(db: Connection, wanted: Wanted, by: str) -> list[RunGroup]:
    """The groups of each flow, by their first runs. Raises WrongUsage."""
    column, read = parse(by)
    clause, values = where(wanted)
    by_value: dict[tuple[str, str | None, str | None], list[RunFigures]] = {}
    for flow, cwd, text, *figures in db.execute(
        f"SELECT runs.flow_key, cwd, {column}, started_at, status, duration_ms, cost_usd FROM runs"
        f" LEFT JOIN flow_versions ON flow_versions.id = flow_version {clause}"
        " ORDER BY runs.flow_key, started_ms, runs.id",
        values,
    ):
        by_value.setdefault((flow, cwd, read(text)), []).append(tuple(figures))
    return [group(by, *key, figures) for key, figures in by_value.items()]


def _models(text: str | None) -> str | None:
    names = msgspec.json.decode(text, type=list[str]) if text else []
    return " + ".join(sorted(names)) or None


def _tag(text: str | None, key: str) -> str | None:
    tags = msgspec.json.decode(text) if text else {}
    value = tags.get(key) if isinstance(tags, dict) else None
    return None if value is None else str(value)
