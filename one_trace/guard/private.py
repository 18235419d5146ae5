"""Writing files that are the user's alone: 0600, whole or not at all, in folders closed to everybody else."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_FOLDER = 0o700
_PARENT = 0o755
"""Folders above ours (`~/.config`) may not be there yet: made as a system makes them, and no wider."""
_DRAFT_MARK = ".draft-"
_DRAFT = re.compile(r"(?:draft-)?(?P<pid>[0-9]{1,20})(?:-[0-9a-f]+)?(?:-wal|-shm|-journal)?", re.ASCII)
"""What stands behind the target's name. 0.1.0 had no mark; an editor's `.swp` is none of ours."""
_ABANDONED_S = 3600.0
"""A draft this old has been left by a process that was killed: nobody takes that long to write one."""


def make_folder(path: Path, mode: int = _FOLDER) -> None:
    """Make `path` if it is not there: a folder of ours is 0700, and no umask makes one wider than `mode`.
    Raises OSError.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):  # by another process, just now
            folder.mkdir(mode if folder == path else _PARENT)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is not a folder", str(path))


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` at one stroke, 0600 from its first byte; a link there stays a link. Raises
    OSError, also where something else than a plain file is there.

    For our own files. A draft beside it that a killed process has left goes.
    """
    target = _real(path)
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "is not a plain file", str(target))
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


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError as error:  # until Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error


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


def writable_by_others(folder: Path) -> Iterator[Path]:
    """`folder`, a folder of ours, if anybody else can put files into it, and each folder above it in which
    anybody can replace the one below. Raises OSError.
    """
    if folder.stat().st_mode & 0o022:
        yield folder
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if (
            mode & 0o002 and not mode & stat.S_ISVTX
        ):  # a sticky one (/tmp) lets others replace their own alone
            yield parent


def draft_of(target: Path) -> Path:
    """A name beside `target` for what becomes it when it is whole."""
    return target.with_name(f".{target.name}{_DRAFT_MARK}{os.getpid()}-{os.urandom(4).hex()}")


def sweep_drafts(target: Path) -> None:
    """Delete the drafts of `target` that killed processes have left, and what SQLite puts beside them."""
    try:
        names = os.listdir(target.parent)  # noqa: PTH208
    except OSError:
        return
    prefix = f".{target.name}."
    for name in names:
        draft = _DRAFT.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if draft is None:
            continue
        left = target.with_name(name)
        with suppress(OSError):
            if not _alive(int(draft["pid"])) or time.time() - left.stat().st_mtime > _ABANDONED_S:
                left.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
