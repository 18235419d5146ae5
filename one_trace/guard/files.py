"""Reading a file that somebody else may have written: only a plain file, and only so much of it.

A cloned project can hold a FIFO, which blocks whoever opens it, a device, or a sparse file of 300 GB; another
process can shorten a file while it is read, so nothing here maps one into memory. What is refused is an
`OSError` with the file's name and one plain reason, so that callers treat it like any file that cannot be
read. Imported before every verb: only `os` and `stat`, which the interpreter has loaded anyway.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

KIB = 1024
MIB = 1024 * 1024
SETTINGS_LIMIT = 64 * KIB
"""Bytes of a settings file (TOML) that are read."""
FLOW_LIMIT = 32 * MIB
"""Bytes of a flow file that are read."""
STATE_LIMIT = 512 * MIB
"""Bytes of a state file that are read: about the longest string of Node, which writes it as one."""
LOG_LIMIT = 128 * MIB
"""Bytes of a log that are read: about half a million lines."""
LOOK_LIMIT = 128 * MIB
"""Bytes of a file that are looked through for a word."""
_CHUNK = 256 * KIB
_NEVER_WAIT = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | os.O_CLOEXEC


def open_plain(path: str | PathLike[str]) -> int:
    """A descriptor of the plain file at `path`, for reading. The caller closes it.

    Raises OSError, also where `path` is anything else than a plain file or a link to one: its reason is then
    "not a plain file".
    """
    # Asked first, since opening a device can do something to it; and again, since it may be another by now.
    _check_plain(os.stat(path), path)
    descriptor = os.open(path, _NEVER_WAIT)
    try:
        _check_plain(os.fstat(descriptor), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_plain(path: str | PathLike[str], limit: int) -> bytearray:
    """All bytes of the plain file at `path`, `limit` at most.

    Raises OSError; where there are more bytes than that, its reason is "larger than ...".
    """
    descriptor = open_plain(path)
    try:
        size = os.fstat(descriptor).st_size
        if size > limit:
            raise _too_large(path, limit)
        return _read(descriptor, path, size, limit)
    finally:
        os.close(descriptor)


def read_start(path: str | PathLike[str], most: int) -> bytes:
    """The first `most` bytes of the plain file at `path`, or all of a shorter one. Raises OSError."""
    descriptor = open_plain(path)
    try:
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def holds(path: str | PathLike[str], words: Sequence[bytes], limit: int = LOOK_LIMIT) -> bool:
    """Whether one of the words stands in the first `limit` bytes of the plain file at `path`. Raises
    OSError.
    """
    overlap = max(map(len, words)) - 1
    return any(word in piece for piece in pieces(path, overlap, limit) for word in words)


def pieces(path: str | PathLike[str], overlap: int, limit: int = LOOK_LIMIT) -> Iterator[bytes]:
    """The first `limit` bytes of the plain file at `path`, in pieces that share `overlap` bytes with the one
    before, since another process may shorten or rewrite the file meanwhile. Raises OSError.

    A NUL ends it: no text has one, a sparse file is made of them.
    """
    descriptor = open_plain(path)
    try:
        seen, rest = 0, b""
        while seen < limit and (chunk := os.read(descriptor, min(_CHUNK, limit - seen))):
            seen += len(chunk)
            piece = rest + chunk
            yield piece
            if b"\0" in chunk:
                return
            rest = piece[-overlap:] if overlap else b""
    finally:
        os.close(descriptor)


def names(folder: str | PathLike[str]) -> list[str]:
    """Names of what is in a folder; none, where it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def newest(folder: str | PathLike[str], most: int) -> list[str]:
    """Paths of the `most` plain files of a folder that were written last, the newest first.

    Their times are compared with each other alone: the clock of a file system may be another than ours.
    """
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                told = entry.stat()
                if stat.S_ISREG(told.st_mode):
                    found.append((told.st_mtime_ns, entry.path))
    except OSError:  # gone, or one of its files is: what was found so far is what there is
        pass
    return [path for _, path in sorted(found, reverse=True)[:most]]


def is_plain(path: str | PathLike[str]) -> bool:
    """Whether there is a plain file at `path`, or a link to one."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False


def _read(descriptor: int, path: str | PathLike[str], size: int, limit: int) -> bytearray:
    """Read to the end, whatever the size was a moment ago: others write and shorten files meanwhile."""
    data = bytearray(size + 1)
    filled = 0
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        while count := file.readinto(memoryview(data)[filled:]):
            filled += count
            if filled > limit:
                raise _too_large(path, limit)
            if filled == len(data):
                data.extend(bytes(min(max(filled, 64 * KIB), limit + 1 - filled)))
    del data[filled:]
    return data


def _check_plain(found: os.stat_result, path: str | PathLike[str]) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", os.fspath(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is not a plain file", os.fspath(path))


def _too_large(path: str | PathLike[str], limit: int) -> OSError:
    size = f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB"
    return OSError(errno.EFBIG, f"is larger than {size}", os.fspath(path))
