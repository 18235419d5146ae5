"""Errors of SQLite and of the file system, reported as a `StoreError` that says what to do."""

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
"""What SQLite raises over a damaged file: `UnicodeDecodeError` if its own message or a text in the file is
not UTF-8, `MemoryError` if a length in the file is absurd.
"""
_OUR_MISTAKES = (sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""Errors in a statement or a value of ours, not in the file."""
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
    """Report errors of SQLite and of the file system about the store at `path` as StoreError."""
    try:
        yield
    except FAULTS as error:
        raise translated(path, error) from error
    except OSError as error:
        raise unusable(path, error) from error


def translated(path: Path, error: BaseException) -> StoreError:
    """The StoreError for `error`, which is one of FAULTS."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, _OUR_MISTAKES) or code == sqlite3.SQLITE_CONSTRAINT_NOTNULL:
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
        fix=f"{move} && one trace import",
        code="store-damaged",
    )


def newer(path: Path) -> StoreError:
    return StoreError(
        f"the store {shown(path)} was written by a newer one-trace",
        hint="Upgrade one-trace (pip install -U one-trace), or set another traces.data_dir.",
        fix="pip install -U one-trace",
        code="store-newer",
    )


def disk_full(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"the store {shown(path)} cannot be written: the disk is full ({reason})",
        hint=f"Free some space for {shown(path.parent)}.",
        code="disk-full",
    )


def unusable(path: Path, error: BaseException) -> StoreError:
    """The store cannot be opened, read or written: the disk is full, or permissions are missing."""
    number = error.errno if isinstance(error, OSError) else _errno_behind(path, error)
    if number in _NO_SPACE:
        return disk_full(path, os.strerror(number or 0))
    return StoreError(
        f"the store {shown(path)} cannot be opened or written ({_reason(error)})",
        hint="Make its folder yours and writable, or choose another: one config set traces.data_dir DIR",
        fix="one config set traces.data_dir DIR",
        code="store-unwritable",
    )


def is_full(path: Path) -> bool:
    """Whether there is no space left for a file beside `path`."""
    return _errno_of_write(path) in _NO_SPACE


def _errno_behind(path: Path, error: BaseException) -> int | None:
    """The system's error number: SQLite reports a quota and a file size limit as "disk I/O error"."""
    limited = resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
    if limited and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_WRITE:
        return errno.EFBIG
    return _errno_of_write(path)


def _errno_of_write(path: Path) -> int | None:
    """The error number of writing a file beside `path`; None if that works."""
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
    """A path as it may stand in a message: its bytes may be anything."""
    return clean(str(path))


def _quoted(word: str) -> str:
    """One word of a shell command, always in quotes."""
    return "'" + word.replace("'", "'\\''") + "'"


def _reason(error: BaseException) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "a text in it is not UTF-8"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return clean(str(error), 200) or type(error).__name__
