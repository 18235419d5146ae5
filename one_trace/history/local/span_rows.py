"""Reads a row for each span, in the columns of `analyse.flat_table`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from one_trace.analyse.flat_table import COLUMNS
from one_trace.model.wanted import Wanted
from one_trace.store.connection import Connection
from one_trace.store.deep_paths import whole_paths
from one_trace.store.reader import where

_USAGE = {
    "cost_usd": "costUsd",
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_tokens": "cacheReadTokens",
    "cache_write_tokens": "cacheWriteTokens",
    "turns": "turns",
    "models": "models",
}
_SOURCES = {
    "flow": "runs.flow_key",
    "flow_version": "version",
    "run_id": "coalesce(host_run_id, run_id)",
    "run_status": "runs.status",
    "run_started_at": "runs.started_at",
    "run_duration_ms": "runs.duration_ms",
    "step": "steps.path",
    "step_id": "steps.step_id",
    "name": "steps.name",
    "type": "steps.type",
    "flow_key": "steps.flow_key",
    "project": "runs.cwd",
    **{name: f"json_extract(spans.usage, '$.{key}')" for name, key in _USAGE.items()},
}
"""Column → SQL expression; the others are columns of `spans`."""
_RUN, _STEP, _SPAN, _PARENT, _PATH = map(
    list(COLUMNS).index, ("run_id", "step", "span_id", "parent_span_id", "path")
)


def read(db: Connection, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
    """Runs by their start, spans as in the trace document."""
    clause, values = where(wanted)
    chosen = ", ".join(f"{_SOURCES.get(name, f'spans.{name}')} AS {name}" for name in COLUMNS)
    rows = db.execute(
        f"SELECT {chosen}, step, tail FROM runs JOIN spans ON spans.run = runs.id"
        " JOIN steps ON steps.id = spans.step"
        f" LEFT JOIN flow_versions ON flow_versions.id = runs.flow_version {clause}"
        " ORDER BY runs.started_ms, runs.id, spans.seq",
        values,
    )
    return _whole(rows, whole_paths(db))


def _whole(rows: Iterable[tuple[Any, ...]], deep: dict[int, str]) -> Iterator[tuple[Any, ...]]:
    """Rows with their whole paths. `rows` end with the step's number and the tail of the span's path."""
    run, paths = None, dict[str | None, str]()
    for row in rows:
        step, tail = row[-2:]
        if row[_RUN] != run:
            run, paths = row[_RUN], {}
        path = paths[row[_SPAN]] = row[_PATH] if tail is None else paths.get(row[_PARENT], "") + tail
        if tail is None and step not in deep:
            yield row[:-2]
        else:
            whole = [*row[:-2]]
            whole[_PATH], whole[_STEP] = path, deep.get(step, row[_STEP])
            yield tuple(whole)
