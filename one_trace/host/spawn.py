"""Starts the host as our child: with our streams, terminal and process group, killed when we are."""

from __future__ import annotations

import os
import sys

from one_trace.errors import BROKEN
from one_trace.host import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable, Mapping
else:
    import _signal as signal  # the same functions and numbers without `enum`: the host waits for this

_NOT_STARTED = 127
_PR_SET_PDEATHSIG = 1


def start(
    path: str,
    argv: list[str],
    env: Mapping[str, str],
    mask: Iterable[int] | None = None,
    output: int | None = None,
) -> int:
    """Start the host and return its pid. Raises HostNotFound.

    `mask`: the signals blocked in it (default: ours). `output`: a file descriptor in place of its stdout and
    stderr. Call it from the main thread, before there are others: this forks, and on Linux the host is killed
    when the thread that forked it ends.
    """
    find.check_depth(env)
    tie = tie_to_us()
    failed, report = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _prepare(mask, output, tie)
            find.exec_host(path, argv, env)
        except OSError as error:
            os.write(report, str(error.errno).encode())
        finally:
            os._exit(_NOT_STARTED)
    os.close(report)
    reason = os.read(failed, 32)  # ends when the child has become the host
    os.close(failed)
    if reason:
        os.waitpid(child, 0)
        from one_trace.host.unusable import cannot_start

        number = int(reason)
        raise cannot_start(path, OSError(number, os.strerror(number), path))
    return child


def wait_for(path: str, argv: list[str], env: Mapping[str, str]) -> int:
    """Run the host to its end. Returns its exit code; 128 + N if signal N ended it."""
    code = os.waitstatus_to_exitcode(os.waitpid(start(path, argv, env), 0)[1])
    return code if code >= 0 else 128 - code


def _prepare(mask: Iterable[int] | None, output: int | None, tie: Callable[[], None]) -> None:
    """In the child: the signals and streams that the host is to have."""
    _forget_handlers()
    if output is not None:
        os.dup2(output, 1)
        os.dup2(output, 2)
    tie()
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _forget_handlers() -> None:
    """A signal that arrives before the host runs must end the child; Python's handler would lose it."""
    for number in signal.valid_signals():
        # The host would inherit that Python ignores these two.
        if callable(signal.getsignal(number)) or number in (signal.SIGPIPE, signal.SIGXFSZ):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                continue


def tie_to_us() -> Callable[[], None]:
    """Returns what a child calls so that it is killed when we are: SIGKILL cannot be forwarded."""
    us = os.getpid()
    if sys.platform != "linux":
        return lambda: None
    try:
        # Before the fork: the child should do little. `ctypes` itself takes ten times as long to import.
        import _ctypes

        call = _ctypes.call_cdeclfunction
        prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # this program itself
    except BROKEN:  # a Python without it: then the host outlives us
        return lambda: None

    def die_with_us() -> None:
        call(prctl, (_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0))
        if os.getppid() != us:  # we were killed before the call
            os._exit(_NOT_STARTED)

    return die_with_us
