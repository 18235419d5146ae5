"""Starts the host beside us: with our streams, terminal and process group, and tied to our life."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NoReturn

from one_trace.errors import BROKEN
from one_trace.host import find
from one_trace.host.unusable import cannot_start

_NOT_STARTED = 127
_PR_SET_PDEATHSIG = 1


def start(
    path: str,
    argv: list[str],
    env: Mapping[str, str],
    mask: Iterable[int] | None = None,
    output: int | None = None,
) -> int:
    """Start the host; its pid. Raises HostNotFound.

    `mask`: the signals that are blocked in it (default: ours). `output`: a file descriptor that takes what it
    would have written to stdout and stderr. To be called by the main thread, before there is another one:
    this forks, and on Linux the host is killed when the thread that forked it has ended.
    """
    find.check_depth(env)
    tie = tie_to_us()
    failed, report = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_host(path, argv, env, mask, output, tie, report)
    os.close(report)
    reason = os.read(failed, 32)  # ends when the host has taken the child's place
    os.close(failed)
    if reason:
        os.waitpid(child, 0)
        error = int(reason)
        raise cannot_start(path, OSError(error, os.strerror(error), path))
    return child


def wait_for(path: str, argv: list[str], env: Mapping[str, str]) -> int:
    """Run the host to its end. Returns its exit code, 128 + N where signal N ended it."""
    code = os.waitstatus_to_exitcode(os.waitpid(start(path, argv, env), 0)[1])
    return code if code >= 0 else 128 - code


def _be_the_host(
    path: str,
    argv: list[str],
    env: Mapping[str, str],
    mask: Iterable[int] | None,
    output: int | None,
    tie: Callable[[], None],
    report: int,
) -> NoReturn:
    """In the child: take the host's shape. What goes wrong is written to `report` as an error number."""
    try:
        _forget_handlers()
        if output is not None:
            os.dup2(output, 1)
            os.dup2(output, 2)
        tie()
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        find.exec_in_our_place(path, argv, env)
    except OSError as error:
        os.write(report, str(error.errno).encode())
    finally:
        os._exit(_NOT_STARTED)


def _forget_handlers() -> None:
    """A signal that comes before the host is there ends the child; Python's own handler would lose it."""
    for number in signal.valid_signals():
        # What Python itself ignores stays ignored in the host, unless it is made the default here.
        if callable(signal.getsignal(number)) or number in (signal.SIGPIPE, signal.SIGXFSZ):
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)


def tie_to_us() -> Callable[[], None]:
    """What a child of ours calls so that it is killed when we are: SIGKILL cannot be passed on."""
    us = os.getpid()
    if sys.platform != "linux":
        return lambda: None
    try:
        import ctypes  # before the fork: the child does as little as it can

        prctl = ctypes.CDLL(None).prctl
    except BROKEN:  # a Python without it: then the host lives on, as it did without us
        return lambda: None

    def die_with_us() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != us:  # we have been killed before the call
            os._exit(_NOT_STARTED)

    return die_with_us
