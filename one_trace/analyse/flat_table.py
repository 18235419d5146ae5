"""The whole history as one flat table with a row for each span, for tools that work on tables.

A row is what `History.span_rows` gives: a value for each of COLUMNS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO

from one_trace.errors import CliError
from one_trace.guard.text import clean

COLUMNS = {
    "flow": "string",
    "flow_version": "string",
    "run_id": "string",
    "run_status": "string",
    "run_started_at": "string",
    "run_duration_ms": "double",
    "step": "string",
    "span_id": "string",
    "parent_span_id": "string",
    "path": "string",
    "step_id": "string",
    "name": "string",
    "type": "string",
    "flow_key": "string",
    "iteration": "int64",
    "branch": "string",
    "parent_attempt": "int64",
    "attempts": "int64",
    "status": "string",
    "started_at": "string",
    "start_ms": "double",
    "duration_ms": "double",
    "input_bytes": "int64",
    "output_bytes": "int64",
    "error_code": "string",
    "late": "int64",
    "project": "string",
    "cost_usd": "double",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cache_read_tokens": "int64",
    "cache_write_tokens": "int64",
    "turns": "int64",
    "models": "string",
}
"""Column → type. `step` is the static path, `path` the path of the span; `models` is a list in JSON."""
BATCH = 50_000
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a formula begins with in some spreadsheet."""


def write_csv(rows: Iterator[tuple[Any, ...]], to: BinaryIO) -> int:
    """Write CSV in UTF-8 with a header, texts cleaned for terminals; return the number of rows."""
    to.write(_line(COLUMNS))
    count = 0
    for row in rows:
        to.write(_line(row))
        count += 1
    return count


def _line(row: Iterable[object]) -> bytes:
    """As `csv.writer`, which looks at each character by itself: ten times as long over long paths."""
    return f"{','.join(map(_field, row))}\n".encode()


def _field(value: object) -> str:
    if not isinstance(value, str):
        return "" if value is None else repr(value) if isinstance(value, float) else str(value)
    text = cell(value)
    if '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return f'"{text}"' if "," in text or "\n" in text or "\r" in text else text


def cell(text: str) -> str:
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
    schema = arrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
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
