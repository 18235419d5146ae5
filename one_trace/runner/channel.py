"""Messages to and from the worker: lines of JSON, which raw bytes may follow."""

from __future__ import annotations

import json
import os
import select
from typing import Any

from one_trace.runner.failures import WorkerBroken
from one_trace.runner.node import Process

_CHUNK = 1 << 16
"""Of a larger buffer, each read would ask the kernel for memory and give it back."""


class Channel:
    """The pipes to a process. Raises WorkerGone once it has ended."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._unread = bytearray()

    def send(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self.process.requests, left) :]
        except BrokenPipeError:
            raise self.process.death() from None

    def message(self) -> dict[str, Any]:
        """Wait for the next message. Raises WorkerBroken if it reports a defect of ours."""
        at = self._unread.find(b"\n")
        while at < 0:
            searched = len(self._unread)
            self._read()
            at = self._unread.find(b"\n", searched)
        message: dict[str, Any] = json.loads(self._unread[:at].decode())
        del self._unread[: at + 1]
        if message.get("id") == 0:
            raise WorkerBroken(message["err"]["message"])
        return message

    def data(self, size: int) -> bytearray:
        """The raw bytes that follow a message."""
        data = bytearray(self._unread[:size])
        del self._unread[:size]
        at = len(data)
        data.extend(bytes(size - at))
        with memoryview(data) as view:
            while at < size:
                read = os.readv(self.process.answers, [view[at:]])
                if not read:
                    raise self.process.death()
                at += read
        return data

    def readable(self, timeout_ms: float | None) -> bool:
        """Wait for a message to arrive; False if none did in time."""
        if self._unread.find(b"\n") >= 0:
            return True
        poll = select.poll()
        poll.register(self.process.answers, select.POLLIN)
        return bool(poll.poll(timeout_ms))

    def _read(self) -> None:
        data = os.read(self.process.answers, _CHUNK)
        if not data:
            raise self.process.death()
        self._unread += data
