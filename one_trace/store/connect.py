"""Opening the store: made whole or not at all, private to the user, and every SQLite error told as
`StoreTrouble`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from one_trace.errors import StoreTrouble
from one_trace.store.migrations import KNOWN, MIGRATIONS

BUSY_MS = 5000
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNWRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
}
_LEDGER = (
    "CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"
)


def connect(path: Path, *, readonly: bool) -> sqlite3.Connection:
    """A connection to the store at `path`, its layout up to date. Raises StoreTrouble.

    A store that is not there is made, or, for a reader, taken to be empty. A reader gets a store of a newer
    one-trace as it is; a writer is refused.
    """
    with troubles(path):
        if not path.exists():
            if readonly:
                return _empty()
            _create(path)
        connection = _open(path, readonly=readonly)
        try:
            _bring_up_to_date(connection, path, readonly=readonly)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def troubles(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into one line about the store, with what to do next."""
    try:
        yield
    except sqlite3.Error as error:
        raise _trouble(path, error) from error
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


def _trouble(path: Path, error: sqlite3.Error) -> StoreTrouble:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in _CORRUPT:
        return StoreTrouble(
            f"the store {path} is damaged ({error})",
            hint=f"Move it away (mv '{path}' '{path}.damaged'); then 'one trace import' fills a new one.",
            code="store-damaged",
        )
    if primary in _BUSY:
        return StoreTrouble(
            f"the store {path} is being written by another process ({error})",
            hint="Try again in a moment.",
            code="store-busy",
        )
    if primary in _UNWRITABLE:
        return _unwritable(path, str(error))
    return StoreTrouble(
        f"the store {path} cannot be used ({error})",
        hint="Is it a store of one-trace? 'one trace doctor' looks at it.",
    )


def _unwritable(path: Path, reason: str) -> StoreTrouble:
    return StoreTrouble(
        f"the store {path} cannot be opened or written ({reason})",
        hint="Make its directory yours and writable, or choose another: one config set traces.data_dir DIR",
        code="store-unwritable",
    )


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _apply(connection, KNOWN)
    return connection


def _create(path: Path) -> None:
    """Make the store beside its place and link it there: no process ever sees it half made, and the first
    wins.
    """
    made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in made:
        folder.chmod(0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            _apply(connection, KNOWN)
        finally:
            connection.close()
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # Another process was quicker; its store is as good as ours.
    finally:
        draft.unlink(missing_ok=True)


def _open(path: Path, *, readonly: bool) -> sqlite3.Connection:
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    if readonly and not writable:
        return _open_frozen(path)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)  # SQLite gives its -wal and -shm the mode of the file itself.
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    # In WAL, NORMAL loses nothing when a process is killed; only a power cut can take the last commits.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _open_frozen(path: Path) -> sqlite3.Connection:
    """A store that we may read and not write, where even the shared memory of WAL cannot be made."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, *, readonly: bool) -> None:
    applied = _applied(connection)
    if not readonly:
        _refuse_newer(applied, path)
    missing = [name for name in KNOWN if name not in applied]
    if not missing:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        applied = _applied(connection)  # Another process may have been here while we waited.
        _apply(connection, [name for name in KNOWN if name not in applied])
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _refuse_newer(applied: set[str], path: Path) -> None:
    newer = sorted(applied.difference(KNOWN))
    if newer:
        raise StoreTrouble(
            f"the store {path} was written by a newer one-trace (it has {', '.join(newer)})",
            hint="Upgrade one-trace (pip install -U one-trace), or set another traces.data_dir.",
            code="store-newer",
        )


def _applied(connection: sqlite3.Connection) -> set[str]:
    """Names of the migrations the store has; none, in an empty database."""
    if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
        return set()
    return {name for (name,) in connection.execute("SELECT name FROM migrations")}


def _apply(connection: sqlite3.Connection, names: list[str] | tuple[str, ...]) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone() is None:
        connection.execute(_LEDGER)
    for name, sql in MIGRATIONS:
        if name in names:
            # Statement by statement: executescript would commit the transaction around it.
            for statement in filter(str.strip, sql.split(";")):
                connection.execute(statement)
            connection.execute("INSERT INTO migrations (name) VALUES (?)", (name,))
