"""Delivery: every run reaches its sinks once, now or later, and a run that has ended waits for it only so
long.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from one_trace.model import Upload

if TYPE_CHECKING:
    from one_trace.deliver.retry import Deadline
    from one_trace.settings import Settings

_GRACE_S = 0.1
"""For the worker to write down how far it came, when its time is over."""


def warm() -> None:
    """Import what delivery needs, and load the certificates: while the host runs, that costs the user
    nothing.
    """
    from one_trace.deliver import courier, line, traces_com

    _ = courier, traces_com
    line.trusted()


def flush(settings: Settings, *, run_id: str, deadline_s: float) -> list[Upload]:
    """Send the run `run_id`, then older ones that wait, for at most `deadline_s` seconds. Never raises.

    Where the run stands with each of its sinks; empty where there is no sink to use. The work is done in a
    thread that is left behind at the deadline: a name that is slow to resolve cannot be interrupted
    otherwise. What it was sending stays in the outbox, and its lease ends with this process.
    """
    from one_trace.deliver.retry import Deadline
    from one_trace.deliver.sinks import ready

    try:
        names = ready(settings)
        if not names:
            return []
        deadline = Deadline(deadline_s)
        worker = threading.Thread(target=_work, args=[settings, names, run_id, deadline], daemon=True)
        worker.start()
        try:
            worker.join(deadline_s + _GRACE_S)
        except KeyboardInterrupt:
            deadline.stop()  # Whoever presses Ctrl-C wants their prompt back; the run stays queued.
        return _standing(settings, run_id)
    except Exception as error:  # noqa: BLE001  a run that has ended well must not end with our traceback
        return [Upload(sink="traces.com", state="queued", error=f"{type(error).__name__}: {error}")]


def _work(settings: Settings, names: list[str], run_id: str, deadline: Deadline) -> None:
    from one_trace.deliver.courier import Courier
    from one_trace.errors import Trouble
    from one_trace.store import Store

    try:
        with Store(settings.store_path) as store, Courier(store, settings) as courier:
            reached = [name for name in names if _reached(courier, name, run_id, deadline)]
            while reached and deadline.left > 0:
                outcome = courier.next(reached, deadline)
                if outcome is None:
                    break
                if outcome.trouble:
                    reached.remove(outcome.job.sink)
    except Trouble:
        return  # The store cannot be used; the run's own trouble with it has been told.


def _reached(courier: object, name: str, run_id: str, deadline: Deadline) -> bool:
    from one_trace.deliver.courier import Courier

    assert isinstance(courier, Courier)
    outcome = courier.next([name], deadline, run_id=run_id, early=True)
    return outcome is None or outcome.trouble is None


def _standing(settings: Settings, run_id: str) -> list[Upload]:
    from one_trace.store import Store

    with Store(settings.store_path, readonly=True) as store:
        return store.uploads(run_id)
