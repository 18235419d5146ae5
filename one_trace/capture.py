"""A traced run: the executor does what it would do anyway; then its record becomes a trace in the store.

Whatever goes wrong with tracing is one line on stderr: exit code, output and side effects are the run's own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from one_trace.argv import is_agent
from one_trace.errors import Trouble
from one_trace.host import TOKEN
from one_trace.origin import PARENT, find_by_id, find_by_token, parent_of, session_of
from one_trace.settings import Settings, load_lenient

if TYPE_CHECKING:
    from one_trace.model import Executor, Trace, Upload
    from one_trace.record import RunFiles


def run(path: str | None, argv: list[str], *, settings: Settings | None = None) -> int:
    """Run and trace what argv asks for, by the host at `path` or the built-in runner (None). The exit code.

    Where a signal ended the host, the same signal ends this process and nothing is returned.
    """
    agent = is_agent(argv)
    settings = settings or settings_in_force(agent=agent)
    if path is None:
        return _built_in(argv, settings, agent=agent)
    from one_trace import watch

    token, begun = os.urandom(16).hex(), time.time()
    project = _here()
    env = dict(os.environ) | {TOKEN: token, PARENT: f"{token} {int(begun)} {project}"}
    status = watch.run(path, argv, env, meanwhile=lambda: _warm(settings))
    trace(lambda: find_by_token(project, token, begun), settings, agent=agent, host=path, env=os.environ)
    return watch.end_like(status)


def settings_in_force(*, agent: bool) -> Settings:
    """The settings; what is wrong with them is said, and no reason not to run."""
    settings, problems = load_lenient()
    for problem in problems[:1]:
        _say_trouble(problem, agent=agent)
    return settings


def trace(
    find: Callable[[], RunFiles | None],
    settings: Settings,
    *,
    agent: bool,
    host: str | None,
    env: Mapping[str, str],
) -> None:
    """Trace the run whose files `find` names; nothing is done and said where there are none. Never raises."""
    try:
        files = find()
        if files:
            _trace(files, settings, agent=agent, host=host, env=env)
    except KeyboardInterrupt:
        _say_trouble(Trouble("stopped before the run was traced", hint="one trace import"), agent=agent)
    except Exception as error:  # noqa: BLE001  the boundary: a run never pays for what is wrong with tracing
        _say_trouble(_as_trouble(error), agent=agent)


def _built_in(argv: list[str], settings: Settings, *, agent: bool) -> int:
    from one_trace import runner, watch

    env, run_id, project = dict(os.environ), os.urandom(6).hex(), _here()
    os.environ[PARENT] = run_id
    os.environ.pop(TOKEN, None)
    files, status = None, 0
    with _killable():
        try:
            outcome = runner.run(argv, run_id=run_id)
            files, status = outcome.files, outcome.exit_code << 8
        except Killed as killed:
            status = killed.number
    trace(lambda: files or find_by_id(project, run_id), settings, agent=agent, host=None, env=env)
    return watch.end_like(status)


class Killed(BaseException):
    """A signal that would have ended us in the middle of the built-in runner's run."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _killable() -> Iterator[None]:
    """Let signals that end a process end the run alone: it is still to be traced."""
    import signal

    def end(number: int, frame: object) -> None:
        raise Killed(number)

    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _trace(
    files: RunFiles, settings: Settings, *, agent: bool, host: str | None, env: Mapping[str, str]
) -> None:
    from one_trace import record
    from one_trace.assemble import assemble
    from one_trace.deliver.sinks import ready
    from one_trace.store import Store

    found = record.read(files)
    assembly = assemble(found)
    if not assembly.trace.spans and any(line.event == "flow:dry-run" for line in found.lines):
        return
    assembly.trace.run.executor = _executor(host)
    where, session, parent = ready(settings), session_of(env), parent_of(env)
    with Store(settings.store_path) as store:
        store.save(assembly, sinks=where, session=session, parent_run_id=parent)
    uploads: list[Upload] = []
    if where and settings.upload == "auto":
        from one_trace import deliver

        uploads = deliver.flush(settings, run_id=files.run_id, deadline_s=settings.flush_timeout)
    _say_saved(assembly.trace, uploads, agent=agent)


def _executor(host: str | None) -> Executor:
    from one_trace import __version__
    from one_trace.host import version
    from one_trace.model import Executor

    if host is None:
        return Executor(name="built-in", version=__version__)
    return Executor(name="one-cli", version=version(host))


def _warm(settings: Settings) -> None:
    """Import what comes after the run while the host is running: that costs the user nothing."""
    from threading import Thread

    with suppress(RuntimeError):  # no thread to be had: then later
        Thread(target=_import_all, args=[settings], daemon=True).start()


def _import_all(settings: Settings) -> None:
    with suppress(Exception):  # said by the main thread, which comes to the same import
        from one_trace import assemble, record, store
        from one_trace.deliver import sinks, warm

        _ = assemble, record, store
        if settings.upload == "auto" and sinks.ready(settings):
            warm()


def _say_saved(trace: Trace, uploads: list[Upload], *, agent: bool) -> None:
    run = trace.run
    if agent:
        sent = [{"sink": upload.sink, "state": upload.state, "url": upload.url} for upload in uploads]
        line = {
            "event": "trace:saved",
            "runId": run.run_id,
            "traceId": run.trace_id,
            "spans": len(trace.spans),
        }
        _say({**line, "uploads": sent})
        return
    urls = "".join(f" · {upload.url}" for upload in uploads if upload.url)
    many = "span" if len(trace.spans) == 1 else "spans"
    _say(f"traced {run.run_id}: {len(trace.spans)} {many}. See it: one trace show {run.run_id}{urls}")


def _say_trouble(error: Trouble, *, agent: bool) -> None:
    if agent:
        _say({"event": "trace:trouble", "code": error.code, "message": error.message, "hint": error.hint})
    else:
        _say(f"one-trace: {error.message}" + (f". {error.hint}" if error.hint else ""))


def _say(line: str | dict[str, object]) -> None:
    """One line on stderr, whatever has become of stderr."""
    from one_trace.model import encode

    data = line.replace("\n", " ").encode("utf-8", "replace") if isinstance(line, str) else encode(line)
    with suppress(OSError):
        os.write(2, data + b"\n")


def _as_trouble(error: Exception) -> Trouble:
    if isinstance(error, Trouble):
        return Trouble(f"this run is not traced: {error.message}", hint=error.hint, code=error.code)
    return Trouble(f"this run is not traced: {type(error).__name__}: {error}", code="trace-failed")


def _here() -> str:
    with suppress(OSError):
        return os.getcwd()
    return ""  # the folder has been deleted: the host will say so
