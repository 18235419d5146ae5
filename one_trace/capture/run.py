"""A traced run: the executor does what it would do anyway; then its record becomes a trace in the store.

Whatever goes wrong with tracing is one line on stderr: exit code, output and side effects are the run's own.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from one_trace.capture.finish import EndedRun, trace, trace_left
from one_trace.capture.lineage import PARENT, parent_mark
from one_trace.capture.notices import report_error
from one_trace.capture.tracking import Asked, Tracking
from one_trace.errors import BROKEN
from one_trace.host import supervise
from one_trace.host.argv import is_agent
from one_trace.host.supervise import Watcher
from one_trace.host.via import TOKEN
from one_trace.settings.sources import Settings, load

if TYPE_CHECKING:
    from one_trace.capture.drawn import BuiltInDrawing, Drawing

_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS)
"""To go on after one of these is to meet it again."""
_HARMLESS = ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGPIPE", "SIGXFSZ", "SIGINFO")
_STOPS = ("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
_OTHERS = {getattr(signal, name) for name in ("SIGKILL", *_HARMLESS, *_STOPS) if hasattr(signal, name)}
_ENDING = signal.valid_signals() - _OTHERS - set(_FAULTS)


def run(path: str | None, argv: list[str], settings: Settings) -> int:
    """Run and trace what argv asks for, by the host at `path` or the built-in runner (None). The exit code.

    Where a signal ended the host, the same signal ends this process and nothing is returned.
    """
    agent, asked = is_agent(argv), Asked(argv)
    if path is None:
        status = _built_in(argv, settings, asked, agent=agent)
    else:
        status = _host(path, argv, settings, asked, agent=agent)
    _let_go()
    return supervise.end_like(status)


def _let_go() -> None:
    """Where stdout or stderr has gone, nothing is to be tried with it once more as the interpreter ends: that
    would be its exit code."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, number)
                os.close(nowhere)


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
    env = dict(os.environ) | {TOKEN: tracking.word, PARENT: parent_mark(tracking.word, tracking.project)}
    picture = None if agent else _picture(asked, settings, tracking)
    if picture is None:
        status = supervise.run(path, argv, env, _Undrawn(tracking))
    else:
        try:
            status = supervise.run(path, ["--agent", *argv], env, picture)
        finally:
            picture.close()
        picture.end()
        if picture.canceled:
            status = 0  # as the host, whose spinner takes Ctrl-C for its end
    _trace(tracking, status, agent=agent, picture=picture)
    return status


def _picture(asked: Asked, settings: Settings, tracking: Tracking) -> Drawing | None:
    """The picture of a run of the host's, if it is to be drawn as it goes on."""
    if not (os.isatty(1) and os.isatty(2)):
        return None  # known before anything is imported for it
    with suppress(*BROKEN):  # met again, and said, when the run is traced
        from one_trace.capture import drawn as live

        parsed = live.wanted(asked.parsed, settings, os.environ)
        return live.HostDrawing(parsed, tracking) if parsed else None
    return None


def _trace(tracking: Tracking, status: int, *, agent: bool, picture: Drawing | None) -> None:
    ended = EndedRun(
        host=tracking.program,
        origin=tracking.origin,
        agent=agent,
        drawn=picture is not None,
        failed=status != 0,
    )
    said = picture.reported_id if picture is not None else None
    with _hurried():
        if trace(lambda: tracking.find(said, ran=status == 0), tracking.settings, ended):
            tracking.done()
            trace_left(tracking.settings, agent=agent)


@contextmanager
def _hurried() -> Iterator[None]:
    """The run is over, and its exit code is known: who would end us now ends the work on its trace, as Ctrl-C
    does.
    """
    ours = [
        number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in ours:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _built_in(argv: list[str], settings: Settings, asked: Asked, *, agent: bool) -> int:
    from one_trace import runner
    from one_trace.capture.plain import output_for

    tracking = Tracking(settings, asked, None)
    tracking.begin(None)
    os.environ[PARENT] = parent_mark(tracking.word, tracking.project)
    os.environ.pop(TOKEN, None)
    picture = None if agent else _own_picture(asked, settings, tracking)
    drawing = picture.drawn() if picture else nullcontext(output_for(argv))
    words = ["--agent", *argv] if picture else argv
    status = 0
    with _killable():
        try:
            with drawing as output:
                outcome = runner.run(words, output, run_id=tracking.word, traced=True)
            tracking.files, status = outcome.files, outcome.exit_code << 8
        except Killed as killed:
            status = killed.number
    if picture is not None:
        picture.end()
    _trace(tracking, status, agent=agent, picture=picture)
    return status


def _own_picture(asked: Asked, settings: Settings, tracking: Tracking) -> BuiltInDrawing | None:
    if not (os.isatty(1) and os.isatty(2)):
        return None
    with suppress(*BROKEN):
        from one_trace.capture import drawn as live

        parsed = live.wanted(asked.parsed, settings, os.environ)
        return live.BuiltInDrawing(parsed, tracking) if parsed else None
    return None


class Killed(BaseException):
    """A signal that would have ended us in the middle of the built-in runner's run."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _killable() -> Iterator[None]:
    """Let signals that end a process end the run alone: it is still to be traced."""

    def end(number: int, frame: object) -> None:
        raise Killed(number)

    before = {number: signal.getsignal(number) for number in _ENDING}
    ours = [number for number, old in before.items() if old in (signal.SIG_DFL, signal.default_int_handler)]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


class _Undrawn(Watcher):
    """A run of which nothing is shown."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    def begin(self, child: int) -> None:
        self._tracking.look_around()
        self._tracking.begin(child)
