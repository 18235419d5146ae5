"""SIGSTOP of us cannot be caught, and the host is to stop all the same: a process beside us looks after that.

It is a fork of ours that sleeps, looks at our state ten times a second, and stops the host when we have been
stopped. Going on is our own affair: SIGCONT can be caught. Where the host alone goes on, we are woken.
Only where the system tells a process's state.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

LOOK_S = 0.1
_MOST_FILES = 256
"""Descriptors that it lets go of: nobody is to wait for it at the end of a pipe."""


class Follower:
    """Beside us from now until `end`. To be started by the only thread there is, with all signals blocked."""

    def __init__(self, host: int, tie: Callable[[], None]) -> None:
        """`tie`: what a child of ours calls so that it is killed when we are."""
        self._pid = 0
        us = f"/proc/{os.getpid()}/status"
        if not os.path.exists(us):
            return
        with suppress(OSError):  # no process to be had: then the host goes on while we stand still
            self._pid = os.fork()
            if self._pid == 0:
                _follow(us, host, tie)

    def end(self) -> None:
        if self._pid:
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)


def _follow(us: str, host: int, tie: Callable[[], None]) -> NoReturn:
    try:
        tie()
        os.closerange(0, _MOST_FILES)
        ours, its = os.open(us, os.O_RDONLY), os.open(f"/proc/{host}/status", os.O_RDONLY)
        stop = b""
        while True:
            time.sleep(LOOK_S)
            before, stop = stop, _stop_of(ours)
            if stop and stop != before:
                os.kill(host, signal.SIGSTOP)
            elif stop and not _stop_of(its):  # somebody has told it alone to go on
                os.kill(os.getppid(), signal.SIGCONT)
    except OSError:  # we have ended, or the host has
        os._exit(0)
    finally:
        os._exit(1)


def _stop_of(status: int) -> bytes:
    """Which stop it is that a process stands in: how often it had run by then. Nothing if it runs."""
    told = os.pread(status, 8192, 0)
    return told.partition(b"\nvoluntary_ctxt_switches")[2] if b"\nState:\tT (" in told else b""
