"""Delivery: every run reaches each of its sinks once, now or later.

What lives here: `flush` (the end of a traced run), `sync` (everything queued), `sender` (outbox to sinks),
`sinks` (the table; one file a sink: `traces_com`, `otlp`), `batches`, `retry` and `http_client` for all of
them, `git` and `project`. It sends what `outbound` lets leave, and knows of no record and no command.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from one_trace.errors import CliError
from one_trace.model.trace import Upload

if TYPE_CHECKING:
    from one_trace.deliver.retry import Deadline
    from one_trace.deliver.sender import Sender
    from one_trace.settings.sources import Settings

# httpx tries to import its own command line, and with it rich and pygments: a third of what it costs.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: not to be imported

_BACKLOG_S = 0.5
"""A run starts sending older ones for this long after its own delivery. If 5,000 are queued because the
server was down, each run sends some, and none waits for all of them; `trace sync` sends them in one go.
"""
_BACKLOG_RUNS = 200
_GRACE_S = 0.1
"""For a worker to write its result down when its time is over."""


def warm() -> None:
    """Import what delivery needs and load the certificates, which costs no time while the host runs."""
    from one_trace.deliver import sender, tls, traces_com

    _ = sender, traces_com
    tls.trusted()


def flush(settings: Settings, *, run_id: str, deadline_s: float) -> list[Upload]:
    """Send the run `run_id`, then some older queued ones, for at most `deadline_s` seconds. Never raises.

    Returns the state of the run at each of its sinks; nothing where no sink is ready. Each sink has a
    thread, abandoned at the deadline: nothing else can interrupt a slow look-up of a name. A run that was
    being sent stays in the outbox, and its lease ends with this process.
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
            threading.Thread(target=_send_to, args=[name, settings, run_id, deadline, failures], daemon=True)
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
        return _uploads(settings, run_id, failures)
    except Exception as error:  # noqa: BLE001  a run that has ended well must not end with our traceback
        return [Upload(sink=name, state="queued", error=_reason(error)) for name in settings.sinks]


def _send_to(
    name: str, settings: Settings, run_id: str, deadline: Deadline, failures: dict[str, str]
) -> None:
    """Send this run to one sink, and if that can be reached at all, older ones."""
    try:
        from one_trace.deliver.sender import Sender
        from one_trace.store import Store

        with Store(settings.store_path) as store, Sender(store, settings) as sender:
            outcome = sender.send(name, deadline, run_id=run_id, early=True)
            if outcome is None or outcome.problem is None:
                _send_older(sender, name, deadline)
    except Exception as error:  # noqa: BLE001  the boundary of a thread: beyond it there is only stderr
        failures[name] = _reason(error)


def _send_older(sender: Sender, name: str, deadline: Deadline) -> None:
    """Send the runs that are due, oldest first, until one is not delivered or the time for it is over."""
    until = time.monotonic() + _BACKLOG_S
    for run_id in sender.outbox.due(name, _BACKLOG_RUNS):
        if deadline.left <= 0 or time.monotonic() > until:
            return
        outcome = sender.send(name, deadline, run_id=run_id)
        if outcome is not None and outcome.problem is not None:
            return


def _uploads(settings: Settings, run_id: str, failures: dict[str, str]) -> list[Upload]:
    from one_trace.store import Store

    with Store(settings.store_path, readonly=True) as store:
        uploads = store.uploads(run_id)
    for upload in uploads:
        upload.error = failures.get(upload.sink, upload.error)
    return uploads


def _reason(error: Exception) -> str:
    """The message of an error of ours. That of any other may quote a header or the run."""
    return error.message if isinstance(error, CliError) else f"stopped by an error: {type(error).__name__}"
