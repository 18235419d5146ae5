"""Reads the groups of ``--by``: the runs of each version, model, tag, executor, machine or repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import msgspec

from one_trace.analyse.run_groups import RunGroup, RunRow, groups_of, models_value, parse_by
from one_trace.history.repositories import repository_of
from one_trace.model.wanted import Wanted
from one_trace.store.connection import Connection
from one_trace.store.reader import where

_REPOSITORY = '$."vcs.repository.url.full"'


def groups(db: Connection, wanted: Wanted, by: str) -> list[RunGroup]:
    """The groups of each flow, by their first runs. Raises WrongUsage."""
    return groups_of(by, _rows(db, wanted, *_value(*parse_by(by))), means="executor")


def _value(kind: str, key: str) -> tuple[str, Callable[[str | None], str | None]]:
    """The SQL expression of a value of ``--by``, and how to read its result."""
    if kind == "version":
        return "version", lambda text: text
    if kind == "model":
        return "runs.models", _models
    if kind in ("host", "executor"):
        return "executor || coalesce(' ' || executor_version, '')", lambda text: text
    if kind == "machine":
        return """json_extract(place, '$."host.name"')""", lambda text: text
    if kind == "repository":
        return f"json_array(cwd, json_extract(place, '{_REPOSITORY}'))", cache(_repository)
    return "runs.tags", lambda text: _tag(text, key)


def _rows(
    db: Connection, wanted: Wanted, column: str, read: Callable[[str | None], str | None]
) -> Iterator[RunRow]:
    clause, values = where(wanted)
    for flow, cwd, text, *figures in db.execute(
        f"SELECT runs.flow_key, cwd, {column}, started_at, status, duration_ms, cost_usd FROM runs"
        f" LEFT JOIN flow_versions ON flow_versions.id = flow_version {clause}"
        " ORDER BY runs.flow_key, started_ms, runs.id",
        values,
    ):
        yield flow, cwd, read(text), tuple(figures)


def _models(text: str | None) -> str | None:
    return models_value(msgspec.json.decode(text, type=list[str]) if text else [])


def _repository(text: str | None) -> str | None:
    """As it is sent: that of the folder, as it is now, else what the CI system reported then."""
    folder, reported = msgspec.json.decode(text or "[null,null]")
    return (repository_of(folder) if folder else None) or reported


def _tag(text: str | None, key: str) -> str | None:
    tags = msgspec.json.decode(text) if text else {}
    value = tags.get(key) if isinstance(tags, dict) else None
    return None if value is None else str(value)
