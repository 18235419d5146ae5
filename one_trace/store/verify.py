"""Whether a store is sound: SQLite's own check, then what it cannot know, values and references."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from one_trace.errors import StoreError
from one_trace.model.trace import Cause, Usage
from one_trace.store.connection import Connection
from one_trace.store.kinds import COLUMNS, WORDS

_SQL_TYPES = {int: "integer", str: "text", float: "real", bytes: "blob", type(None): "null"}
_REFERENCES = (
    ("spans", "step", "steps"),
    ("spans", "run", "runs"),
    ("step_runs", "step", "steps"),
    ("step_runs", "run", "runs"),
    ("outbox", "run", "runs"),
    ("runs", "flow_version", "flow_versions"),
)
_JSON: tuple[tuple[str, str, object], ...] = (
    ("runs", "models", list[str]),
    ("runs", "sessions", list[str]),
    ("runs", "cause", Cause),
    ("runs", "partial", list[str]),
    ("runs", "other_events", dict[str, int]),
    ("runs", "other_fields", dict[str, list[str]]),
    ("flow_versions", "static_paths", list[str]),
    ("flow_versions", "step_timeouts", dict[str, float]),
    ("spans", "usage", Usage),
    ("step_runs", "models", list[str]),
    ("pruned", "uploads", list[list[object]]),
)
"""Columns that hold JSON, and what it holds."""


def damage(connection: Connection) -> str | None:
    """What is wrong with the store, in a few words; None if nothing is. Raises StoreError that is no
    damage: a lock, say.
    """
    try:
        return _damage(connection)
    except StoreError as problem:
        if problem.code != "store-damaged":
            raise
        return problem.message.partition(" is damaged (")[2].removesuffix(")") or problem.message


def _damage(connection: Connection) -> str | None:
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        return str(verdict).replace("\n", " ")
    for sql, what in _questions():
        if connection.execute(sql).fetchone() is not None:
            return what
    for table, columns in COLUMNS.items():
        # To be read is to be decoded: what is not UTF-8 is found here.
        texts = ", ".join(name for name, kinds in columns.items() if str in kinds)
        for _ in connection.execute(f"SELECT {texts} FROM {table}"):
            pass
    return next(filter(None, (_bad_json(connection, *column) for column in _JSON)), None)


def _bad_json(connection: Connection, table: str, column: str, kind: object) -> str | None:
    decoder = msgspec.json.Decoder(kind)
    sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL"
    for (text,) in connection.execute(sql):
        try:
            decoder.decode(text)
        except msgspec.MsgspecError:
            return f"{table}.{column} is not the JSON that it was"
    return None


def _questions() -> list[tuple[str, str]]:
    """Statements that find a row where something is wrong, and what that is."""
    found = [
        (f"SELECT 1 FROM {table} WHERE {_wrong_values(table)} LIMIT 1", f"{table} has values that are none")
        for table in COLUMNS
    ]
    for table, column, other in _REFERENCES:
        sql = (
            f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL "
            f"AND {column} NOT IN (SELECT id FROM {other}) LIMIT 1"
        )
        found.append((sql, f"{table} has rows of {other} that are not there"))
    parents = (
        "SELECT 1 FROM spans AS own WHERE parent_span_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM spans WHERE run = own.run AND span_id = own.parent_span_id AND seq < own.seq) LIMIT 1"
    )
    found.append((parents, "spans have parents that are not there"))
    singles, doubles = (
        "length(durations) % 4 = 0",
        "(length(durations) % 8 = 1 AND hex(substr(durations, 1, 1)) = '64')",
    )
    found.append((f"SELECT 1 FROM step_runs WHERE NOT ({singles} OR {doubles}) LIMIT 1", "durations are cut"))
    return found


def _wrong_values(table: str) -> str:
    """The condition that a row of `table` has a value that is none of its column."""
    wrong = []
    for column, kinds in COLUMNS[table].items():
        wrong.append(f"typeof({column}) NOT IN ({_listed(_SQL_TYPES[kind] for kind in kinds)})")
        words = [word for word in WORDS.get((table, column), ()) if word]
        if words:
            wrong.append(f"{column} NOT IN ({_listed(words)})")
    return " OR ".join(wrong)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
