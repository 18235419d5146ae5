"""Everything that is queued, sent now: the work of `trace sync`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from one_trace.deliver.retry import Deadline, DeliveryError
from one_trace.deliver.sender import DeliveryResult, Sender
from one_trace.store import Store

if TYPE_CHECKING:
    from one_trace.settings.sources import Settings

RUN_S = 600.0
"""The longest that one run may take, all tries of all its requests together."""
_LEASED_S = 65.0
"""Longer than a lease lasts: by then, another process has sent the run or lost it to us."""
_POLL_S = 0.1

Progress = Callable[[int, int, DeliveryResult | None], None]
"""Called with the number done, the total, and the outcome of the last one."""


class Synced(Struct):
    """`rest`: the runs that are left, as (run id, sink, state, error), those for sinks that are not set any
    more too. `problem`: the first problem."""

    newly_queued: int = 0
    """Runs queued by `since_ms` and `again`."""
    sent: list[DeliveryResult] = []
    rest: list[tuple[str, str, str, str]] = []
    problem: DeliveryError | None = None


def sync(
    store: Store,
    settings: Settings,
    names: Sequence[str],
    *,
    since_ms: int | None = None,
    again: bool = False,
    retry_failed: bool = False,
    progress: Progress = lambda done, total, outcome: None,
) -> Synced:
    """Send everything that is queued for the sinks `names`, due or not, oldest first.

    `since_ms`: queue the runs started since (ms since 1970) that never were. `again`: also those that were
    sent, since then or ever. A sink that cannot be reached is skipped from then on. A run that another
    process is sending is waited for.
    """
    synced = Synced()
    with Sender(store, settings) as sender:
        outbox = sender.outbox
        queued = outbox.queue_since(since_ms, names) if since_ms is not None else set()
        if again:
            queued |= outbox.queue_again(since_ms, names)
        synced.newly_queued = len(queued)
        if retry_failed:
            outbox.retry_failed(names)
        reachable = set(names)
        todo = outbox.queued(names)
        progress(0, len(todo), None)
        for done, (run_id, sink) in enumerate(todo, 1):
            if sink not in reachable:
                continue
            outcome = _send(sender, sink, run_id)
            if outcome and outcome.problem is None:
                synced.sent.append(outcome)
            elif outcome and outcome.problem:
                synced.problem = synced.problem or outcome.problem
                if outcome.problem.kind == "network":
                    reachable.discard(sink)
            progress(done, len(todo), outcome)
        synced.rest = outbox.undelivered()
    return synced


def _send(sender: Sender, sink: str, run_id: str) -> DeliveryResult | None:
    """Send one run. If another process is sending it, wait until that is done or its lease is over."""
    until = time.monotonic() + _LEASED_S
    while True:
        outcome = sender.send(sink, Deadline(RUN_S), run_id=run_id, early=True)
        if outcome is not None or not sender.outbox.is_queued(run_id, sink) or time.monotonic() > until:
            return outcome
        time.sleep(_POLL_S)
