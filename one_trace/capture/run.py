"""A traced run: the executor does what it always does, then its record becomes a trace in the store.

Whatever goes wrong with tracing is one line on stderr: exit code, output and side effects are the run's own.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType
from typing import TYPE_CHECKING

from one_trace.capture.finish import EndedRun, trace, trace_orphaned
from one_trace.capture.lineage import PARENT, parent_mark
from one_trace.capture.notices import report_error
from one_trace.capture.tracking import Asked, Tracking, leave
from one_trace.errors import BROKEN
from one_trace.host import supervise
from one_trace.host.argv import is_agent
from one_trace.host.supervise import Watcher
from one_trace.host.via import TOKEN
from one_trace.settings.sources import Settings, load

if TYPE_CHECKING:
    from one_trace.capture.drawn import Drawing

_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS)
"""Caused by an instruction, which would be executed again after a handler."""
_HARMLESS = ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGPIPE", "SIGXFSZ", "SIGINFO")
_STOPS = ("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
_OTHERS = {getattr(signal, name) for name in ("SIGKILL", *_HARMLESS, *_STOPS) if hasattr(signal, name)}
_TERMINATING = signal.valid_signals() - _OTHERS - set(_FAULTS)


def run(path: str | None, argv: list[str], settings: Settings) -> int:
    """Run and trace a flow with the host at `path` or the built-in runner (None). Returns the exit code.

    If a signal ended the host, this process ends by the same signal.
    """
    agent, asked = is_agent(argv), Asked(argv)
    if path is None:
        status = _built_in(argv, settings, asked, agent=agent)
    else:
        status = _host(path, argv, settings, asked, agent=agent)
    _discard_closed_streams()
    code = supervise.end_like(status)
    leave(code)
    return code


def _discard_closed_streams() -> None:
    """A closed stdout or stderr must not fail once more at exit: that would change the exit code."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, number)
                os.close(null)


def settings_in_force(*, agent: bool, traced: bool | None) -> Settings:
    """The settings. A problem with them is reported, but never stops the run. `traced`: what --trace and
    --no-trace say.
    """
    settings = load(flags={} if traced is None else {"enabled": traced})
    for problem in settings.problems[:1]:
        report_error(problem, agent=agent)
    return settings


def _host(path: str, argv: list[str], settings: Settings, asked: Asked, *, agent: bool) -> int:
    tracking = Tracking(settings, asked, path)
    env = dict(os.environ) | {TOKEN: tracking.token, PARENT: parent_mark(tracking.token, tracking.project)}
    drawing = None if agent else _drawing(tracking)
    if drawing is None:
        status = supervise.run(path, argv, env, _Undrawn(tracking))
    else:
        try:
            status = supervise.run(path, ["--agent", *argv], env, drawing)
        finally:
            drawing.close()
        drawing.end()
        if drawing.canceled:
            status = 0  # as One CLI, where Ctrl-C in the spinner is not a failure
    _trace(tracking, status, agent=agent, drawing=drawing)
    return status


def _built_in(argv: list[str], settings: Settings, asked: Asked, *, agent: bool) -> int:
    from one_trace import runner
    from one_trace.capture.plain import output_for

    tracking = Tracking(settings, asked, None)
    tracking.begin(None)
    os.environ[PARENT] = parent_mark(tracking.token, tracking.project)
    os.environ.pop(TOKEN, None)
    drawing = None if agent else _drawing(tracking)
    words = ["--agent", *argv] if drawing else argv
    status = 0
    try:
        with _handled(_TERMINATING, _terminate), drawing.drawn() if drawing else nullcontext() as output:
            outcome = runner.run(words, output or output_for(argv), run_id=tracking.token, traced=True)
        tracking.files, status = outcome.files, outcome.exit_code << 8
    except Terminated as terminated:
        status = terminated.number
    if drawing is not None:
        drawing.end()
    _trace(tracking, status, agent=agent, drawing=drawing)
    return status


def _drawing(tracking: Tracking) -> Drawing | None:
    """The drawing of this run, if it is to be drawn."""
    if not (os.isatty(1) and os.isatty(2)):
        return None  # known before anything is imported for it
    with suppress(*BROKEN):  # met again, and reported, when the run is traced
        from one_trace.capture import drawn

        asked = drawn.wanted(tracking.asked.parsed, tracking.settings, os.environ)
        return drawn.Drawing(asked, tracking) if asked else None
    return None


def _trace(tracking: Tracking, status: int, *, agent: bool, drawing: Drawing | None) -> None:
    ended = EndedRun(
        host=tracking.program,
        origin=tracking.origin,
        agent=agent,
        drawn=drawing is not None,
        failed=status != 0,
    )
    reported_id = drawing.reported_id if drawing is not None else None
    # The exit code is known: a signal that would end us ends only the tracing, as Ctrl-C does.
    with _handled((signal.SIGTERM, signal.SIGHUP), signal.default_int_handler):
        if trace(lambda: tracking.find(reported_id, succeeded=status == 0), tracking.settings, ended):
            tracking.done()
            trace_orphaned(tracking.settings, agent=agent)


class Terminated(BaseException):
    """A signal that would have ended this process in the middle of a run of the built-in runner."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _terminate(number: int, frame: object) -> None:
    """End the run alone: it is still to be traced."""
    raise Terminated(number)


@contextmanager
def _handled(numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """While the body runs, `handler` handles those of the signals that would otherwise end this process."""
    before = {number: signal.getsignal(number) for number in numbers}
    ours = [number for number, old in before.items() if old in (signal.SIG_DFL, signal.default_int_handler)]
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


class _Undrawn(Watcher):
    """Watches a run that is not drawn."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    def begin(self, child: int) -> None:
        self._tracking.take_snapshot()
        self._tracking.begin(child)
