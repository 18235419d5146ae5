"""What is remembered of a run that was deleted: the facts that its record does not tell.

Should it be imported again, it has the version of its executor, and is not sent a second time.
"""

from __future__ import annotations

import msgspec

from one_trace.store.connection import Connection

_MOST = 100_000
"""Runs remembered at most; of older ones no record is left either."""
_SENT = "sink, revision, url, sent_ms, visibility, attempts, queued_ms"
_Upload = tuple[str, str, str | None, int | None, str | None, int, int]
_uploads = msgspec.json.Decoder(list[_Upload])


def remember(connection: Connection, run: int) -> None:
    """Before the run of this number is deleted."""
    trace_id, version = connection.execute(
        "SELECT trace_id, executor_version FROM runs WHERE id = ?", (run,)
    ).fetchone()
    sent = connection.execute(
        f"SELECT {_SENT} FROM outbox WHERE run = ? AND state = 'sent'", (run,)
    ).fetchall()
    if version is None and not sent:
        return
    connection.execute(
        "INSERT OR REPLACE INTO pruned (trace_id, executor_version, uploads) VALUES (?, ?, ?)",
        (trace_id, version, msgspec.json.encode(sent).decode()),
    )


def forget_the_oldest(connection: Connection) -> None:
    connection.execute(f"DELETE FROM pruned WHERE id <= (SELECT max(id) FROM pruned) - {_MOST}")


def recall(connection: Connection, run: int, trace_id: str) -> None:
    """Give the new run of this number what is remembered of it."""
    kept = connection.execute(
        "DELETE FROM pruned WHERE trace_id = ? RETURNING executor_version, uploads", (trace_id,)
    ).fetchone()
    if kept is None:
        return
    version, uploads = kept
    connection.execute(
        "UPDATE runs SET executor_version = coalesce(executor_version, ?) WHERE id = ?", (version, run)
    )
    connection.executemany(
        f"INSERT INTO outbox (run, state, {_SENT}) VALUES (?, 'sent', ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (run, sink) DO NOTHING",
        [(run, *upload) for upload in _sent(uploads)],
    )


def _sent(text: str) -> list[_Upload]:
    try:
        return _uploads.decode(text)
    except msgspec.MsgspecError:  # damaged: rather sent twice than not kept
        return []
