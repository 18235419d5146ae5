"""Opening the store: creating it, protecting it from other users, bringing its layout up to date."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from one_trace.errors import StoreError
from one_trace.guard.files import is_plain
from one_trace.guard.private import draft_of, make_folder, sweep_drafts
from one_trace.store.connection import Connection, connected
from one_trace.store.migrations import KNOWN, LAYOUT, NewerLayout, apply, migrate, missing
from one_trace.store.store_errors import damaged, is_full, newer, shown, store_errors

_NO_SHARED_MEMORY = "SQLITE_IOERR_SHM"
_SIDE_FILES = ("-journal", "-wal", "-shm")
"""What SQLite puts beside a database."""


def open_store(path: Path, *, readonly: bool) -> Connection:
    """A connection to the store at `path`. Raises StoreError.

    A store that does not exist is created; a reader sees an empty one instead. If a newer one-trace has
    changed the layout so that this version cannot write it, this version uses a store of its own beside it.
    A reader reads the newer store as long as there is no such store.
    """
    with store_errors(path):
        try:
            return _open(path, readonly=readonly)
        except NewerLayout:
            own = beside(path)
        try:
            if not readonly or own.exists():
                return _open(own, readonly=readonly)
            return _open_newer(path)
        except NewerLayout as error:
            raise newer(path) from error


def exists(path: Path) -> bool:
    """Whether there is anything at `path`, also a link that leads nowhere, to an unmounted disk for example.
    Raises OSError if that cannot be seen.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def beside(path: Path) -> Path:
    """The store that versions with our LAYOUT use if `path` has a newer one: ``traces-0005.db``."""
    return path.with_name(f"{path.stem}-{LAYOUT}{path.suffix}")


def is_newer(path: Path) -> bool:
    """Whether the store at `path` has a layout that this version cannot write. Raises StoreError."""
    with store_errors(path):
        try:
            _open(path, readonly=True).close()
        except NewerLayout:
            return True
    return False


def older_stores(path: Path) -> list[Path]:
    """Stores that versions with older layouts have created beside the one at `path`."""
    prefix, suffix = f"{path.stem}-", path.suffix
    with suppress(OSError):
        return [
            path.with_name(name)
            for name in sorted(os.listdir(path.parent))  # noqa: PTH208  ten times as fast, at each start
            if name.startswith(prefix)
            and name.endswith(suffix)
            and _is_older(name[len(prefix) : -len(suffix)])
        ]
    return []


def _is_older(layout: str) -> bool:
    return len(layout) == len(LAYOUT) and layout.isascii() and layout.isdecimal() and layout < LAYOUT


def _open(path: Path, *, readonly: bool) -> Connection:
    is_new = not exists(path)
    if is_new and readonly:
        return _in_memory(path)
    if not is_new and not is_plain(path):
        raise StoreError(
            f"the store {shown(path)} is not a plain file",
            hint="Move it away, or choose another folder: one config set traces.data_dir DIR",
            fix="one config set traces.data_dir DIR",
            code="store-unwritable",
        )
    sweep_drafts(path)
    if is_new:
        create(path)
    try:
        return _open_file(path, readonly=readonly)
    except StoreError as problem:
        if _lacks_shared_memory(problem) and not is_full(path):
            _leave_wal(path)
            return _open_file(path, readonly=readonly)
        if readonly and problem.code in ("disk-full", "store-unwritable"):
            return _open_unchanged(path)
        raise


def _open_file(path: Path, *, readonly: bool) -> Connection:
    if readonly and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return _open_unchanged(path)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)  # SQLite gives its -wal and -shm the mode of the file itself.
    with _closed_on_error(connected(str(path), path)) as connection:
        # In WAL mode, NORMAL loses nothing when a process is killed, only in a power cut.
        connection.execute("PRAGMA synchronous = NORMAL")
        migrate(connection)
        return connection


def _open_unchanged(path: Path) -> Connection:
    """A store that we may read but not write."""
    if _uses_side_files(path):
        # What the last processes have left in the log: read if SQLite finds its shared memory.
        with suppress(StoreError):
            return _open_for_reading(path, "mode=ro&readonly_shm=1")
    return _open_for_reading(path, "immutable=1")


def _open_for_reading(path: Path, how: str) -> Connection:
    """A connection that changes nothing. A store with an older layout is copied to memory and brought up to
    date there."""
    uri = f"{path.resolve().as_uri()}?{how}"
    with _closed_on_error(connected(uri, path, uri=True)) as connection:
        connection.execute("PRAGMA query_only = ON")
        lacking = missing(connection)
        if not lacking:
            return connection
        copy = connected(":memory:", path)
        connection.copy_to(copy)
    connection.close()
    apply(copy, lacking)
    return copy


def _open_newer(path: Path) -> Connection:
    """A store with a newer layout, read as far as this version understands it."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with _closed_on_error(connected(uri, path, uri=True, newer_layout=True)) as connection:
        connection.execute("PRAGMA query_only = ON")
        return connection


def _in_memory(path: Path) -> Connection:
    connection = connected(":memory:", path)
    apply(connection, KNOWN)
    return connection


@contextmanager
def _closed_on_error(connection: Connection) -> Iterator[Connection]:
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _lacks_shared_memory(problem: StoreError) -> bool:
    return str(getattr(problem.__cause__, "sqlite_errorname", "")).startswith(_NO_SHARED_MEMORY)


def _leave_wal(path: Path) -> None:
    """Switch to a rollback journal: the store was moved to a file system (SMB, NFS) without shared memory. In
    exclusive mode, SQLite reads the log without it.
    """
    connection = connected(str(path), path)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    finally:
        connection.close()


def create(path: Path) -> None:
    """Create the store at `path` as a draft beside it that is published when it is complete. If another
    process is faster, its store is used.

    Raises StoreError, OSError; nothing is left behind then.
    """
    make_folder(path.parent)
    draft = draft_of(path)
    try:
        _build(draft, path)
        _publish(draft, path)
    finally:
        _delete(draft, "", *_SIDE_FILES)


def _build(draft: Path, path: Path) -> None:
    """In WAL mode, or with a rollback journal on a file system without shared memory (SMB, NFS)."""
    try:
        _fill(draft, path, "WAL")
    except StoreError as problem:
        if problem.code == "disk-full":
            raise
        _delete(draft, "", *_SIDE_FILES)
        _fill(draft, path, "DELETE")


def _fill(draft: Path, path: Path, journal: str) -> None:
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = connected(str(draft), path)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # With a rollback journal: a successful commit has put everything into the one file.
        with connection.writing():
            apply(connection, KNOWN)
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
        with connection.writing():
            pass  # The first use of the journal shows whether it works here.
    finally:
        connection.close()
    if verdict != "ok" or draft.stat().st_size != pages * page_size or _uses_side_files(draft):
        raise damaged(path, "the disk did not keep what was written when it was created")


def _uses_side_files(path: Path) -> bool:
    """Whether a part of the database is outside of its file."""
    files = [path.with_name(path.name + suffix) for suffix in _SIDE_FILES]
    return any(file.exists() and file.stat().st_size > 0 for file in files)


def _publish(draft: Path, path: Path) -> None:
    """Move the draft to `path` unless there is a store already. Not every file system has hard links, so
    processes take turns by a lock.
    """
    with _locked(path.parent) as folder:
        if path.exists():
            return
        # Left by a store that was moved away or deleted: SQLite would take them for parts of the new one.
        _delete(path, *_SIDE_FILES)
        draft.rename(path)
        with suppress(OSError):  # not every file system can sync a folder
            os.fsync(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """The descriptor of `folder`, locked."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system without locks: renaming is atomic all the same
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _delete(path: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
