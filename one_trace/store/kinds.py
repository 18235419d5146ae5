"""What a value of each column may be. SQLite does not say: to it a damaged number may be a text."""

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
    found: dict[str, dict[str, frozenset[type]]] = {}
    for _, sql, _ in MIGRATIONS:
        for table, body in _TABLE.findall(sql):
            found[table] = {
                name: frozenset(_TYPES[kind] if required else (*_TYPES[kind], type(None)))
                for name, kind, required in _COLUMN.findall(body)
            }
        for table, name, kind in _ADDED.findall(sql):
            found[table][name] = frozenset((*_TYPES[kind], type(None)))
    return found


COLUMNS = _columns()


class Contradiction(Exception):
    """Rows that cannot have been written like this."""


def check(table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Raise Contradiction if a value of `rows`, columns `names` of `table`, is none of its column."""
    for name, column in zip(names, zip(*rows, strict=True), strict=False):
        if not COLUMNS[table][name] >= set(map(type, column)):
            raise Contradiction(f"{table}.{name} has values of another type")
        words = WORDS.get((table, name))
        if words and not words >= set(column):
            raise Contradiction(f"{table}.{name} has words that are none")


def names_of(columns: str) -> list[str]:
    """The names in a list of columns of an SQL statement."""
    return columns.split(", ")
