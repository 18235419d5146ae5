"""Runs the host beside us so that nobody can tell: signals reach it as ever, and its end becomes ours."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Mapping

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
WATCHED = PASSED_ON | {signal.SIGCHLD}
SENT_BY_KILL = 0
"""si_code of a signal that a process sent; above it stand those of the kernel: Ctrl-C of a terminal, say."""


def run(path: str, argv: list[str], env: Mapping[str, str], *, meanwhile: Callable[[], None]) -> int:
    """Run the host to its end; its wait status. It has our own streams and terminal: no byte goes through us.

    So a slow reader, or one that closes early, does to the host what it would do without us, and SIGKILL
    of us does nothing. The signals of `PASSED_ON` are blocked meanwhile, and taken one by one. `meanwhile` is
    called when the host has been started: a thread that is there before would be one more to get a signal.
    """
    # Whoever started us may have it ignored: then nobody could wait.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        child = host.start(path, argv, env, mask=before)
        meanwhile()
        return _wait(child)
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


def _wait(child: int) -> int:
    while True:
        number, by_hand = _next_signal(child)
        if number == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid == child:
                return status
        elif by_hand:
            os.kill(child, number)


def _next_signal(child: int) -> tuple[int, bool]:
    """The next signal, and whether it was meant for us alone: then the host would not know of it.

    A terminal's signals go to the whole process group, so the host has them already.
    """
    if not hasattr(signal, "sigwaitinfo"):  # macOS: nobody says who sent it
        number = signal.sigwait(WATCHED)
        return number, number not in (signal.SIGINT, signal.SIGQUIT)
    info = signal.sigwaitinfo(WATCHED)
    return info.si_signo, info.si_code <= SENT_BY_KILL and info.si_pid != child


def _forget_pending() -> None:
    """What came together with the host's end was meant for it."""
    while signal.sigpending() & PASSED_ON:
        signal.sigwait(PASSED_ON)
