"""Runs the host as our child: signals reach it as if we were not there, and we end as it ends."""

from __future__ import annotations

import os
import time

from one_trace.errors import BROKEN
from one_trace.host import spawn
from one_trace.host.follower import Follower

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    _T = TypeVar("_T")
else:
    import _signal as signal  # the same functions and numbers without `enum`: the host waits for this

_STOPS = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_TO_THE_GROUP = _STOPS | {signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH}
"""A terminal sends these to its whole foreground group: the host has them already."""
ENDING = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP})
"""Signals that ask a program to end."""
WATCHED = frozenset(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
"""Every signal that can be blocked. They are meant for the host."""
_SENT_BY_KILL = 0
"""`si_code` of a signal sent by a process is at most this; signals of the kernel have a greater one."""
PATIENCE_S = 2.0
"""How long a host that was sent SIGTERM may take to end."""


class Watcher:
    """Observes a running host. Subclasses override what they need."""

    output: int | None = None
    """A file descriptor for the host's stdout and stderr; None: it gets ours."""

    def begin(self, child: int) -> None:
        """The host has started and all signals are blocked: threads may be started now."""

    def signalled(self, number: int, *, typed: bool) -> bool:
        """A signal has reached the host and us, from the terminal if `typed`. Return whether to end the
        host."""
        return False

    def stopping(self) -> None:
        """The host has been stopped (Ctrl-Z), and we are about to stop."""

    def continued(self) -> None:
        """The host and we are running again."""


def run(path: str, argv: list[str], env: Mapping[str, str], watcher: Watcher) -> int:
    """Run the host to its end and return its wait status. It has our terminal and, unless `watcher` takes its
    output, our streams: no byte passes through us, so that a reader that is slow or closes early affects the
    host as it would without us.

    Signals are blocked meanwhile and handled one by one. Of the two that cannot be, SIGKILL ends the host
    too, and SIGSTOP stops it after a moment (both on Linux).
    """
    # If our parent had it ignored, we could not wait for the host.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        child = spawn.start(path, argv, env, mask=before, output=watcher.output)
        follower = Follower(child, spawn.tie_to_us())
        try:
            _notify(lambda: watcher.begin(child), None)
            return _wait(child, watcher)
        finally:
            follower.end()
    finally:
        _forget_pending()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_like(status: int) -> int:
    """The exit code for a wait status. If a signal ended the host, the same signal ends us here."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the host has dumped its core, ours would overwrite it
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code  # a signal that is ignored by default


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
        if _notify(lambda: watcher.signalled(number, typed=typed), False):  # noqa: B023  called at once
            return _end(child)


def _notify(call: Callable[[], _T], default: _T) -> _T:
    """Call a watcher. If that fails, the host is still waited for."""
    try:
        return call()
    except BROKEN:  # reported when the run is traced, where the same failure occurs again
        return default


def _end(child: int) -> int:
    """End the host and return its wait status."""
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
    """Stop as the host did, with a usable terminal; continue the host when we are continued."""
    if signal.SIGCONT in signal.sigpending():  # it was stopped because we were, and we are running again
        os.kill(child, signal.SIGCONT)
        return
    _notify(watcher.stopping, None)
    if number in _STOPS:
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})  # we stop here
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    else:
        os.kill(os.getpid(), signal.SIGSTOP)  # here
    os.kill(child, signal.SIGCONT)
    _notify(watcher.continued, None)


def _next_signal(child: int) -> tuple[int, bool, bool]:
    """The next signal; whether it was sent to us alone, so that it has to be forwarded to the host; and
    whether it was typed."""
    if not hasattr(signal, "sigwaitinfo"):  # macOS does not report the sender
        number = signal.sigwait(WATCHED)
        typed = number in _TO_THE_GROUP
        return number, not typed, typed
    info = signal.sigwaitinfo(WATCHED)
    number = info.si_signo
    if info.si_code <= _SENT_BY_KILL:
        return number, info.si_pid not in (child, os.getpid()), False
    if number == signal.SIGHUP:
        # When a terminal closes, the kernel signals only the session's leader.
        return number, os.getsid(0) == os.getpid(), False
    typed = number in _TO_THE_GROUP
    return number, not typed, typed


def _forget_pending() -> None:
    """Signals that arrived together with the host's end were meant for it."""
    while signal.sigpending() & WATCHED:
        signal.sigwait(WATCHED)
