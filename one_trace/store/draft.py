"""Making the store: in a draft beside its place, which is put there when it is whole. The first wins."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from one_trace.errors import StoreError
from one_trace.guard.private import draft_of, make_folder, sweep_drafts
from one_trace.store.connection import connected
from one_trace.store.layout import apply
from one_trace.store.migrations import KNOWN
from one_trace.store.store_errors import damaged

_BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite puts beside a database."""


def create(path: Path) -> None:
    """Make the store at `path`, unless another process is quicker: its store is as good as ours.

    Raises StoreError, OSError; then nothing is there, nor left behind.
    """
    make_folder(path.parent)
    sweep_drafts(path)
    draft = draft_of(path)
    try:
        _build(draft, path)
        _publish(draft, path)
    finally:
        _delete(draft, "", *_BESIDE)


def _build(draft: Path, path: Path) -> None:
    """WAL where the file system can share memory (SMB and NFS cannot), else a rollback journal."""
    try:
        _fill(draft, path, "WAL")
    except StoreError as problem:
        if problem.code == "disk-full":
            raise
        _delete(draft, "", *_BESIDE)
        _fill(draft, path, "DELETE")


def _fill(draft: Path, path: Path, journal: str) -> None:
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = connected(str(draft), path)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # With a rollback journal: a commit that succeeds has put everything into the one file.
        with connection.writing():
            apply(connection, KNOWN)
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
        with connection.writing():
            pass  # The first use of the journal: what it lacks shows here.
    finally:
        connection.close()
    if verdict != "ok" or draft.stat().st_size != pages * size or _left_over(draft):
        raise damaged(path, "the disk did not keep what was written when it was made")


def _left_over(draft: Path) -> bool:
    """Whether something of the database is outside of its file."""
    files = [draft.with_name(draft.name + suffix) for suffix in _BESIDE]
    return any(file.exists() and file.stat().st_size > 0 for file in files)


def _publish(draft: Path, path: Path) -> None:
    """Put the draft in its place, if there is nothing yet. Hard links are not to be had everywhere, so
    processes take turns.
    """
    with _turn(path.parent) as folder:
        if path.exists():
            return
        # Of a store that was moved away or deleted: SQLite would take them for the new one's.
        _delete(path, *_BESIDE)
        draft.rename(path)
        with suppress(OSError):  # not every file system knows folders as something to be written down
            os.fsync(folder)


@contextmanager
def _turn(folder: Path) -> Iterator[int]:
    """The only process in `folder` that publishes; its descriptor."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # no locks here: the name is still taken at one stroke
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _delete(path: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
