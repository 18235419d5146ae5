"""A traced run: the executor does what it would do anyway; then its record becomes a trace in the store.

Whatever goes wrong with tracing is one line on stderr: exit code, output and side effects are the run's own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from one_trace.after import say_trouble, trace
from one_trace.argv import is_agent
from one_trace.host import TOKEN
from one_trace.origin import PARENT, find_by_id, find_by_token
from one_trace.settings import Settings, load_lenient
from one_trace.watch import Watcher

if TYPE_CHECKING:
    from one_trace.runner.options import Parsed


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def run(path: str | None, argv: list[str], *, settings: Settings | None = None) -> int:
    """Run and trace what argv asks for, by the host at `path` or the built-in runner (None). The exit code.

    Where a signal ended the host, the same signal ends this process and nothing is returned.
    """
    from one_trace import watch

    agent = is_agent(argv)
    settings = settings or settings_in_force(agent=agent)
    asked = None if agent else _drawn(argv, settings)
    if path is None:
        status = _built_in(argv, settings, asked, agent=agent)
    else:
        status = _host(path, argv, settings, asked, agent=agent)
    return watch.end_like(status)


def settings_in_force(*, agent: bool) -> Settings:
    """The settings; what is wrong with them is said, and no reason not to run."""
    settings, problems = load_lenient()
    for problem in problems[:1]:
        say_trouble(problem, agent=agent)
    return settings


def _drawn(argv: list[str], settings: Settings) -> Parsed | None:
    """What is to be run, if it is to be drawn as it goes on."""
    if not (os.isatty(1) and os.isatty(2)):
        return None  # known before anything is imported for it
    from one_trace import live

    return live.wanted(argv, settings, os.environ)


def _host(path: str, argv: list[str], settings: Settings, asked: Parsed | None, *, agent: bool) -> int:
    from one_trace import watch

    token, begun, project = os.urandom(16).hex(), time.time(), _here()
    env = dict(os.environ) | {TOKEN: token, PARENT: f"{token} {int(begun)} {project}"}
    if asked is None:
        status = watch.run(path, argv, env, _Warming(settings))
    else:
        from one_trace.live import OfHost

        picture = OfHost(asked, project, token, begun, lambda: warm(settings))
        try:
            status = watch.run(path, ["--agent", *argv], env, picture)
        finally:
            picture.close()
        picture.end()
        if picture.canceled:
            status = 0  # as the host, whose spinner takes Ctrl-C for its end
    drawn = asked is not None
    trace(
        lambda: find_by_token(project, token, begun),
        settings,
        agent=agent,
        host=path,
        env=os.environ,
        drawn=drawn,
    )
    return status


def _built_in(argv: list[str], settings: Settings, asked: Parsed | None, *, agent: bool) -> int:
    from one_trace import runner

    env, run_id, project = dict(os.environ), os.urandom(6).hex(), _here()
    os.environ[PARENT] = run_id
    os.environ.pop(TOKEN, None)
    picture = told = None
    shown: AbstractContextManager[None] = nullcontext()
    if asked is not None:
        from one_trace.live import OfOurs

        picture = OfOurs(asked, project, run_id)
        argv, shown, told = ["--agent", *argv], picture.drawn(), picture.told
    files, status = None, 0
    with _killable():
        try:
            with shown:
                drawn = asked is not None
                outcome = runner.run(argv, run_id=run_id, on_event=told, watched=drawn, traced=True)
            files, status = outcome.files, outcome.exit_code << 8
        except Killed as killed:
            status = killed.number
    if picture is not None:
        picture.end()
    trace(
        lambda: files or find_by_id(project, run_id),
        settings,
        agent=agent,
        host=None,
        env=env,
        drawn=picture is not None,
    )
    return status


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


class _Warming(Watcher):
    """Imports what comes after the run while the host is running: that costs the user nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def begin(self) -> None:
        warm(self._settings)


def warm(settings: Settings) -> None:
    """Import what comes after the run while the host is running: that costs the user nothing."""
    from threading import Thread

    with suppress(RuntimeError):  # no thread to be had: then later
        # Waited for at our end: an import that the end of the interpreter meets can crash.
        Thread(target=_import_all, args=[settings]).start()


def _import_all(settings: Settings) -> None:
    with suppress(Exception):  # said by the main thread, which comes to the same import
        # First of all the package that the others take modules from: whoever imports one of them ahead of
        # it, while the main thread imports the package, is in a deadlock with it (Python 3.11).
        from one_trace import record  # isort: skip
        from one_trace import assemble, store
        from one_trace.deliver import sinks, warm
        from one_trace.outbound import errors

        _ = assemble, record, store, errors
        if settings.upload == "auto" and sinks.ready(settings):
            warm()


def _here() -> str:
    with suppress(OSError):
        return os.getcwd()
    return ""  # the folder has been deleted: the host will say so
