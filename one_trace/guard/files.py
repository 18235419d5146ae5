"""Reads files that others may have written: only plain files, and only up to a limit.

A cloned project can contain a FIFO, which blocks whoever opens it, a device, or a sparse file of 300 GB.
Another process can shorten a file while it is read, so nothing here maps one into memory. A refusal is an
`OSError` with the file's name and a plain reason, so that callers treat it like any unreadable file. Imported
before every verb: only `os` and `stat`, which the interpreter has loaded anyway.
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
FLOW_LIMIT = 32 * MIB
STATE_LIMIT = 512 * MIB
"""About the longest string of Node, which writes a state as one."""
LOG_LIMIT = 128 * MIB
"""About half a million lines."""
SEARCH_LIMIT = 128 * MIB
_CHUNK = 256 * KIB
_NEVER_WAIT = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | os.O_CLOEXEC


def open_plain(path: str | PathLike[str]) -> int:
    """A file descriptor for reading the plain file at `path`, or the one it links to. The caller closes it.
    Raises OSError, also for anything but a plain file.
    """
    # Checked first, since opening a device can have effects; and again, since it may have been replaced.
    _check_plain(os.stat(path), path)
    descriptor = os.open(path, _NEVER_WAIT)
    try:
        _check_plain(os.fstat(descriptor), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_plain(path: str | PathLike[str], limit: int) -> bytearray:
    """All bytes of the plain file at `path`. Raises OSError, also if there are more than `limit`."""
    descriptor = open_plain(path)
    try:
        size = os.fstat(descriptor).st_size
        if size > limit:
            raise _too_large(path, limit)
        return _read(descriptor, path, size, limit)
    finally:
        os.close(descriptor)


def read_start(path: str | PathLike[str], limit: int) -> bytes:
    """The first `limit` bytes of the plain file at `path`, or all of a shorter one. Raises OSError."""
    descriptor = open_plain(path)
    try:
        return os.read(descriptor, limit)
    finally:
        os.close(descriptor)


def read_end(path: str | PathLike[str], limit: int) -> bytes:
    """The last `limit` bytes of the plain file at `path`, or all of a shorter one. Raises OSError."""
    descriptor = open_plain(path)
    try:
        os.lseek(descriptor, max(0, os.fstat(descriptor).st_size - limit), os.SEEK_SET)
        return os.read(descriptor, limit)
    finally:
        os.close(descriptor)


def contains(path: str | PathLike[str], texts: Sequence[bytes], limit: int = SEARCH_LIMIT) -> bool:
    """Whether the first `limit` bytes of the plain file at `path` contain one of the texts. Raises
    OSError."""
    overlap = max(map(len, texts)) - 1
    return any(text in piece for piece in pieces(path, overlap, limit) for text in texts)


def pieces(path: str | PathLike[str], overlap: int, limit: int = SEARCH_LIMIT) -> Iterator[bytes]:
    """The first `limit` bytes of the plain file at `path`, in pieces that share `overlap` bytes with the one
    before. Raises OSError. Ends at a NUL: text has none, and a sparse file consists of them.
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
    """The names in a folder; none if it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def newest(folder: str | PathLike[str], limit: int) -> list[str]:
    """Paths of the `limit` plain files in a folder that were written last, the newest first. Their times are
    compared only with each other, since the file system's clock may differ from ours.
    """
    files: list[tuple[int, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    files.append((status.st_mtime_ns, entry.path))
    except OSError:  # the folder or a file was deleted: use what was found so far
        pass
    return [path for _, path in sorted(files, reverse=True)[:limit]]


def is_plain(path: str | PathLike[str]) -> bool:
    """Whether `path` is a plain file or a link to one."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return False


def _read(descriptor: int, path: str | PathLike[str], size: int, limit: int) -> bytearray:
    """Read to the end: the size may have changed since it was asked for."""
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


def _check_plain(status: os.stat_result, path: str | PathLike[str]) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a plain file", os.fspath(path))


def _too_large(path: str | PathLike[str], limit: int) -> OSError:
    size = f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB"
    return OSError(errno.EFBIG, f"is larger than {size}", os.fspath(path))
