"""Runs the host beside us so that nobody can tell: signals reach it as ever, and its end becomes ours."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from one_trace.errors import BROKEN
from one_trace.host import spawn
from one_trace.host.follower import Follower

_T = TypeVar("_T")
_STOPS = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_TO_THE_GROUP = _STOPS | {signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH}
"""What a terminal sends to its whole foreground group: the host has it already."""
WATCHED = frozenset(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
"""Every signal that can be taken in place of what it would do to us. Who sends one means the host."""
_SENT_BY_KILL = 0
"""si_code of a signal that a process sent is at most this; those of the kernel have more."""
PATIENCE_S = 2.0
"""How long a host that is to end may take to do so by itself."""


class Watcher:
    """What is to be told while the host runs. This one is told nothing it would care for."""

    output: int | None = None
    """A file descriptor that takes the host's stdout and stderr; none: it has our own."""

    def begin(self, child: int) -> None:
        """The host has been started, and all signals are blocked: now there may be threads."""

    def signalled(self, number: int, *, typed: bool) -> bool:
        """A signal has reached the host and us, from the terminal if `typed`. Whether to end the host now."""
        return False

    def stopping(self) -> None:
        """The host has been stopped (Ctrl-Z), and we are about to be."""

    def going_on(self) -> None:
        """Both of us run again."""


def run(path: str, argv: list[str], env: Mapping[str, str], watcher: Watcher) -> int:
    """Run the host to its end; its wait status. It has our own terminal and, unless `watcher` takes what it
    prints, our own streams: no byte goes through us.

    So a slow reader, or one that closes early, does to the host what it would do without us. Signals are
    blocked meanwhile, and taken one by one; of those that cannot be, SIGKILL is the host's end, too, and
    SIGSTOP stops it after a moment (both on Linux).
    """
    # Whoever started us may have it ignored: then nobody could wait.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        child = spawn.start(path, argv, env, mask=before, output=watcher.output)
        follower = Follower(child, spawn.tie_to_us())
        try:
            _told(lambda: watcher.begin(child), None)
            return _wait(child, watcher)
        finally:
            follower.end()
    finally:
        _forget_pending()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_like(status: int) -> int:
    """The exit code for a wait status; where a signal ended the host, the same one ends us here and now."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the host has left its core; ours would replace it
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code  # a signal whose default is to do nothing


def _wait(child: int, watcher: Watcher) -> int:
    while True:
        number, for_us, typed = _next_signal(child)
        if number == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
            if pid != child:
                continue
            if not os.WIFSTOPPED(status):
                return status
            _stop(child, os.WSTOPSIG(status), watcher)
            continue
        if for_us:
            os.kill(child, number)
        if _told(lambda: watcher.signalled(number, typed=typed), False):  # noqa: B023  called at once
            return _end(child)


def _told(tell: Callable[[], _T], otherwise: _T) -> _T:
    """Tell a watcher something: whatever is wrong with it, the host is waited for."""
    try:
        return tell()
    except BROKEN:  # it is said when the run is traced, where the same thing is met again
        return otherwise


def _end(child: int) -> int:
    """End the host; its wait status."""
    os.kill(child, signal.SIGTERM)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid == child:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _stop(child: int, number: int, watcher: Watcher) -> None:
    """Be stopped as the host is, with a terminal that can be used meanwhile; the host goes on with us."""
    if signal.SIGCONT in signal.sigpending():  # it was stopped because we were, and we go on
        os.kill(child, signal.SIGCONT)
        return
    _told(watcher.stopping, None)
    if number in _STOPS:
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})  # here we stand still
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    else:
        os.kill(os.getpid(), signal.SIGSTOP)  # here
    os.kill(child, signal.SIGCONT)
    _told(watcher.going_on, None)


def _next_signal(child: int) -> tuple[int, bool, bool]:
    """The next signal; whether it was sent to us alone, so that the host does not know of it; and whether it
    was typed."""
    if not hasattr(signal, "sigwaitinfo"):  # macOS: nobody says who sent it
        number = signal.sigwait(WATCHED)
        typed = number in _TO_THE_GROUP
        return number, not typed, typed
    info = signal.sigwaitinfo(WATCHED)
    number = info.si_signo
    if info.si_code <= _SENT_BY_KILL:
        return number, info.si_pid not in (child, os.getpid()), False
    if number == signal.SIGHUP:
        # Of a terminal that has gone the kernel tells the session's leader alone.
        return number, os.getsid(0) == os.getpid(), False
    typed = number in _TO_THE_GROUP
    return number, not typed, typed


def _forget_pending() -> None:
    """What came together with the host's end was meant for it."""
    while signal.sigpending() & WATCHED:
        signal.sigwait(WATCHED)
