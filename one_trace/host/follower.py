"""Stops the host when we are stopped by SIGSTOP, which cannot be caught.

A fork of ours sleeps, checks our state ten times a second, and stops the host when we have been stopped.
Continuing the host is up to us, since SIGCONT can be caught. If the host alone is continued, we are woken.
Works only where the system reports a process's state (/proc).
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import NoReturn
else:
    import _signal as signal  # the same functions and numbers without `enum`: the host waits for this

POLL_S = 0.1
_MOST_FILES = 256
"""File descriptors that it closes, so that no reader waits for it at the end of a pipe."""


class Follower:
    """Runs beside us until `end`. Create it in the only thread, with all signals blocked."""

    def __init__(self, host: int, tie: Callable[[], None]) -> None:
        """`tie`: called in the child, so that it is killed when we are."""
        self._pid = 0
        us = f"/proc/{os.getpid()}/status"
        if not os.path.exists(us):
            return
        try:
            self._pid = os.fork()
        except OSError:  # no more processes: then the host runs on while we are stopped
            return
        if self._pid == 0:
            _follow(us, host, tie)

    def end(self) -> None:
        if self._pid:
            try:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
            except OSError:
                return


def _follow(us: str, host: int, tie: Callable[[], None]) -> NoReturn:
    try:
        tie()
        os.closerange(0, _MOST_FILES)
        our_status, host_status = os.open(us, os.O_RDONLY), os.open(f"/proc/{host}/status", os.O_RDONLY)
        stop = b""
        while True:
            time.sleep(POLL_S)
            before, stop = stop, _current_stop(our_status)
            if stop and stop != before:
                os.kill(host, signal.SIGSTOP)
            elif stop and not _current_stop(host_status):  # the host alone was continued
                os.kill(os.getppid(), signal.SIGCONT)
    except OSError:  # we or the host have ended
        os._exit(0)
    finally:
        os._exit(1)


def _current_stop(status: int) -> bytes:
    """Identifies the current stop of a process, by how often it had run before; empty if it is running."""
    text = os.pread(status, 8192, 0)
    return text.partition(b"\nvoluntary_ctxt_switches")[2] if b"\nState:\tT (" in text else b""
