"""What an executor prints while its run is drawn, in a file that can neither block nor break it."""

from __future__ import annotations

import fcntl
import os
import tempfile

_PATIENCE = 3
"""Reads after which an unfinished line is returned: a prompt has no line end."""
_EVENT = b'{"event":"'


class Spool:
    """An unnamed file that the executor writes to (`fd`) and that we follow.

    A pipe would break if we were killed, and a failing executor drops what a full pipe has not accepted.
    The file does neither, and it is gone when its last user ends.
    """

    def __init__(self) -> None:
        self.fd = _unnamed_file()
        # A step that reopens /dev/stdout (`echo > /dev/stderr`) must append, too.
        fcntl.fcntl(self.fd, fcntl.F_SETFL, fcntl.fcntl(self.fd, fcntl.F_GETFL) | os.O_APPEND)
        self._at = 0
        self._rest = b""
        self._reads = 0

    def close(self) -> None:
        os.close(self.fd)

    def lines(self, *, last: bool = False) -> list[bytes]:
        """The lines since the last call, without line ends. `last`: an unfinished line, too."""
        data = self._new()
        lines: list[bytes] = []
        if data:
            *lines, self._rest = (self._rest + data).split(b"\n") if b"\n" in data else [self._rest + data]
            self._reads = 0
        self._reads += 1
        waiting = self._reads <= _PATIENCE or self._rest.startswith(_EVENT)
        if self._rest and (last or not waiting):
            lines.append(self._rest)
            self._rest = b""
        return lines

    def _new(self) -> bytes:
        size = os.fstat(self.fd).st_size
        if size < self._at:  # a step has truncated it
            self._at = 0
        data = bytearray()
        while self._at < size:
            part = os.pread(self.fd, size - self._at, self._at)
            if not part:
                break
            self._at += len(part)
            data += part
        return bytes(data)


def _unnamed_file() -> int:
    """In memory if the system supports that, so that a full disk does not matter."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("one-trace")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
