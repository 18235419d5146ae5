"""Checking a store: whether a run can be saved in it, and whether its content is sound.

All of a store is read only if that is asked for, or takes a second at most: otherwise its last runs are.
"""

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
    ("steps", "parent", "steps"),
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
_NO_PARENT = (
    "parent_span_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM spans AS parent "
    "WHERE run = spans.run AND span_id = spans.parent_span_id AND seq < spans.seq)"
)
_NOT_COUNTED = "NOT EXISTS (SELECT 1 FROM step_runs WHERE step = spans.step AND run = spans.run)"
_CUT_DURATIONS = (
    "NOT (length(durations) % 4 = 0 OR (length(durations) % 8 = 1 AND hex(substr(durations, 1, 1)) = '64'))"
)
_SINCE = {
    "runs": "id >= {run}",
    "spans": "run >= {run}",
    "step_runs": "(step, run) IN (SELECT step, run FROM spans WHERE run >= {run})",
    "outbox": "run >= {run}",
    "imports": "run >= {run}",
    "pruned": "id > (SELECT max(id) FROM pruned) - {some}",
}
"""The rows of the last runs, in the tables that grow with every run."""
MOST = 100_000
"""Spans that are read unless everything is asked for; a run counts as ten."""


class Health(Struct):
    """`runs`: how many there are, None if there is no store yet. `checked`: of how many, the last ones, the
    content was read, if not of all. `own`: where this version keeps its runs if the store is a newer
    version's. `left_out`: stores of older versions whose runs could not be moved in.
    """

    runs: int | None
    checked: int | None = None
    own: Path | None = None
    left_out: list[Path] = []


def examine(path: Path, *, whole: bool = False) -> Health:
    """Check the store at `path`, or the last runs in it if it is large and not checked as a `whole`. Raises
    StoreError if a run could not be saved in it, or if what was checked cannot be read.
    """
    with store_errors(path):
        if not exists(path):
            check_place(path)
            return Health(None)
    if is_newer(path):
        own = beside(path)
        health = _examine(own, whole) if own.exists() else Health(None)
        health.own = own
        return health
    health = _examine(path, whole)
    health.left_out = [other for other in older_stores(path) if _may_have_runs(other)]
    return health


def _examine(path: Path, whole: bool) -> Health:
    with Store(path) as store:
        if is_full(path):
            raise disk_full(path, "nothing can be written beside it")
        _write_and_roll_back(store.connection)
        since = None if whole else _last_runs(store.connection)
        reason = damage(store.connection, since)
        if reason is not None:
            raise damaged(path, reason)
        # Read as commands read them: each run must make sense as a whole.
        read = len(store.runs(limit=None if since is None else since.runs))
        return Health(read) if since is None else Health(store.count(), checked=read)


class _Since(Struct):
    """The last `runs` of a store: those whose number is at least `first`."""

    first: int
    runs: int


def _last_runs(connection: Connection) -> _Since | None:
    """The last runs that are to be checked; None if these are all."""
    runs, cost, first = 0, 0, None
    for number, spans in connection.execute("SELECT id, spans FROM runs ORDER BY id DESC"):
        cost += 10 + (spans if isinstance(spans, int) else 0)
        if cost > MOST and first is not None:
            return _Since(first, runs)
        runs, first = runs + 1, int(number)
    return None


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


def damage(connection: Connection, since: _Since | None = None) -> str | None:
    """What is wrong with the content of the store, in a few words; None if nothing is. Raises StoreError for
    anything but damage, a lock for example. `since`: only the last runs are checked.
    """
    try:
        return _damage(connection, since)
    except StoreError as problem:
        if problem.code != "store-damaged":
            raise
        return problem.message.partition(" is damaged (")[2].removesuffix(")") or problem.message


def _damage(connection: Connection, since: _Since | None) -> str | None:
    for pragma in _integrity(since):
        (verdict,) = connection.execute(pragma).fetchone()
        if verdict != "ok":
            return str(verdict).replace("\n", " ")
    for table, condition, reason in _checks():
        if connection.execute(f"{_rows('1', table, since)} AND ({condition}) LIMIT 1").fetchone() is not None:
            return reason
    for table, columns in COLUMNS.items():
        # Reading decodes: text that is not UTF-8 is found here.
        texts = ", ".join(name for name, kinds in columns.items() if str in kinds)
        for _ in connection.execute(_rows(texts, table, since)):
            pass
    return next(filter(None, (_bad_json(connection, since, *column) for column in _JSON)), None)


def _integrity(since: _Since | None) -> Iterator[str]:
    """SQLite's own check of the file, or of the tables that do not grow with every run."""
    if since is None:
        yield "PRAGMA integrity_check(1)"
    else:
        yield from (f"PRAGMA integrity_check({table})" for table in COLUMNS if table not in _SINCE)


def _rows(columns: str, table: str, since: _Since | None) -> str:
    """The statement that reads the rows of a table that are checked."""
    condition = "1" if since is None else _SINCE.get(table, "1")
    return f"SELECT {columns} FROM {table} WHERE {condition.format(run=since and since.first, some=MOST)}"


def _bad_json(
    connection: Connection, since: _Since | None, table: str, column: str, kind: object
) -> str | None:
    decoder = msgspec.json.Decoder(kind)
    for (text,) in connection.execute(
        f"{_rows(f'DISTINCT {column}', table, since)} AND {column} IS NOT NULL"
    ):
        try:
            decoder.decode(text)
        except msgspec.MsgspecError:
            return f"{table}.{column} has invalid JSON"
    return None


def _checks() -> Iterator[tuple[str, str, str]]:
    """Tables, conditions under which a row of them is wrong, and what is wrong then."""
    for table in COLUMNS:
        yield table, _invalid_value(table), f"{table} has invalid values"
    for table, column, other in _REFERENCES:
        missing = f"{column} IS NOT NULL AND {column} NOT IN (SELECT id FROM {other})"
        yield table, missing, f"{table} refers to rows of {other} that are missing"
    yield "spans", _NO_PARENT, "spans have parents that are missing"
    yield "spans", _NOT_COUNTED, "steps have spans that are not counted"
    yield "step_runs", _CUT_DURATIONS, "durations are cut"


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
