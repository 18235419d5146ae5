"""The store: runs are saved whole in one transaction, and read back as the trace document has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from msgspec import Struct

from one_trace.collector import held_back
from one_trace.errors import NoSuchRun
from one_trace.model import Assembly, Run, Session, Span, Trace, Upload
from one_trace.store import rows
from one_trace.store.connect import connect, troubles

Saved = Literal["new", "updated", "unchanged"]
"""What saving a run did to the store."""


class Child(Struct):
    """A run that another one started; `sent` to the sink in question, `visibility` as it was shared, if it
    was.
    """

    trace_id: str
    cwd: str | None
    visibility: str | None
    sent: int


class Kept(Struct):
    """What the store has of a run: enough to tell whether another record of it is fuller."""

    trace_id: str
    cwd: str | None
    status: str
    spans: int
    whole: bool


class Family(Struct):
    """How many inputs a run was given, the trace of the run that started it, the W3C trace context it was
    started in, and the runs that it started.
    """

    input_count: int | None
    parent_trace_id: str | None
    traceparent: str | None
    children: list[Child]


class Store:
    """The SQLite store at `path`. As a context manager it closes itself; every failure is a StoreTrouble.

    A reader (``readonly=True``) of a store that does not exist finds it empty and makes nothing.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self.connection: sqlite3.Connection = connect(path, readonly=readonly)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One short write transaction: all of it or nothing."""
        with troubles(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def save(
        self,
        assembly: Assembly,
        *,
        sinks: Sequence[str] = (),
        session: Session | None = None,
        parent_run_id: str | None = None,
        traceparent: str | None = None,
        hold: bool = False,
    ) -> Saved:
        """Put a run in the store, or in the place of what the store has of it, and queue it for `sinks`
        (`hold`: not to be sent before somebody asks for it).

        Saving the same twice changes nothing. A run that was sent is sent again only if it has changed.
        """
        from one_trace.store.save import prepare, queue, write  # readers, the most of us, never need it

        with held_back():
            prepared = prepare(assembly)
        with held_back(), self.writing() as connection:
            saved = write(connection, prepared, session, parent_run_id, traceparent)
            queue(connection, [prepared.assembly.trace.run.run_id], sinks, hold=hold)
            return saved

    def find(self, ref: str) -> str:
        """The run id that `ref` means: one in full, the beginning of just one, or ``last``. Raises
        NoSuchRun.
        """
        with troubles(self.path):
            if ref == "last":
                newest = self.connection.execute(
                    "SELECT run_id FROM runs ORDER BY started_ms DESC, id DESC LIMIT 1"
                )
                found = newest.fetchall()
            else:
                found = self.connection.execute(
                    "SELECT run_id FROM runs WHERE substr(run_id, 1, length(?1)) = ?1 "
                    "ORDER BY run_id <> ?1, run_id LIMIT 6",
                    (rows.plain(ref),),
                ).fetchall()
        if found and (len(found) == 1 or found[0][0] == ref):
            return str(found[0][0])
        raise _no_such_run(ref, [name for (name,) in found])

    def trace(self, run_id: str) -> Trace:
        """The trace document of a run, by its full id. Raises NoSuchRun."""
        with troubles(self.path):
            row = self.connection.execute(
                f"SELECT id, {rows.RUN_COLUMNS} FROM runs WHERE run_id = ?", (run_id,)
            ).fetchone()
            if row is None:
                raise _no_such_run(run_id, [])
            run = rows.run_of(row[1:])
            run.uploads = self._uploads([row[0]]).get(row[0], [])
            return Trace(run=run, spans=self._spans(row[0]))

    def _spans(self, run: int) -> list[Span]:
        steps = {
            number: step
            for number, *step in self.connection.execute(
                "SELECT id, step_id, name, type, flow_key FROM steps "
                "WHERE id IN (SELECT DISTINCT step FROM spans WHERE run = ?)",
                (run,),
            )
        }
        sql = f"SELECT {rows.SPAN_COLUMNS} FROM spans WHERE run = ? ORDER BY seq"
        return [rows.span_of(row, steps[row[4]]) for row in self.connection.execute(sql, (run,))]

    def runs(
        self,
        flow: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
        limit: int | None = None,
        project: str | None = None,
    ) -> list[Run]:
        """Runs, newest first: of one flow, of one status, started at `since_ms` (ms since 1970) or later, in
        one folder.
        """
        where, values = _wanted(flow, status, since_ms, project)
        sql = f"SELECT id, {rows.RUN_COLUMNS} FROM runs {where} ORDER BY started_ms DESC, id DESC LIMIT ?"
        with troubles(self.path):
            found = self.connection.execute(sql, [*values, -1 if limit is None else limit])
            numbered = [(row[0], rows.run_of(row[1:])) for row in found]
            uploads = self._uploads([number for number, _ in numbered])
        for number, run in numbered:
            run.uploads = uploads.get(number, [])
        return [run for _, run in numbered]

    def count(
        self,
        flow: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
        project: str | None = None,
    ) -> int:
        """How many runs `runs` would give without a limit."""
        where, values = _wanted(flow, status, since_ms, project)
        with troubles(self.path):
            found = self.connection.execute(f"SELECT count(*) FROM runs {where}", values).fetchone()
        return int(found[0])

    def kept(self, run_id: str) -> Kept | None:
        """What the store has of a run, where it has it."""
        sql = "SELECT trace_id, cwd, status, spans, partial IS NULL FROM runs WHERE run_id = ?"
        with troubles(self.path):
            found = self.connection.execute(sql, (run_id,)).fetchone()
        if found is None:
            return None
        trace_id, cwd, status, spans, whole = found
        return Kept(trace_id=trace_id, cwd=cwd, status=status, spans=spans, whole=bool(whole))

    def family(self, run_id: str, sink: str) -> Family:
        """What delivery needs to know of a run beside its trace."""
        with troubles(self.path):
            own = self.connection.execute(
                "SELECT own.input_count, parent.trace_id, own.traceparent FROM runs AS own "
                "LEFT JOIN runs AS parent ON parent.run_id = own.parent_run_id WHERE own.run_id = ?",
                (run_id,),
            ).fetchone()
            children = self.connection.execute(
                "SELECT trace_id, cwd, visibility, coalesce(state, '') = 'sent' FROM runs "
                "LEFT JOIN outbox ON outbox.run = runs.id AND sink = ? "
                "WHERE parent_run_id = ? ORDER BY started_ms",
                (sink, run_id),
            ).fetchall()
        count, parent, traceparent = own or (None, None, None)
        return Family(count, parent, traceparent, [Child(*row) for row in children])

    def uploads(self, run_id: str) -> list[Upload]:
        """Where a run stands with each sink it was ever queued for."""
        with troubles(self.path):
            found = self.connection.execute("SELECT id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
            return self._uploads([found[0]]).get(found[0], []) if found else []

    def _uploads(self, numbers: list[int]) -> dict[int, list[Upload]]:
        found: dict[int, list[Upload]] = {}
        sql = (
            "SELECT run, sink, state, url, attempts, error FROM outbox "
            "WHERE run IN (SELECT value FROM json_each(?)) ORDER BY sink"
        )
        for run, sink, state, url, attempts, error in self.connection.execute(
            sql, (rows.encode_text(numbers),)
        ):
            upload = Upload(sink=sink, state=state, url=url, attempts=attempts, error=error)
            found.setdefault(run, []).append(upload)
        return found


def _wanted(
    flow: str | None, status: str | None, since_ms: int | None, project: str | None
) -> tuple[str, rows.Row]:
    wanted = (
        ("flow_key = ?", flow),
        ("status = ?", status),
        ("started_ms >= ?", since_ms),
        ("cwd = ?", project),
    )
    given = [(condition, value) for condition, value in wanted if value is not None]
    where = "WHERE " + " AND ".join(condition for condition, _ in given) if given else ""
    return where, tuple(rows.plain(value) for _, value in given)


def _no_such_run(ref: str, candidates: list[str]) -> NoSuchRun:
    if ref == "last":
        return NoSuchRun("no run has been traced yet", hint="one --agent flow execute my-flow --trace")
    if candidates:
        return NoSuchRun(
            f"more than one run begins with '{ref}': {', '.join(candidates)}", hint="Give more of the id."
        )
    return NoSuchRun(f"no run '{ref}' in the store", hint="one trace list shows the runs there are.")
