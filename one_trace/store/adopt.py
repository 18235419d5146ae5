"""Moving runs out of the store that an older one-trace has kept beside one whose layout it did not know."""

from __future__ import annotations

import os

import msgspec

from one_trace.model.trace import Assembly, Trace
from one_trace.store.connection import Connection
from one_trace.store.prune import delete_runs
from one_trace.store.reader import Reader
from one_trace.store.rows import Source
from one_trace.store.save import prepare, write

_FACTS = "document_uploads IS NOT NULL, input_count, traceparent, place, version, static_paths, step_timeouts"
_DELIVERY = "sink, state, revision, attempts, queued_ms, next_try_ms, sent_ms, url, error, visibility"


def adopt_runs(older: Reader, connection: Connection) -> None:
    """Move the runs of `older` to the store of `connection`. Raises StoreError; `older` is then left as it
    is, for the next attempt.
    """
    numbers = [number for (number,) in older.connection.execute("SELECT id FROM runs ORDER BY started_ms")]
    if not numbers:
        return
    with older.connection.writing():  # its writers wait until everything is here
        for number in numbers:
            _copy(older, connection, number)
        delete_runs(older.connection, numbers)


def _copy(older: Reader, connection: Connection, number: int) -> None:
    joined = "runs LEFT JOIN flow_versions ON flow_versions.id = flow_version"
    sql = f"SELECT {_FACTS} FROM {joined} WHERE runs.id = ?"
    found = older.connection.execute(sql, (number,)).fetchone()
    is_document, input_count, traceparent, place, version, paths, timeouts = found
    (key,) = older.connection.execute("SELECT run_id FROM runs WHERE id = ?", (number,)).fetchone()
    trace = older.trace(key)
    with older.decoding():
        assembly = _assembly(trace, input_count, version, paths, timeouts)
    sql = f"SELECT {_DELIVERY} FROM outbox WHERE run = ?"
    deliveries = older.connection.execute(sql, (number,)).fetchall()
    prepared = prepare(assembly, os.environ)
    with connection.writing():
        source: Source = "document" if is_document else "capture"
        _, run = write(connection, prepared, source=source, traceparent=traceparent, place=place)
        connection.executemany(
            f"INSERT INTO outbox (run, {_DELIVERY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (run, sink) DO NOTHING",
            [(run, *delivery) for delivery in deliveries],
        )


def _assembly(
    trace: Trace, input_count: int | None, version: str | None, paths: str | None, timeouts: str | None
) -> Assembly:
    return Assembly(
        trace=trace,
        flow_version=version,
        static_paths=msgspec.json.decode(paths or "[]", type=list[str]),
        step_timeouts=msgspec.json.decode(timeouts or "{}", type=dict[str, float]),
        input_count=input_count,
    )
