"""Writing files that are the user's alone: 0600, whole or not at all, in folders closed to everybody else."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_FOLDER = 0o700
_PARENT = 0o755
"""Folders above ours (`~/.config`) may not be there yet: made as a system makes them, whatever the umask."""
_DRAFT_MARK = ".draft-"
_ABANDONED_S = 3600.0
"""A draft this old has been left by a process that was killed: nobody takes that long to write one."""


def make_folder(path: Path) -> None:
    """Make `path`, a folder of ours: 0700 if it was not there. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):  # by another process, just now
            folder.mkdir(mode=_FOLDER)
            if folder != path:
                # Never wider than 0755, and no wider than the user's umask wants it.
                folder.chmod(_PARENT & ~_umask() | _FOLDER)


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` at one stroke, 0600 from its first byte; a link there stays a link. Raises
    OSError.

    For our own files. A draft beside it that a killed process has left goes.
    """
    target = path.resolve()
    make_folder(target.parent)
    sweep_drafts(target)
    draft = draft_of(target)
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def output(path: Path) -> Iterator[BinaryIO]:
    """A file that the user named, open for writing: a new one is 0600, an old one becomes so. Raises OSError.

    A link is refused, since the project may have brought it; a device and what else stands in `/dev`
    (`/dev/stdout`, the pipe of a shell's `>(...)`) is written as it is. A new file that is not finished goes.
    """
    flags = os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC
    if not path.absolute().is_relative_to("/dev"):
        if path.is_symlink():
            raise OSError(errno.ELOOP, "is a symbolic link, which is not written through", str(path))
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        handle, new = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), True
    except FileExistsError:
        handle, new = os.open(path, flags), False
    try:
        with os.fdopen(handle, "wb") as file:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                os.fchmod(handle, 0o600)
            yield file
    except BaseException:
        if new:
            path.unlink(missing_ok=True)
        raise


def write_output(path: Path, data: bytes) -> None:
    """Write such a file in one go. Raises OSError."""
    with output(path) as file:
        file.write(data)


def draft_of(target: Path) -> Path:
    """A name beside `target` for what becomes it when it is whole."""
    return target.with_name(f".{target.name}{_DRAFT_MARK}{os.getpid()}-{os.urandom(4).hex()}")


def sweep_drafts(target: Path) -> None:
    """Delete the drafts of `target` that killed processes have left, and what SQLite puts beside them."""
    prefix = f".{target.name}{_DRAFT_MARK}"
    try:
        names = [name for name in os.listdir(target.parent) if name.startswith(prefix)]  # noqa: PTH208
    except OSError:
        return
    for name in names:
        left = target.with_name(name)
        with suppress(OSError):
            if not _alive(name.removeprefix(prefix)) or time.time() - left.stat().st_mtime > _ABANDONED_S:
                left.unlink()


def _alive(rest: str) -> bool:
    pid = rest.partition("-")[0]
    if not (pid.isascii() and pid.isdecimal()):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _umask() -> int:
    before = os.umask(0o077)
    os.umask(before)
    return before
