"""Runs the host beside us so that nobody can tell: signals reach it as ever, and its end becomes ours."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Mapping

from one_trace import host

PASSED_ON = frozenset(
    {
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGALRM,
    }
)
WATCHED = frozenset(PASSED_ON | {signal.SIGCHLD})
SENT_BY_KILL = 0
"""si_code of a signal that a process sent; above it stand those of the kernel: Ctrl-C of a terminal, say."""
PATIENCE_S = 2.0
"""How long a host that is to end may take to do so by itself."""


class Watcher:
    """What is to be told while the host runs. This one is told nothing it would care for."""

    output: int | None = None
    """A file descriptor that takes the host's stdout and stderr; none: it has our own."""

    def begin(self) -> None:
        """The host has been started, and all signals are blocked: now there may be threads."""

    def signalled(self, number: int, *, typed: bool) -> bool:
        """A signal has reached the host and us, from the terminal if `typed`. Whether to end the host now."""
        return False

    def stopping(self) -> None:
        """Ctrl-Z: both of us are about to be stopped."""

    def going_on(self) -> None:
        """Both of us run again."""


def run(path: str, argv: list[str], env: Mapping[str, str], watcher: Watcher) -> int:
    """Run the host to its end; its wait status. It has our own terminal and, unless `watcher` takes what it
    prints, our own streams: no byte goes through us.

    So a slow reader, or one that closes early, does to the host what it would do without us, and SIGKILL
    of us does nothing. The signals of `PASSED_ON` are blocked meanwhile, and taken one by one.
    """
    # Whoever started us may have it ignored: then nobody could wait.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    watched = WATCHED if watcher.output is None else WATCHED | {signal.SIGTSTP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    try:
        child = host.start(path, argv, env, mask=before, output=watcher.output)
        watcher.begin()
        return _wait(child, watched, watcher)
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


def _wait(child: int, watched: frozenset[signal.Signals], watcher: Watcher) -> int:
    while True:
        number, by_hand, typed = _next_signal(child, watched)
        if number == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid == child:
                return status
            continue
        if by_hand:
            os.kill(child, number)
        if number == signal.SIGTSTP:
            _stop(watcher)
        elif watcher.signalled(number, typed=typed):
            return _end(child)


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


def _stop(watcher: Watcher) -> None:
    """Be stopped as the host is, with a terminal that can be used meanwhile."""
    watcher.stopping()
    os.kill(os.getpid(), signal.SIGTSTP)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})  # here we stand still
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
    watcher.going_on()


def _next_signal(child: int, watched: frozenset[signal.Signals]) -> tuple[int, bool, bool]:
    """The next signal; whether it was meant for us alone: then the host would not know of it; and whether
    it was typed.

    A terminal's signals go to the whole process group, so the host has them already.
    """
    if not hasattr(signal, "sigwaitinfo"):  # macOS: nobody says who sent it
        number = signal.sigwait(watched)
        typed = number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
        return number, not typed, typed
    info = signal.sigwaitinfo(watched)
    typed = info.si_code > SENT_BY_KILL
    return info.si_signo, not typed and info.si_pid != child, typed


def _forget_pending() -> None:
    """What came together with the host's end was meant for it."""
    late = PASSED_ON | {signal.SIGTSTP}
    while signal.sigpending() & late:
        signal.sigwait(late)
