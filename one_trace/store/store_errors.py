"""The one translator: what SQLite and the file system say of the store, as a `StoreError`."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from one_trace.errors import StoreError
from one_trace.guard.private import draft_of
from one_trace.guard.text import clean

FAULTS = (sqlite3.Error, UnicodeDecodeError, MemoryError)
"""What SQLite raises over a damaged file: `UnicodeDecodeError` where its own message or a text of the file is
no UTF-8, `MemoryError` where a length in the file is absurd.
"""
_MISTAKES = (sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""Of ours, not the file's: a statement or a value that SQLite does not take."""
_BUSY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_SCHEMA,
    sqlite3.SQLITE_INTERRUPT,
}
_UNWRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PROBE = bytes(64 * 1024)


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say about the store at `path` into a StoreError."""
    try:
        yield
    except FAULTS as error:
        raise translated(path, error) from error
    except OSError as error:
        raise unusable(path, error) from error


def translated(path: Path, error: BaseException) -> StoreError:
    """What an error of SQLite means; `error` is one of FAULTS."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, _MISTAKES) or code == sqlite3.SQLITE_CONSTRAINT_NOTNULL:
        raise error
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in _BUSY:
        return StoreError(
            f"the store {shown(path)} is being written by another process ({_reason(error)})",
            hint="Try again in a moment.",
            code="store-busy",
            passes=True,
        )
    if primary == sqlite3.SQLITE_FULL:
        return disk_full(path, _reason(error))
    if primary in _UNWRITABLE:
        return unusable(path, error)
    return damaged(path, _reason(error))


def damaged(path: Path, reason: str) -> StoreError:
    at = shown(path)
    move = f"mv {_quoted(at)} {_quoted(f'{at}.damaged')}"
    return StoreError(
        f"the store {at} is damaged ({reason})",
        hint=f"Move it away ({move}); then 'one trace import' fills a new one.",
        code="store-damaged",
    )


def disk_full(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"the store {shown(path)} cannot be written: the disk is full ({reason})",
        hint=f"Free some space for {shown(path.parent)}.",
        code="disk-full",
    )


def unusable(path: Path, error: BaseException) -> StoreError:
    """It cannot be opened, read or written: the disk is full, or it is not ours to write."""
    number = error.errno if isinstance(error, OSError) else _errno_behind(path, error)
    if number in _NO_SPACE:
        return disk_full(path, os.strerror(number or 0))
    return StoreError(
        f"the store {shown(path)} cannot be opened or written ({_reason(error)})",
        hint="Make its directory yours and writable, or choose another: one config set traces.data_dir DIR",
        code="store-unwritable",
    )


def full(path: Path) -> bool:
    """Whether the folder of `path` takes no more."""
    return _errno_of_a_write(path) in _NO_SPACE


def _errno_behind(path: Path, error: BaseException) -> int | None:
    """SQLite tells a quota and a limit of a file's size as "disk I/O error", without the system's number."""
    limited = resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
    if limited and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_WRITE:
        return errno.EFBIG
    return _errno_of_a_write(path)


def _errno_of_a_write(path: Path) -> int | None:
    """What the system says when something is written beside `path`; None if that works."""
    draft = draft_of(path)
    try:
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return error.errno
    try:
        left = len(_PROBE)
        while left:
            left -= os.write(handle, _PROBE[:left])
        os.fsync(handle)
    except OSError as error:
        return error.errno
    finally:
        os.close(handle)
        draft.unlink(missing_ok=True)
    return None


def shown(path: Path) -> str:
    """A path as a message may have it: its bytes may be anything."""
    return clean(str(path))


def _quoted(word: str) -> str:
    """One word of a shell's command, always in quotes."""
    return "'" + word.replace("'", "'\\''") + "'"


def _reason(error: BaseException) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "a text in it is not UTF-8"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return clean(str(error), 200) or type(error).__name__
