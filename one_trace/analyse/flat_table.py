"""The whole history as one flat table with a row for each span, for tools that work on tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO

from one_trace.errors import CliError
from one_trace.guard.text import clean
from one_trace.model.wanted import Wanted
from one_trace.store.connection import Connection
from one_trace.store.reader import where

_USAGE = {
    "cost_usd": ("costUsd", "double"),
    "input_tokens": ("inputTokens", "int64"),
    "output_tokens": ("outputTokens", "int64"),
    "cache_read_tokens": ("cacheReadTokens", "int64"),
    "cache_write_tokens": ("cacheWriteTokens", "int64"),
    "turns": ("turns", "int64"),
    "models": ("models", "string"),
}
COLUMNS: dict[str, tuple[str, str]] = {
    "flow": ("runs.flow_key", "string"),
    "flow_version": ("version", "string"),
    "run_id": ("coalesce(host_run_id, run_id)", "string"),
    "run_status": ("runs.status", "string"),
    "run_started_at": ("runs.started_at", "string"),
    "run_duration_ms": ("runs.duration_ms", "double"),
    "step": ("steps.path", "string"),
    "span_id": ("spans.span_id", "string"),
    "parent_span_id": ("spans.parent_span_id", "string"),
    "path": ("spans.path", "string"),
    "step_id": ("steps.step_id", "string"),
    "name": ("steps.name", "string"),
    "type": ("steps.type", "string"),
    "flow_key": ("steps.flow_key", "string"),
    "iteration": ("spans.iteration", "int64"),
    "branch": ("spans.branch", "string"),
    "parent_attempt": ("spans.parent_attempt", "int64"),
    "attempts": ("spans.attempts", "int64"),
    "status": ("spans.status", "string"),
    "started_at": ("spans.started_at", "string"),
    "start_ms": ("spans.start_ms", "double"),
    "duration_ms": ("spans.duration_ms", "double"),
    "input_bytes": ("spans.input_bytes", "int64"),
    "output_bytes": ("spans.output_bytes", "int64"),
    "error_code": ("spans.error_code", "string"),
    "late": ("spans.late", "int64"),
    "project": ("runs.cwd", "string"),
    **{name: (f"json_extract(spans.usage, '$.{key}')", kind) for name, (key, kind) in _USAGE.items()},
}
"""Column → (SQL expression, type). `step` is the static path, `path` the path of the span."""
BATCH = 50_000
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a formula begins with in some spreadsheet."""


def read(db: Connection, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
    """Rows of COLUMNS: runs by their start, spans as in the trace document."""
    clause, values = where(wanted)
    chosen = ", ".join(f"{source} AS {name}" for name, (source, _) in COLUMNS.items())
    rows = db.execute(
        f"SELECT {chosen} FROM runs JOIN spans ON spans.run = runs.id JOIN steps ON steps.id = spans.step"
        f" LEFT JOIN flow_versions ON flow_versions.id = runs.flow_version {clause}"
        " ORDER BY runs.started_ms, runs.id, spans.seq",
        values,
    )
    return iter(rows)


def write_csv(rows: Iterator[tuple[Any, ...]], to: BinaryIO) -> int:
    """Write CSV in UTF-8 with a header, texts cleaned for terminals; return the number of rows."""
    text = io.TextIOWrapper(to, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        count = 0
        for row in rows:
            writer.writerow([_cell(value) if isinstance(value, str) else value for value in row])
            count += 1
    finally:
        text.detach()
    return count


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    formula = text.startswith(_FORMULAS)
    text = clean(text, len(text))
    return f"'{text}" if formula or text.lstrip().startswith(_FORMULAS) else text


def check_parquet() -> None:
    """Raises CliError without pyarrow."""
    _pyarrow()


def write_parquet(rows: Iterator[tuple[Any, ...]], to: BinaryIO) -> int:
    """Write Parquet (zstd), in batches that fit in memory; return the number of rows. Raises CliError without
    pyarrow."""
    arrow, parquet = _pyarrow()
    kinds = {"string": arrow.string(), "int64": arrow.int64(), "double": arrow.float64()}
    schema = arrow.schema([(name, kinds[kind]) for name, (_, kind) in COLUMNS.items()])
    count = 0
    with parquet.ParquetWriter(to, schema, compression="zstd") as writer:
        while batch := list(islice(rows, BATCH)):
            columns = dict(zip(COLUMNS, map(list, zip(*batch, strict=True)), strict=True))
            writer.write_table(arrow.table(columns, schema=schema))
            count += len(batch)
    return count


def _pyarrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise CliError(
            "Parquet needs pyarrow, which is not installed",
            hint="pip install 'one-trace[parquet]', or use --format csv.",
            code="no-parquet",
        ) from error
