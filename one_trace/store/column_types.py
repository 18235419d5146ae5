"""What a value in each column may be. SQLite does not check that: it may take a damaged number for a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from one_trace.model.trace import RUN_STATUSES, SPAN_STATUSES
from one_trace.store.migrations import MIGRATIONS

_TYPES: dict[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "TEXT": (str,),
    "NUMERIC": (int, float),
    "REAL": (int, float),
    "BLOB": (bytes,),
}
_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)\n        \)", re.DOTALL)
_COLUMN = re.compile(r"^\s+(\w+) (INTEGER|TEXT|NUMERIC|REAL|BLOB)( NOT NULL| PRIMARY KEY)?", re.MULTILINE)
_ADDED = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+) (\w+)")
WORDS: dict[tuple[str, str], frozenset[str | None]] = {
    ("runs", "status"): frozenset(RUN_STATUSES),
    ("runs", "executor"): frozenset(("one-cli", "built-in")),
    ("spans", "status"): frozenset(SPAN_STATUSES),
    ("spans", "branch"): frozenset((None, "then", "else")),
    ("outbox", "state"): frozenset(("queued", "sent", "failed")),
}
"""Columns that hold one of a few words."""


def _columns() -> dict[str, dict[str, frozenset[type]]]:
    """Table → column → types of its values, as the migrations declare them."""
    columns: dict[str, dict[str, frozenset[type]]] = {}
    for _, sql, _ in MIGRATIONS:
        for table, body in _TABLE.findall(sql):
            columns[table] = {
                name: frozenset(_TYPES[kind] if required else (*_TYPES[kind], type(None)))
                for name, kind, required in _COLUMN.findall(body)
            }
        for table, name, kind in _ADDED.findall(sql):
            columns[table][name] = frozenset((*_TYPES[kind], type(None)))
    return columns


COLUMNS = _columns()


class InvalidColumn(Exception):
    """Rows that one-trace cannot have written like this."""


def check(table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    """Raise Contradiction if a value of `rows`, which begin with `columns` of `table`, does not fit."""
    for name, values in zip(columns.split(", "), zip(*rows, strict=True), strict=False):
        if not COLUMNS[table][name] >= set(map(type, values)):
            raise InvalidColumn(f"{table}.{name} has values of another type")
        words = WORDS.get((table, name))
        if words and not words >= set(values):
            raise InvalidColumn(f"{table}.{name} has unknown words")
