"""Taking in what an older copy of one-trace has kept in a store of its own, beside one whose layout it did
not know.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from one_trace.model.trace import Assembly, Session, Trace
from one_trace.store.connection import Connection
from one_trace.store.save import delete_runs


class _Store(Protocol):
    """What is asked of a store here."""

    connection: Connection

    def writing(self) -> AbstractContextManager[Connection]: ...
    def sense(self) -> AbstractContextManager[None]: ...
    def trace(self, run_id: str) -> Trace: ...

    def save(
        self,
        assembly: Assembly,
        *,
        session: Session | None = None,
        parent_run_id: str | None = None,
        traceparent: str | None = None,
    ) -> object: ...


_FACTS = "input_count, traceparent, flow_versions.version, static_paths, step_timeouts"
_SENT = "sink, state, revision, attempts, queued_ms, next_try_ms, sent_ms, url, error, visibility"


def take_in(older: _Store, store: _Store) -> None:
    """Move the runs of `older` into `store`. Raises StoreError: then it is left as it is, to be looked at
    the next time.
    """
    numbers = [number for (number,) in older.connection.execute("SELECT id FROM runs ORDER BY started_ms")]
    if not numbers:
        return
    with older.writing() as connection:  # its writers wait until all is here
        for number in numbers:
            _copy(older, store, number)
        delete_runs(connection, numbers)


def _copy(older: _Store, store: _Store, number: int) -> None:
    run_id, *facts = older.connection.execute(
        f"SELECT run_id, {_FACTS} FROM runs LEFT JOIN flow_versions ON flow_versions.id = flow_version "
        "WHERE runs.id = ?",
        (number,),
    ).fetchone()
    trace = older.trace(run_id)
    with older.sense():
        assembly, traceparent = _assembly(trace, *facts)
    run = trace.run
    store.save(assembly, session=run.session, parent_run_id=run.parent_run_id, traceparent=traceparent)
    deliveries = older.connection.execute(f"SELECT {_SENT} FROM outbox WHERE run = ?", (number,)).fetchall()
    with store.writing() as connection:
        connection.executemany(
            f"INSERT INTO outbox (run, {_SENT}) "
            "SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM runs WHERE run_id = ?1 "
            "ON CONFLICT (run, sink) DO NOTHING",
            [(run_id, *delivery) for delivery in deliveries],
        )


def _assembly(
    trace: Trace,
    input_count: int | None,
    traceparent: str | None,
    version: str | None,
    paths: str | None,
    timeouts: str | None,
) -> tuple[Assembly, str | None]:
    return Assembly(
        trace=trace,
        flow_version=version,
        static_paths=msgspec.json.decode(paths or "[]", type=list[str]),
        step_timeouts=msgspec.json.decode(timeouts or "{}", type=dict[str, float]),
        input_count=input_count,
    ), traceparent
