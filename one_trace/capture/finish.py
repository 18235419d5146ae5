"""After a run: its record becomes a trace in the store, is delivered, and one line reports that.

Whatever goes wrong here is one line on stderr.
"""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from one_trace.capture import pending
from one_trace.capture.last_line import say_saved
from one_trace.capture.lineage import Origin, Parent
from one_trace.capture.notices import as_error, report_error, say_page
from one_trace.errors import BROKEN, CliError, SettingsError, StoreError
from one_trace.guard import streams

if TYPE_CHECKING:
    from one_trace.model.trace import Assembly, Executor, Exit, Run, Session, Trace, Upload
    from one_trace.record.files import RunFiles
    from one_trace.record.search import Match
    from one_trace.settings.sources import Settings
    from one_trace.store import Store

_DAY_S = 86_400
_MOST_PRUNED = 200
"""Old runs deleted after a run. Bounded, so that no run waits for it."""
_MOST_ORPHANED = 8
"""Runs of killed processes traced after a run. Bounded for the same reason."""


class EndedRun(NamedTuple):
    """A run that has ended. `host`: the program that ran it, None for the built-in runner. `drawn`: its live
    tree was shown, so its final tree is, too. `status`: the wait status of the program, which ended `at_ms`
    (since 1970). `signalled`: a signal that had told it to end. `reported`: the error that stands above the
    final tree already.
    """

    host: str | None
    origin: Origin
    agent: bool
    at_ms: float
    drawn: bool = False
    status: int = 0
    signalled: int | None = None
    reported: str = ""


def trace(find: Callable[[], Match | None], settings: Settings, ended: EndedRun) -> bool:
    """Trace the run that `find` finds, or report why it has no trace (`find` returns None if it needs none).
    Returns False if a signal interrupted that. Never raises.
    """
    try:
        found = find()
        if found is not None and found.files is not None:
            _trace(found.files, settings, ended)
        elif found is not None:
            report_error(_not_found(found, ended), agent=ended.agent)
    except KeyboardInterrupt:
        report_error(
            CliError("stopped before the run was traced", hint="one trace import"), agent=ended.agent
        )
        return False
    except BROKEN as error:  # the boundary: a run never fails because tracing it does
        report_error(as_error(error), agent=ended.agent)
        return False
    return True


def _not_found(found: Match, ended: EndedRun) -> CliError:
    """Why there is no trace."""
    if found.candidates > 1:
        return CliError(
            f"this run is not traced: {found.candidates} runs started here at the same time, "
            "and their records do not say which one it is",
            hint="one trace import",
            code="run-ambiguous",
        )
    if ended.status != 0:
        return CliError(
            "the command failed and left no record of a run, so there is no trace", code="run-not-started"
        )
    return CliError(
        "this run is not traced: it left no record in .one/flows/.runs",
        hint="one trace doctor",
        code="run-not-found",
    )


def _trace(files: RunFiles, settings: Settings, ended: EndedRun) -> None:
    from one_trace.deliver.sinks import left_out, ready
    from one_trace.store import Store

    gc.disable()  # this process ends soon
    assembly = _assembled(files, ended.host, ending=True)
    if assembly is None:
        return
    run = assembly.trace.run
    run.exit = _exit(ended, run)
    if ended.drawn:
        say_page(_page(assembly.trace, ended.reported))
    with Store(settings.store_path).until_the_end() as store:
        _prune(store, settings)  # first: it must not delete an old run that was resumed now
        _save(store, assembly, settings, ended.origin, _place())
    uploads: list[Upload] = []
    if ready(settings) and _uploads_at_once(settings):
        from one_trace import deliver

        uploads = deliver.flush(settings, run_id=run.trace_id, deadline_s=settings.flush_timeout)
        missing = left_out(upload.sink for upload in uploads)
        if missing is not None:
            report_error(missing, agent=ended.agent)
    say_saved(assembly.trace, uploads, agent=ended.agent, drawn=ended.drawn, from_store=settings.from_store)
    if settings.on_finish and assembly.trace.run.status != "success":
        from one_trace.answers.saved import saved_line
        from one_trace.capture import on_finish

        line = saved_line(assembly.trace, uploads, settings.from_store)
        problem = on_finish.start(settings.on_finish, line, settings.flush_timeout)
        if problem is not None:
            report_error(problem, agent=ended.agent)


def _uploads_at_once(settings: Settings) -> bool:
    """Not if a setting of delivery is invalid: the run is kept for `sync`, which reports that."""
    from one_trace.settings.sources import DELIVERY

    return settings.upload == "auto" and settings.doubt("upload", *DELIVERY) is None


def _assembled(files: RunFiles, host: str | None, *, ending: bool = False) -> Assembly | None:
    """The trace of a record; None for a dry run, which has executed nothing."""
    from one_trace.assemble import assemble
    from one_trace.model.gc import held_back
    from one_trace.record import reading

    with held_back():
        found = reading.read(files)
        assembly = assemble(found, ending=ending)
    if not assembly.trace.spans and any(line.event == "flow:dry-run" for line in found.lines):
        return None
    assembly.trace.run.executor = _executor(host)
    return assembly


def _exit(ended: EndedRun, run: Run) -> Exit:
    """How the process of a run ended."""
    from one_trace.model.times import to_ms
    from one_trace.model.trace import Exit

    code = os.waitstatus_to_exitcode(ended.status)
    number = -code if code < 0 else ended.signalled if run.status != "success" else None
    started = to_ms(run.started_at)
    took = ended.at_ms - started if started is not None else -1.0
    return Exit(
        code=code if code >= 0 else None,
        signal=_signal_name(number),
        duration_ms=round(took) if took >= 0 else None,
    )


def _signal_name(number: int | None) -> str | None:
    import signal

    if number is None:
        return None
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIG{number}"


def _place() -> dict[str, str | int]:
    """Where this process runs, without values that are secrets of its environment."""
    from one_trace.capture.place import SYSTEM, place_of

    found = place_of(os.environ)
    if SYSTEM not in found:
        return found  # only what a CI system tells is text that somebody wrote
    from one_trace.outbound.redact import redactor
    from one_trace.outbound.tag_text import without_secrets

    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    return {**found, **without_secrets(texts, redactor(os.environ))}


def _save(
    store: Store,
    assembly: Assembly,
    settings: Settings,
    origin: Origin,
    place: dict[str, str | int] | None = None,
) -> None:
    """`place`: None if it was another process that ran it."""
    from one_trace.deliver.sinks import ready

    run = assembly.trace.run
    if origin.resumed and store.kept(run) is not None:
        origin = Origin(tags=origin.tags)  # keep what was stored when it was started
    parent = origin.parent
    store.save(
        assembly,
        sinks=ready(settings),
        session=_session(origin),
        # A run that started later can only have resumed this one.
        parent_run_id=parent.run_id if parent and parent.started_at <= run.started_at else None,
        traceparent=origin.traceparent,
        place=place,
        tags=origin.tags,
        hold=not _uploads_at_once(settings),
    )


def _session(origin: Origin) -> Session | None:
    from one_trace.guard.text import valid
    from one_trace.model.trace import Session

    if origin.session is None:
        return None
    agent, session_id = (valid(text) if text else None for text in origin.session)
    return Session(agent=agent, session_id=session_id)


def trace_orphaned(settings: Settings, *, agent: bool) -> None:
    """Trace runs whose own process was killed before it could. Never raises."""
    with suppress(KeyboardInterrupt, StoreError, SettingsError):  # already reported; the next run tries again
        for path, about in itertools.islice(pending.orphaned(settings.data_path), _MOST_ORPHANED):
            try:
                if about is not None:
                    _trace_orphaned(about, settings)
            except StoreError:
                raise
            except BROKEN as error:  # a note of another version, a damaged record
                report_error(as_error(error, "an earlier run is"), agent=agent)
            pending.remove(path)


def _trace_orphaned(about: dict[str, Any], settings: Settings) -> None:
    from one_trace.store import Store

    files = pending.files_of(about)
    if files is None:
        return  # killed before anything was recorded
    session, parent = about.get("session"), about.get("parent")
    origin = Origin(
        (session[0], session[1]) if session else None,
        Parent(*parent) if parent else None,
        about.get("traceparent"),
        resumed=about.get("resumed") is not None,
        tags=tuple(about.get("tags") or ()),
    )
    assembly = _assembled(files, about.get("program"))
    if assembly is not None:
        with Store(settings.store_path) as store:
            _save(store, assembly, settings, origin)


def _executor(host: str | None) -> Executor:
    from one_trace import __version__
    from one_trace.host.find import version
    from one_trace.model.trace import Executor

    if host is None:
        return Executor(name="built-in", version=__version__)
    return Executor(name="one-cli", version=version(host))


def _prune(store: Store, settings: Settings) -> None:
    """Apply `traces.retention`, once a day."""
    import time

    from one_trace.settings.keys import kept_since

    if settings.doubt("retention", "data_dir"):
        return
    stamp, before_ms = settings.data_path / "pruned", kept_since(settings.retention, time.time())
    # A stamp from the future was written before the clock was set back.
    if before_ms is None or (stamp.exists() and abs(time.time() - stamp.stat().st_mtime) < _DAY_S):
        return
    from one_trace.store.prune import prune

    with suppress(OSError):  # a full disk, for example, is reported when the run is saved
        stamp.touch(0o600)
    prune(store.connection, before_ms, most=_MOST_PRUNED)


def _page(trace: Trace, reported: str) -> str:
    """The tree of `trace show`; of a failed run, the path to what failed, without the `reported` error."""
    import sys

    from one_trace.view import pick
    from one_trace.view.tree import render

    failed = trace.run.status in ("error", "incomplete")
    # The summary of a failed run ends in an empty line already.
    return ("" if failed else "\n") + render(
        pick.without_error(pick.failed(trace), reported) if failed else trace,
        width=streams.columns(2, 80),
        color=streams.has_color(terminal=True),
        unicode="utf" in (sys.stderr.encoding or "").lower(),
    )
