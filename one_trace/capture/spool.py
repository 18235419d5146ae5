"""What an executor prints while its run is drawn, kept where nobody can block, cut or close it."""

from __future__ import annotations

import fcntl
import os
import tempfile

_PATIENCE = 3
"""Looks after which the beginning of a line counts as a line: a prompt has no end."""
_EVENT = b'{"event":"'


class Spool:
    """A file without a name that an executor writes (`fd`) and that we read along.

    A pipe would break under it if we were killed, and an executor that fails drops what a full pipe has not
    taken; a file does neither, and it is gone when the last of us ends.
    """

    def __init__(self) -> None:
        self.fd = _nameless()
        # Whoever opens /dev/stdout anew (`echo > /dev/stderr` in a step) writes behind us, too.
        fcntl.fcntl(self.fd, fcntl.F_SETFL, fcntl.fcntl(self.fd, fcntl.F_GETFL) | os.O_APPEND)
        self._at = 0
        self._rest = b""
        self._looks = 0

    def close(self) -> None:
        os.close(self.fd)

    def lines(self, *, last: bool = False) -> list[bytes]:
        """The lines since the last look, without their ends. `last`: also the one that has none."""
        data = self._new()
        if not data:
            return self._given_up(last)
        *lines, self._rest = (self._rest + data).split(b"\n") if b"\n" in data else [self._rest + data]
        self._looks = 0
        return lines + self._given_up(last)

    def _new(self) -> bytes:
        size = os.fstat(self.fd).st_size
        if size < self._at:  # somebody has cut it
            self._at = 0
        parts = []
        while self._at < size:
            part = os.pread(self.fd, size - self._at, self._at)
            if not part:
                break
            self._at += len(part)
            parts.append(part)
        return b"".join(parts)

    def _given_up(self, last: bool) -> list[bytes]:
        """The line that has no end yet, where none is to be expected."""
        self._looks += 1
        if not self._rest or not (last or (self._looks > _PATIENCE and not self._rest.startswith(_EVENT))):
            return []
        line, self._rest = self._rest, b""
        return [line]


def _nameless() -> int:
    """In memory where the system can: a full disk is nothing to a run."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("one-trace")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
