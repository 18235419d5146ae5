"""The end of a traced run: its trace, and this process ending as the host did."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from one_trace.capture.finish import EndedRun, trace, trace_orphaned
from one_trace.capture.notices import report_error
from one_trace.capture.tracking import AHEAD, Tracking
from one_trace.errors import CliError
from one_trace.guard import streams
from one_trace.host import supervise
from one_trace.settings.sources import Settings, load

if TYPE_CHECKING:
    from one_trace.capture.drawn import Drawing


def settings_in_force(traced: bool | None) -> Settings:
    """The settings; `traced`: what --trace and --no-trace say. A problem with them stops no run."""
    return load(flags={} if traced is None else {"enabled": traced})


def report_problem(settings: Settings, *, agent: bool) -> None:
    """Report the first problem with the settings: of a traced run when it has ended, so that the line stands
    with the others about its trace, and not somewhere in the output of the host."""
    for problem in settings.problems[:1]:
        report_error(problem, agent=agent)


def trace_ended(
    tracking: Tracking,
    status: int,
    *,
    agent: bool,
    drawing: Drawing | None = None,
    signalled: int | None = None,
) -> None:
    """Trace a run that has ended with this wait status, or report why it has no trace. `signalled`: a signal
    that told it to end."""
    ended = EndedRun(
        host=tracking.program,
        origin=tracking.origin,
        agent=agent,
        drawn=drawing is not None,
        reported=drawing.error if drawing is not None else "",
        status=status,
        signalled=signalled,
        at_ms=time.time() * 1000,
    )
    report_problem(tracking.settings, agent=agent)
    for problem in tracking.unused_tags[:1]:
        report_error(CliError(f"a tag is not used: {problem}", code="bad-tag"), agent=agent)
    reported_id = drawing.reported_id if drawing is not None else None
    # The exit code is known: a signal that would end us ends only the tracing, as Ctrl-C does.
    with handled((signal.SIGTERM, signal.SIGHUP), signal.default_int_handler):
        if trace(lambda: tracking.find(reported_id, succeeded=status == 0), tracking.settings, ended):
            tracking.done()
            trace_orphaned(tracking.settings, agent=agent)


def end(status: int) -> int:
    """Returns the exit code for a wait status, if this process does not end here: see `run`."""
    streams.discard_closed()
    code = supervise.end_like(status)
    streams.leave(code, unfinished=(AHEAD,))  # what it imports ahead is needed no more
    return code


@contextmanager
def handled(numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
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
