"""Writes private files: mode 0600, whole or not at all, in folders that only the user can read."""

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
"""Folders above ours (`~/.config`) are created with the usual mode."""
_DRAFT_MARK = ".draft-"
_DRAFT = re.compile(r"(?:draft-)?(?P<pid>[0-9]{1,20})(?:-[0-9a-f]+)?(?:-wal|-shm|-journal)?", re.ASCII)
"""The part after the target's name. Drafts of 0.1.0 had no mark; an editor's `.swp` does not match."""
_NEVER_FOLLOW = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Neither follow a link nor wait for the reader of a pipe."""
_ABANDONED_S = 3600.0
"""A draft this old was left by a killed process: none takes that long to write."""


def make_folder(path: Path, mode: int = _FOLDER) -> None:
    """Create the folder `path` (0700 by default) and those above it, if missing. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):  # created by another process meanwhile
            folder.mkdir(mode if folder == path else _PARENT)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is not a folder", str(path))


def write_whole(path: Path, data: bytes) -> None:
    """Write one of our own files atomically, 0600 from its first byte; a link stays a link. Raises OSError,
    also if something other than a plain file is there. Drafts left by killed processes are deleted.
    """
    target = _resolve(path)
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


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError as error:  # until Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error


@contextmanager
def output(path: Path) -> Iterator[BinaryIO]:
    """A file named by the user, open for writing, with mode 0600. Raises OSError.

    A link is refused, since it may have come with the project; anything in `/dev` (`/dev/stdout`, the pipe of
    a shell's `>(...)`) is written to. A new file that is not finished is deleted.
    """
    flags = os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC
    if not path.absolute().is_relative_to("/dev"):
        if path.is_symlink():
            raise OSError(errno.ELOOP, "is a symbolic link: refusing to write through it", str(path))
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


def append(path: Path, data: bytes, limit: int) -> None:
    """Append to a file that another program has created for it, whose mode stays (0600 if it is missing).
    Raises OSError, also for anything but a plain file, for a link, and if it would have more than `limit`
    bytes then.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is not a plain file", str(path))
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NEVER_FOLLOW, 0o600)
    with os.fdopen(handle, "ab") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a plain file", str(path))
        if status.st_size + len(data) > limit:
            raise OSError(errno.EFBIG, f"would be larger than {limit:,} bytes", str(path))
        file.write(data)


def writable_by_others(folder: Path) -> Iterator[Path]:
    """`folder`, one of ours, if others can write to it, and each folder above it in which others can replace
    the one below. Raises OSError.
    """
    if folder.stat().st_mode & 0o022:
        yield folder
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if mode & 0o002 and not mode & stat.S_ISVTX:  # in a sticky folder (/tmp) each replaces only their own
            yield parent


def draft_of(target: Path) -> Path:
    """The path beside `target` for a file that replaces it when it is whole."""
    return target.with_name(f".{target.name}{_DRAFT_MARK}{os.getpid()}-{os.urandom(4).hex()}")


def sweep_drafts(target: Path) -> None:
    """Delete drafts of `target` left by killed processes, and SQLite's files beside them."""
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
