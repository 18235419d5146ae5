"""Delivery: every run reaches its sinks once, now or later, and a run that has ended waits for it only so
long: for itself `traces.flush_timeout` at most, for older runs that are queued half a second.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from one_trace.errors import CliError
from one_trace.model.trace import Upload

if TYPE_CHECKING:
    from one_trace.deliver.retry import Deadline
    from one_trace.deliver.sender import Sender
    from one_trace.settings.sources import Settings

_BACKLOG_S = 0.5
"""For so long after a run's own delivery older runs are begun to be sent. Of 5,000 that wait because the
server was down each run sends some, and none waits for all; `trace sync` sends them at one stroke.
"""
_BACKLOG_RUNS = 200
_GRACE_S = 0.1
"""For the worker to write down how far it came, when its time is over."""


def warm() -> None:
    """Import what delivery needs, and load the certificates: while the host runs, that costs the user
    nothing.
    """
    from one_trace.deliver import sender, tls, traces_com

    _ = sender, traces_com
    tls.trusted()


def flush(settings: Settings, *, run_id: str, deadline_s: float) -> list[Upload]:
    """Send the run `run_id`, then some older ones that wait, for at most `deadline_s` seconds. Never raises.

    Where the run stands with each of its sinks; empty where there is no sink to use. The work is done in a
    thread a sink, left behind at the deadline: a name that is slow to resolve cannot be interrupted
    otherwise. What was being sent stays in the outbox, and its lease ends with this process.
    """
    from one_trace.deliver.retry import Deadline
    from one_trace.deliver.sinks import ready

    try:
        names = ready(settings)
        if not names:
            return []
        deadline = Deadline(deadline_s)
        failures: dict[str, str] = {}
        workers = [
            threading.Thread(target=_work, args=[settings, name, run_id, deadline, failures], daemon=True)
            for name in names
        ]
        try:
            for worker in workers:
                worker.start()
            over = Deadline(deadline_s + _GRACE_S)
            for worker in workers:
                worker.join(over.left)
        except KeyboardInterrupt:
            deadline.stop()  # Whoever presses Ctrl-C wants their prompt back; the run stays queued.
        return _standing(settings, run_id, failures)
    except Exception as error:  # noqa: BLE001  a run that has ended well must not end with our traceback
        return [Upload(sink=name, state="queued", error=_told(error)) for name in settings.sinks]


def _work(settings: Settings, name: str, run_id: str, deadline: Deadline, failures: dict[str, str]) -> None:
    """Send to one sink: this run, and if it is reached at all, the older ones."""
    try:
        from one_trace.deliver.sender import Sender
        from one_trace.store import Store

        with Store(settings.store_path) as store, Sender(store, settings) as sender:
            outcome = sender.next([name], deadline, run_id=run_id, early=True)
            if outcome is None or outcome.problem is None:
                _send_older(sender, name, deadline)
    except Exception as error:  # noqa: BLE001  the boundary of a thread: beyond it there is only stderr
        failures[name] = _told(error)


def _send_older(sender: Sender, name: str, deadline: Deadline) -> None:
    """Send what is due, oldest first, until something does not arrive or the time for it is over."""
    until = time.monotonic() + _BACKLOG_S
    for run_id in sender.outbox.due(name, _BACKLOG_RUNS):
        if deadline.left <= 0 or time.monotonic() > until:
            return
        outcome = sender.next([name], deadline, run_id=run_id)
        if outcome is not None and outcome.problem is not None:
            return


def _standing(settings: Settings, run_id: str, failures: dict[str, str]) -> list[Upload]:
    from one_trace.store import Store

    with Store(settings.store_path, readonly=True) as store:
        uploads = store.uploads(run_id)
    for upload in uploads:
        upload.error = failures.get(upload.sink, upload.error)
    return uploads


def _told(error: Exception) -> str:
    """Our own words of our own errors; what another one says may quote what it was given."""
    return error.message if isinstance(error, CliError) else f"stopped by an error: {type(error).__name__}"
