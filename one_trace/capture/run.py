"""A traced run: the executor does what it always does, then its record becomes a trace in the store.

Whatever goes wrong with tracing is one line on stderr: exit code, output and side effects are the run's own.
"""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from one_trace.capture import undrawn
from one_trace.capture.call import PARENT, Asked, parent_mark
from one_trace.capture.ended import end, handled, trace_ended
from one_trace.capture.tracking import Tracking
from one_trace.errors import BROKEN
from one_trace.host import supervise
from one_trace.host.argv import is_agent
from one_trace.host.via import TOKEN
from one_trace.settings.sources import Settings

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
        return end(_built_in(argv, settings, asked, agent=agent))
    tracking = Tracking(settings, asked, path) if undrawn.may_be_drawn(agent=agent) else None
    drawing = _drawing(tracking) if tracking is not None else None
    if tracking is None or drawing is None:
        if tracking is not None:
            tracking.done()
        return undrawn.run(path, argv, settings)
    return end(_drawn(path, argv, tracking, drawing))


def _drawn(path: str, argv: list[str], tracking: Tracking, drawing: Drawing) -> int:
    env = dict(os.environ) | {TOKEN: tracking.token, PARENT: parent_mark(tracking.token, tracking.project)}
    try:
        status = supervise.run(path, ["--agent", *argv], env, drawing)
    finally:
        drawing.close()
    drawing.end()
    if drawing.canceled:
        status = 0  # as One CLI, where Ctrl-C in the spinner is not a failure
    trace_ended(tracking, status, agent=False, drawing=drawing)
    return status


def _built_in(argv: list[str], settings: Settings, asked: Asked, *, agent: bool) -> int:
    from one_trace import runner
    from one_trace.capture.plain import output_for

    tracking = Tracking(settings, asked, None)
    tracking.begin(None)
    os.environ[PARENT] = parent_mark(tracking.token, tracking.project)
    os.environ.pop(TOKEN, None)
    drawing = _drawing(tracking) if undrawn.may_be_drawn(agent=agent) else None
    words = ["--agent", *argv] if drawing else argv
    status = 0
    try:
        with handled(_TERMINATING, _terminate), drawing.drawn() if drawing else nullcontext() as output:
            outcome = runner.run(words, output or output_for(argv), run_id=tracking.token, traced=True)
        tracking.files, status = outcome.files, outcome.exit_code << 8
    except Terminated as terminated:
        status = terminated.number
    if drawing is not None:
        drawing.end()
    trace_ended(tracking, status, agent=agent, drawing=drawing)
    return status


def _drawing(tracking: Tracking) -> Drawing | None:
    """The drawing of this run, if it is to be drawn."""
    with suppress(*BROKEN):  # met again, and reported, when the run is traced
        from one_trace.capture import drawn

        asked = drawn.wanted(tracking.asked.parsed, tracking.settings, os.environ)
        return drawn.Drawing(asked, tracking) if asked else None
    return None


class Terminated(BaseException):
    """A signal that would have ended this process in the middle of a run of the built-in runner."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _terminate(number: int, frame: object) -> None:
    """End the run alone: it is still to be traced."""
    raise Terminated(number)
