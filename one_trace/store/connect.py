"""Opening the store: private to the user, its layout up to date, and usable wherever that can be helped."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from one_trace.errors import StoreError
from one_trace.guard.files import is_plain
from one_trace.guard.private import sweep_drafts
from one_trace.store.connection import Connection, connected
from one_trace.store.draft import create
from one_trace.store.layout import NewerLayout, apply, bring_up_to_date, missing, newer
from one_trace.store.migrations import KNOWN, LAYOUT
from one_trace.store.store_errors import full, shown, store_errors, translated

_NO_SHARED_MEMORY = "SQLITE_IOERR_SHM"


def connect(path: Path, *, readonly: bool) -> tuple[Connection, Path]:
    """A connection to the store at `path`, and where that store really is. Raises StoreError.

    A store that is not there is made, or, for a reader, taken to be empty. Where a newer one-trace has
    changed the layout so that this copy cannot write it, this copy has a store of its own beside it; as long
    as that is not there, a reader gets the newer one as it is.
    """
    with store_errors(path):
        try:
            return _connect(path, readonly=readonly), path
        except NewerLayout:
            own = beside(path)
        try:
            if not readonly or own.exists():
                return _connect(own, readonly=readonly), own
            return _as_it_is(path), path
        except NewerLayout as error:
            raise newer(path) from error


def there(path: Path) -> bool:
    """Whether anything is at `path`: also a link that leads nowhere now, to a disk that is not mounted, say.
    Raises OSError where that cannot be seen.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def beside(path: Path) -> Path:
    """The store of copies with our layout, where `path` has a newer one: ``traces-0005.db``."""
    return path.with_name(f"{path.stem}-{LAYOUT}{path.suffix}")


def is_newer(path: Path) -> bool:
    """Whether the store at `path` has a layout that this copy cannot write. Raises StoreError."""
    with store_errors(path):
        try:
            _connect(path, readonly=True).close()
        except NewerLayout:
            return True
    return False


def others(path: Path) -> list[Path]:
    """Stores that copies of older layouts have made beside the one at `path`."""
    prefix, suffix = f"{path.stem}-", path.suffix
    with suppress(OSError):
        return [
            path.with_name(name)
            for name in sorted(os.listdir(path.parent))  # noqa: PTH208  ten times as fast, at each start
            if name.startswith(prefix) and name.endswith(suffix) and _older(name[len(prefix) : -len(suffix)])
        ]
    return []


def _older(layout: str) -> bool:
    return len(layout) == len(LAYOUT) and layout.isascii() and layout.isdecimal() and layout < LAYOUT


def _connect(path: Path, *, readonly: bool) -> Connection:
    if not there(path):
        if readonly:
            return _empty(path)
        create(path)
    elif not is_plain(path):
        raise StoreError(
            f"the store {shown(path)} is not a plain file",
            hint="Move it away, or choose another folder: one config set traces.data_dir DIR",
            code="store-unwritable",
        )
    sweep_drafts(path)
    try:
        return _ready(path, readonly=readonly)
    except StoreError as problem:
        if _needs_shared_memory(problem) and not full(path):
            _leave_wal(path)
            return _ready(path, readonly=readonly)
        if readonly and problem.code in ("disk-full", "store-unwritable") and not _in_wal(path):
            return _frozen(path)
        raise


def _ready(path: Path, *, readonly: bool) -> Connection:
    if readonly and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return _frozen(path)
    with _open(path) as connection:
        # In WAL, NORMAL loses nothing when a process is killed; only a power cut can take the last commits.
        connection.execute("PRAGMA synchronous = NORMAL")
        bring_up_to_date(connection, path)
        return connection


def _open(path: Path) -> Connection:
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)  # SQLite gives its -wal and -shm the mode of the file itself.
    return connected(str(path), path)


def _frozen(path: Path) -> Connection:
    """A store that we may read and not write, where even the shared memory of WAL cannot be made. One of an
    older layout is brought up to date in memory.
    """
    with connected(f"{path.resolve().as_uri()}?immutable=1", path, uri=True) as connection:
        connection.execute("PRAGMA query_only = ON")
        lacking = missing(connection, path)
        if not lacking:
            return connection
        copy = connected(":memory:", path)
        connection.copy_to(copy)
    connection.close()
    apply(copy, lacking)
    return copy


def _as_it_is(path: Path) -> Connection:
    """A store of a newer layout, to be read only: what cannot be understood in it is no damage."""

    def translate(path: Path, error: BaseException) -> StoreError:
        problem = translated(path, error)
        return newer(path) if problem.code == "store-damaged" else problem

    uri = f"{path.resolve().as_uri()}?mode=ro"
    with connected(uri, path, uri=True, translate=translate) as connection:
        connection.execute("PRAGMA query_only = ON")
        return connection


def _empty(path: Path) -> Connection:
    connection = connected(":memory:", path)
    apply(connection, KNOWN)
    return connection


def _needs_shared_memory(problem: StoreError) -> bool:
    return str(getattr(problem.__cause__, "sqlite_errorname", "")).startswith(_NO_SHARED_MEMORY)


def _leave_wal(path: Path) -> None:
    """Go over to a rollback journal: the store was brought to a file system (SMB, NFS) that cannot share
    memory. In exclusive mode the log is read without any.
    """
    with connected(str(path), path) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    connection.close()


def _in_wal(path: Path) -> bool:
    """Whether a part of the store stands outside of its file."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0
