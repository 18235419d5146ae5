"""Where traced runs are sent, and which of them are still to be delivered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from one_trace.answers.reports import Check
from one_trace.cli.checks.files import store_path
from one_trace.errors import CliError, StoreError
from one_trace.settings import sources
from one_trace.view.words import counted


def sinks() -> Iterator[Check]:
    """The sinks that are set up, with their addresses. What is wrong with one is found by its own check."""
    from one_trace.deliver.retry import DeliveryError
    from one_trace.deliver.sinks import make, ready

    values = sources.load()
    doubt = values.doubt(*sources.DELIVERY)
    if doubt is not None:
        wrong = f"nothing is sent until this is fixed: {doubt.message}"
        yield Check("sinks", "note", wrong, doubt.fix or doubt.hint)
        return
    when = (
        "when they end" if values.upload == "auto" else "by `one trace sync` alone (traces.upload is manual)"
    )
    names, places = ready(values), []
    for name in names:
        with suppress(CliError, DeliveryError):
            places.append(f"{name} ({make(name, values).server().url.shown})")
    if places:
        yield Check("sinks", "ok", f"set up: {', '.join(places)}; runs are sent {when}")
    if not names:
        yield Check("sinks", "note", "no sink is ready: nothing is sent")


def queue() -> Iterator[Check]:
    """What `one trace sync` would send, and what it cannot send with these settings."""
    from one_trace.deliver.sinks import why_not_sent
    from one_trace.store import Store

    path, values = store_path(), sources.load()
    if path is None:
        return
    sql = "SELECT state, sink, count(*) FROM outbox GROUP BY state, sink"
    try:
        with Store(path, readonly=True) as store:
            rows = store.connection.execute(sql).fetchall()
    except StoreError:
        return  # a finding of the check of the store
    for state, sink, count in rows:
        if state == "sent":
            continue
        why, runs = why_not_sent(sink, values), counted(count, "run")
        if why is not None:
            yield Check("queue", "note", f"{runs} queued for {sink}: {why.message}", why.hint)
        elif state == "failed":
            wrong = f"{runs} could not be delivered to {sink}"
            yield Check("queue", "bad", wrong, "one trace sync --retry-failed")
        else:
            yield Check("queue", "note", f"{runs} to be delivered to {sink}", "one trace sync")
    if all(state == "sent" for state, _, _ in rows):
        sent = counted(sum(count for _, _, count in rows), "run")
        yield Check("queue", "ok", f"nothing queued; {sent} delivered")
