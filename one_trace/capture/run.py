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
    from one_trace.runner.command_line import Parsed

_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS)
"""Caused by an instruction, which would be executed again after a handler."""
_HARMLESS = ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGPIPE", "SIGXFSZ", "SIGINFO")
_STOPS = ("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
_OTHERS = {getattr(signal, name) for name in ("SIGKILL", *_HARMLESS, *_STOPS) if hasattr(signal, name)}
_TERMINATING = signal.valid_signals() - _OTHERS - set(_FAULTS)


def run(path: str | None, argv: list[str], settings: Settings, tags: list[str]) -> int:
    """Run and trace a flow with the host at `path` or the built-in runner (None); `tags` are the values of
    --trace-tag. Returns the exit code.

    If a signal ended the host, this process ends by the same signal.
    """
    agent, asked = is_agent(argv), Asked(argv, tags)
    if path is None:
        return end(_built_in(argv, settings, asked, agent=agent))
    parsed = _drawn_call(asked, settings, agent=agent)
    if parsed is not None:
        tracking = Tracking(settings, asked, path)
        drawing = _drawing(parsed, tracking)
        if drawing is not None:
            return end(_drawn(path, argv, tracking, drawing))
        tracking.done()
    return undrawn.run(path, argv, settings, tags=tags)


def _drawn(path: str, argv: list[str], tracking: Tracking, drawing: Drawing) -> int:
    env = dict(os.environ) | {TOKEN: tracking.token, PARENT: parent_mark(tracking.token, tracking.project)}
    try:
        status = supervise.run(path, ["--agent", *argv], env, drawing)
    finally:
        drawing.close()
    drawing.end()
    canceled = drawing.canceled
    if canceled:
        status = 0  # as One CLI, where Ctrl-C in the spinner is not a failure
    signalled = signal.SIGINT if canceled else drawing.received
    trace_ended(tracking, status, agent=False, drawing=drawing, signalled=signalled)
    return status


def _built_in(argv: list[str], settings: Settings, asked: Asked, *, agent: bool) -> int:
    from one_trace import runner
    from one_trace.capture.plain import output_for

    tracking = Tracking(settings, asked, None)
    tracking.begin(None)
    os.environ[PARENT] = parent_mark(tracking.token, tracking.project)
    os.environ.pop(TOKEN, None)
    parsed = _drawn_call(asked, settings, agent=agent)
    drawing = _drawing(parsed, tracking) if parsed is not None else None
    words = ["--agent", *argv] if drawing else argv
    status, signalled = 0, None
    try:
        with handled(_TERMINATING, _terminate), drawing.drawn() if drawing else nullcontext() as output:
            outcome = runner.run(words, output or output_for(argv), run_id=tracking.token, traced=True)
        tracking.files, status = outcome.files, outcome.exit_code << 8
        signalled = signal.SIGINT if outcome.interrupted else None
    except Terminated as terminated:
        status = terminated.number
    if drawing is not None:
        drawing.end()
    trace_ended(tracking, status, agent=agent, drawing=drawing, signalled=signalled)
    return status


def _drawn_call(asked: Asked, settings: Settings, *, agent: bool) -> Parsed | None:
    """The arguments of a call whose run is to be drawn."""
    if not undrawn.may_be_drawn(agent=agent):
        return None
    with suppress(*BROKEN):  # met again, and reported, when the run is traced
        from one_trace.capture import drawn

        return drawn.wanted(asked.parsed, settings, os.environ)
    return None


def _drawing(parsed: Parsed, tracking: Tracking) -> Drawing | None:
    """The drawing of this run, if it can be drawn."""
    with suppress(*BROKEN):
        from one_trace.capture import drawn

        return drawn.Drawing(parsed, tracking)
    return None


class Terminated(BaseException):
    """A signal that would have ended this process in the middle of a run of the built-in runner."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _terminate(number: int, frame: object) -> None:
    """End the run alone: it is still to be traced."""
    raise Terminated(number)
