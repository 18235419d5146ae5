"""Forgetting old runs, and giving their space back."""

from __future__ import annotations

from msgspec import Struct

from one_trace.store.connect import troubles
from one_trace.store.save import delete_spans
from one_trace.store.store import Store

_AT_ONCE = 50
"""Runs deleted in one transaction: a traced run that ends meanwhile waits for a few ms, not for all of it."""


class Pruned(Struct, rename="camel"):
    """How many runs were deleted, and how many old ones were kept because they are not delivered yet."""

    deleted: int
    kept: int


def prune(store: Store, before_ms: int, *, force: bool = False, most: int | None = None) -> Pruned:
    """Delete the runs started before `before_ms`, the oldest `most` of them; those still queued for a sink
    stay, unless `force`.
    """
    queued = "EXISTS (SELECT 1 FROM outbox WHERE run = runs.id AND state = 'queued')"
    old = "SELECT id FROM runs WHERE started_ms < ?"
    with troubles(store.path):
        wanted = (old if force else f"{old} AND NOT {queued}") + " ORDER BY started_ms LIMIT ?"
        limit = -1 if most is None else most
        runs = [number for (number,) in store.connection.execute(wanted, (before_ms, limit))]
        everything = store.connection.execute(f"SELECT count(*) FROM ({old})", (before_ms,)).fetchone()[0]
    for start in range(0, len(runs), _AT_ONCE):
        with store.writing() as connection:
            for run in runs[start : start + _AT_ONCE]:
                delete_spans(connection, run)
                connection.execute("DELETE FROM outbox WHERE run = ?", (run,))
                connection.execute("DELETE FROM runs WHERE id = ?", (run,))
    if runs:
        _tidy(store)
    return Pruned(len(runs), everything - len(runs))


def _tidy(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(
            "DELETE FROM steps WHERE id NOT IN (SELECT DISTINCT step FROM step_runs) "
            "AND flow NOT IN (SELECT flow_key FROM runs)"
        )
        connection.execute(
            "DELETE FROM flow_versions WHERE id NOT IN "
            "(SELECT flow_version FROM runs WHERE flow_version IS NOT NULL)"
        )
    with troubles(store.path):
        store.connection.execute("PRAGMA incremental_vacuum").fetchall()
