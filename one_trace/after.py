"""After a run: its record becomes a trace in the store, is delivered, and one line says so.

Whatever goes wrong here is one line on stderr.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from one_trace.errors import Trouble
from one_trace.origin import parent_of, session_of, traceparent_of

if TYPE_CHECKING:
    from one_trace.model import Executor, Trace, Upload
    from one_trace.record import RunFiles
    from one_trace.settings import Settings
    from one_trace.store import Store

_DAY_S = 86_400
_PRUNED_AT_ONCE = 200
"""Old runs deleted after a run at most: nobody is to wait for it."""


def trace(
    find: Callable[[], RunFiles | None],
    settings: Settings,
    *,
    agent: bool,
    host: str | None,
    env: Mapping[str, str],
    drawn: bool = False,
) -> None:
    """Trace the run whose files `find` names; nothing is done and said where there are none. Never raises.

    `drawn`: its tree has been shown as it grew, and is shown now as it came out.
    """
    try:
        files = find()
        if files:
            _trace(files, settings, agent=agent, host=host, env=env, drawn=drawn)
    except KeyboardInterrupt:
        say_trouble(Trouble("stopped before the run was traced", hint="one trace import"), agent=agent)
    except Exception as error:  # noqa: BLE001  the boundary: a run never pays for what is wrong with tracing
        say_trouble(_as_trouble(error), agent=agent)


def _trace(
    files: RunFiles,
    settings: Settings,
    *,
    agent: bool,
    host: str | None,
    env: Mapping[str, str],
    drawn: bool,
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
    if drawn:
        _say(_page(assembly.trace))
    where, session, parent = ready(settings), session_of(env), parent_of(env)
    with Store(settings.store_path) as store:
        _forget_old(store, settings)  # first: an old run that was resumed now is to be there now
        store.save(
            assembly,
            sinks=where,
            session=session,
            parent_run_id=parent,
            traceparent=traceparent_of(env),
            hold=settings.upload != "auto",
            env=env,
        )
    uploads: list[Upload] = []
    if where and settings.upload == "auto":
        from one_trace import deliver

        uploads = deliver.flush(settings, run_id=files.run_id, deadline_s=settings.flush_timeout)
    _say_saved(assembly.trace, uploads, agent=agent, drawn=drawn)


def _executor(host: str | None) -> Executor:
    from one_trace import __version__
    from one_trace.host import version
    from one_trace.model import Executor

    if host is None:
        return Executor(name="built-in", version=__version__)
    return Executor(name="one-cli", version=version(host))


def _forget_old(store: Store, settings: Settings) -> None:
    """Delete what `traces.retention` does not keep: once a day, some at a time."""
    import time

    from one_trace.keys import kept_since

    stamp, before_ms = settings.data_dir / "pruned", kept_since(settings.retention, time.time())
    if before_ms is None or (stamp.exists() and time.time() - stamp.stat().st_mtime < _DAY_S):
        return
    from one_trace.store.prune import prune

    stamp.touch(0o600)
    prune(store, before_ms, most=_PRUNED_AT_ONCE)


def _page(trace: Trace) -> str:
    """The tree as `trace show` has it; of a run that failed, only the way to what failed."""
    import shutil
    import sys

    from one_trace.view import pick
    from one_trace.view.tree import render

    failed = trace.run.status in ("error", "incomplete")
    # What the host says of a failure ends in an empty line.
    return ("" if failed else "\n") + render(
        pick.failed(trace) if failed else trace,
        width=shutil.get_terminal_size().columns,
        color=not os.environ.get("NO_COLOR"),
        unicode="utf" in (sys.stderr.encoding or "").lower(),
    )


def _say_saved(trace: Trace, uploads: list[Upload], *, agent: bool, drawn: bool) -> None:
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
    _say(f"traced {run.run_id}: {len(trace.spans)} {many}. {_next(trace, drawn=drawn)}{urls}")


def _next(trace: Trace, *, drawn: bool) -> str:
    """What to do next."""
    show = f"one trace show {trace.run.run_id}"
    if not drawn:
        return f"See it: {show}"
    if trace.run.status in ("error", "incomplete"):
        return f"All of it: {show}"
    return f"Slowest: {show} --slow 5"


def say_trouble(error: Trouble, *, agent: bool) -> None:
    if agent:
        _say({"event": "trace:trouble", "code": error.code, "message": error.message, "hint": error.hint})
    else:
        line = f"one-trace: {error.message}" + (f". {error.hint}" if error.hint else "")
        _say(line.replace("\n", " "))


def _say(line: str | dict[str, object]) -> None:
    """To stderr, whatever has become of stderr."""
    from one_trace.model import encode

    data = line.encode("utf-8", "replace") if isinstance(line, str) else encode(line)
    left = memoryview(data.rstrip(b"\n") + b"\n")
    with suppress(OSError):
        while left:
            left = left[os.write(2, left) :]


def _as_trouble(error: Exception) -> Trouble:
    if isinstance(error, Trouble):
        return Trouble(f"this run is not traced: {error.message}", hint=error.hint, code=error.code)
    return Trouble(f"this run is not traced: {type(error).__name__}: {error}", code="trace-failed")
