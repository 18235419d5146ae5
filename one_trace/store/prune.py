"""Forgetting old runs, and giving their space back."""

from __future__ import annotations

from msgspec import Struct

from one_trace.store import pruned
from one_trace.store.save import delete_runs
from one_trace.store.store import Store

_AT_ONCE = 50
"""Runs deleted in one transaction: a traced run that ends meanwhile waits for a few ms, not for all of it."""


class Pruned(Struct, rename="camel", omit_defaults=True):
    """How many runs were deleted, and how many old ones were kept because they are not delivered yet. In a
    dry run nothing is deleted: `would_delete` is how many would be.
    """

    deleted: int
    kept: int
    dry_run: bool = False
    would_delete: int = 0


class Old(Struct):
    """Numbers of the runs to be deleted, and how many old ones are kept."""

    runs: list[int]
    kept: int


def old_runs(store: Store, before_ms: int, *, force: bool = False, most: int | None = None) -> Old:
    """The runs started before `before_ms`, the oldest `most` of them; those still queued for a sink stay,
    unless `force`.
    """
    queued = "EXISTS (SELECT 1 FROM outbox WHERE run = runs.id AND state = 'queued')"
    old = "SELECT id FROM runs WHERE started_ms < ?"
    wanted = (old if force else f"{old} AND NOT {queued}") + " ORDER BY started_ms LIMIT ?"
    limit = -1 if most is None else most
    runs = [number for (number,) in store.connection.execute(wanted, (before_ms, limit))]
    everything = store.connection.execute(f"SELECT count(*) FROM ({old})", (before_ms,)).fetchone()[0]
    return Old(runs, everything - len(runs))


def prune(store: Store, before_ms: int, *, force: bool = False, most: int | None = None) -> Pruned:
    """Delete what `old_runs` names."""
    old = old_runs(store, before_ms, force=force, most=most)
    for start in range(0, len(old.runs), _AT_ONCE):
        with store.writing() as connection:
            some = old.runs[start : start + _AT_ONCE]
            for run in some:
                pruned.remember(connection, run)
            delete_runs(connection, some)
    if old.runs:
        _tidy(store)
    return Pruned(len(old.runs), old.kept)


def _tidy(store: Store) -> None:
    with store.writing() as connection:
        pruned.forget_the_oldest(connection)
        connection.execute(
            "DELETE FROM steps WHERE id NOT IN (SELECT DISTINCT step FROM step_runs) "
            "AND flow NOT IN (SELECT flow_key FROM runs)"
        )
        connection.execute(
            "DELETE FROM flow_versions WHERE id NOT IN "
            "(SELECT flow_version FROM runs WHERE flow_version IS NOT NULL)"
        )
    store.connection.execute("PRAGMA incremental_vacuum").fetchall()
