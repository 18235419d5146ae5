"""Deleting runs and giving their space back.

A few facts about a deleted run that its record does not tell are remembered: if it is imported again, it has
the version of its executor, its tags and how its process ended, and is not sent a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from one_trace.store.connection import Connection

_BATCH = 1_000
"""Spans deleted in one transaction, unless a run has more: a traced run that ends meanwhile waits for a few
ms only."""
_RUN = 10
"""As many spans as deleting a run takes beside its own."""
_PAGES = 100
"""Pages given back in one transaction, for the same reason."""
_PAGES_AFTER_A_RUN = 1_000
"""Pages given back where the number of runs is bounded too."""
_REMEMBERED = 100_000
"""The most runs that are remembered. Of older ones there is no record left either."""
_SENT = "sink, revision, url, sent_ms, visibility, attempts, queued_ms"
_uploads = msgspec.json.Decoder(list[tuple[str, str, str | None, int | None, str | None, int, int]])


class Pruned(Struct):
    """How many runs were deleted, and how many old ones were kept because they are not delivered yet. In a
    dry run nothing is deleted, and `would_delete` is how many would be.
    """

    deleted: int
    kept: int
    dry_run: bool = False
    would_delete: int = 0


class Old(Struct):
    """The runs to delete, each with its number and how many spans it has; and how many old ones are kept."""

    runs: list[tuple[int, int]]
    kept: int


def old_runs(connection: Connection, before_ms: int, *, force: bool = False, most: int | None = None) -> Old:
    """The runs started before `before_ms`, the oldest `most` of them. Runs that are queued for a sink are
    kept unless `force`.
    """
    queued = "EXISTS (SELECT 1 FROM outbox WHERE run = runs.id AND state = 'queued')"
    old = "SELECT id, spans FROM runs WHERE started_ms < ?"
    wanted = (old if force else f"{old} AND NOT {queued}") + " ORDER BY started_ms LIMIT ?"
    limit = -1 if most is None else most
    runs = connection.execute(wanted, (before_ms, limit)).fetchall()
    total = connection.execute(f"SELECT count(*) FROM ({old})", (before_ms,)).fetchone()[0]
    return Old(runs, total - len(runs))


def prune(connection: Connection, before_ms: int, *, force: bool = False, most: int | None = None) -> Pruned:
    """Delete what `old_runs` lists."""
    old = old_runs(connection, before_ms, force=force, most=most)
    for batch in _batches(old.runs):
        with connection.writing():
            for run in batch:
                _remember(connection, run)
            delete_runs(connection, batch)
    if old.runs:
        _tidy(connection)
        _give_back(connection, None if most is None else _PAGES_AFTER_A_RUN)
    return Pruned(len(old.runs), old.kept)


def _batches(runs: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Numbers of runs to delete in one transaction."""
    batch: list[int] = []
    size = 0
    for run, spans in runs:
        if batch and size + spans > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(run)
        size += spans + _RUN
    if batch:
        yield batch


def delete_runs(connection: Connection, runs: Sequence[int]) -> None:
    """Delete the runs with these numbers, in the caller's transaction."""
    for run in runs:
        delete_spans(connection, run)
        connection.execute("DELETE FROM outbox WHERE run = ?", (run,))
        connection.execute("DELETE FROM imports WHERE run = ?", (run,))
        connection.execute("DELETE FROM runs WHERE id = ?", (run,))


def delete_spans(connection: Connection, run: int) -> None:
    """Delete the spans of a run and its summary."""
    connection.execute(
        "DELETE FROM step_runs WHERE run = ?1 AND step IN (SELECT DISTINCT step FROM spans WHERE run = ?1)",
        (run,),
    )
    connection.execute("DELETE FROM spans WHERE run = ?", (run,))


def _tidy(connection: Connection) -> None:
    """Delete what belongs to no run any more; all of it is found by indexes."""
    with connection.writing():
        connection.execute(f"DELETE FROM pruned WHERE id <= (SELECT max(id) FROM pruned) - {_REMEMBERED}")
        connection.execute(
            "DELETE FROM steps WHERE NOT EXISTS (SELECT 1 FROM runs WHERE flow_key = steps.flow) "
            "AND NOT EXISTS (SELECT 1 FROM step_runs WHERE step = steps.id)"
        )
        connection.execute(
            "DELETE FROM flow_versions "
            "WHERE NOT EXISTS (SELECT 1 FROM runs WHERE flow_version = flow_versions.id)"
        )


def _give_back(connection: Connection, most: int | None) -> None:
    """Make the file smaller by the pages that are free, at most so many."""
    free = _free_pages(connection)
    left = free if most is None else min(free, most)
    while left > 0:
        with connection.writing():
            for _ in range(min(left, _PAGES)):
                # One a statement: sqlite3 gives up a statement without rows after its first step.
                connection.execute("PRAGMA incremental_vacuum(1)")
        before, free = free, _free_pages(connection)
        if free >= before:
            return  # a file that cannot shrink, or another process has deleted runs meanwhile
        left = min(left - _PAGES, free)


def _free_pages(connection: Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _remember(connection: Connection, run: int) -> None:
    """Remember the run with this number before it is deleted."""
    sql = "SELECT trace_id, executor_version, exit, tags FROM runs WHERE id = ?"
    trace_id, *facts = connection.execute(sql, (run,)).fetchone()
    sql = f"SELECT {_SENT} FROM outbox WHERE run = ? AND state = 'sent'"
    sent = connection.execute(sql, (run,)).fetchall()
    if facts == [None, None, None] and not sent:
        return
    connection.execute(
        "INSERT OR REPLACE INTO pruned (trace_id, executor_version, exit, tags, uploads) "
        "VALUES (?, ?, ?, ?, ?)",
        (trace_id, *facts, msgspec.json.encode(sent).decode()),
    )


def recall(connection: Connection, run: int, trace_id: str) -> None:
    """Give the new run with this number what is remembered of it."""
    remembered = connection.execute(
        "DELETE FROM pruned WHERE trace_id = ? RETURNING executor_version, exit, tags, uploads", (trace_id,)
    ).fetchone()
    if remembered is None:
        return
    *facts, uploads = remembered
    connection.execute(
        "UPDATE runs SET executor_version = coalesce(executor_version, ?), exit = coalesce(exit, ?), "
        "tags = coalesce(tags, ?) WHERE id = ?",
        (*facts, run),
    )
    try:
        sent = _uploads.decode(uploads)
    except msgspec.MsgspecError:  # damaged: better sent twice than not stored
        sent = []
    connection.executemany(
        f"INSERT INTO outbox (run, state, {_SENT}) VALUES (?, 'sent', ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (run, sink) DO NOTHING",
        [(run, *upload) for upload in sent],
    )
