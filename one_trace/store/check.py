"""Checking a store as a whole: whether a run can be saved in it, and whether its content is sound."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from one_trace.errors import StoreError
from one_trace.model.trace import Cause, Upload, Usage
from one_trace.store.column_types import COLUMNS, WORDS
from one_trace.store.connection import Connection
from one_trace.store.opening import beside, exists, is_newer, older_stores
from one_trace.store.store import Store
from one_trace.store.store_errors import damaged, disk_full, is_full, store_errors, unusable

_SPACE = 1 << 20
"""Bytes that a new store and a run need."""
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
    ("runs", "document_uploads", list[Upload]),
    ("runs", "tags", dict[str, str]),
    ("flow_versions", "static_paths", list[str]),
    ("flow_versions", "step_timeouts", dict[str, float]),
    ("spans", "usage", Usage),
    ("step_runs", "models", list[str]),
    ("pruned", "uploads", list[list[object]]),
    ("pruned", "tags", dict[str, str]),
)
"""Columns that hold JSON, and its type."""
_PARENTS = (
    "SELECT 1 FROM spans AS own WHERE parent_span_id IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM spans WHERE run = own.run AND span_id = own.parent_span_id AND seq < own.seq) LIMIT 1"
)
_DURATIONS = (
    "SELECT 1 FROM step_runs WHERE NOT (length(durations) % 4 = 0 "
    "OR (length(durations) % 8 = 1 AND hex(substr(durations, 1, 1)) = '64')) LIMIT 1"
)


class Health(Struct):
    """`runs`: how many there are, None if there is no store yet. `own`: where this version keeps its runs if
    the store is a newer version's. `left_out`: stores of older versions whose runs could not be moved in.
    """

    runs: int | None
    own: Path | None = None
    left_out: list[Path] = []


def examine(path: Path) -> Health:
    """Check all of the store at `path`. Raises StoreError if a run could not be saved in it, or if its
    content cannot be read.
    """
    with store_errors(path):
        if not exists(path):
            check_place(path)
            return Health(None)
    if is_newer(path):
        own = beside(path)
        return Health(_examine(own) if own.exists() else None, own=own)
    runs = _examine(path)
    return Health(runs, left_out=[other for other in older_stores(path) if _may_have_runs(other)])


def _examine(path: Path) -> int:
    with Store(path) as store:
        if is_full(path):
            raise disk_full(path, "nothing can be written beside it")
        _write_and_roll_back(store.connection)
        reason = damage(store.connection)
        if reason is not None:
            raise damaged(path, reason)
        return len(store.runs())  # read as commands read them: each run must make sense as a whole


def _write_and_roll_back(connection: Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT OR REPLACE INTO namespaces VALUES ('', '', '{}', 0)")
    connection.execute("ROLLBACK")


def check_place(path: Path) -> None:
    """Raise StoreError if a store cannot be created at `path`."""
    folder = next(folder for folder in path.parents if folder.exists())
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        raise unusable(path, error) from error
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise unusable(path, PermissionError(13, f"{folder} cannot be written"))
    if disk.f_bavail * disk.f_frsize < _SPACE:
        raise disk_full(path, "less than 1 MiB is free")


def _may_have_runs(other: Path) -> bool:
    try:
        with Store(other, readonly=True) as store:
            return store.count() > 0
    except StoreError:
        return True


def damage(connection: Connection) -> str | None:
    """What is wrong with the content of the store, in a few words; None if nothing is. Raises StoreError for
    anything but damage, a lock for example.
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
    for sql, reason in _checks():
        if connection.execute(sql).fetchone() is not None:
            return reason
    for table, columns in COLUMNS.items():
        # Reading decodes: text that is not UTF-8 is found here.
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
            return f"{table}.{column} has invalid JSON"
    return None


def _checks() -> Iterator[tuple[str, str]]:
    """Statements that find a row if something is wrong, and what that is."""
    for table in COLUMNS:
        yield f"SELECT 1 FROM {table} WHERE {_invalid_value(table)} LIMIT 1", f"{table} has invalid values"
    for table, column, other in _REFERENCES:
        sql = (
            f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL "
            f"AND {column} NOT IN (SELECT id FROM {other}) LIMIT 1"
        )
        yield sql, f"{table} refers to rows of {other} that are missing"
    yield _PARENTS, "spans have parents that are missing"
    yield _DURATIONS, "durations are cut"


def _invalid_value(table: str) -> str:
    """The condition that a row of `table` has a value that does not fit its column."""
    conditions = []
    for column, kinds in COLUMNS[table].items():
        conditions.append(f"typeof({column}) NOT IN ({_listed(_SQL_TYPES[kind] for kind in kinds)})")
        words = [word for word in WORDS.get((table, column), ()) if word]
        if words:
            conditions.append(f"{column} NOT IN ({_listed(words)})")
    return " OR ".join(conditions)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
