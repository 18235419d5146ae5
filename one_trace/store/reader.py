"""The questions that a store answers about its runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from msgspec import Struct

from one_trace.errors import NoSuchRun
from one_trace.model.trace import Run, Span, Trace, Upload
from one_trace.store import rows
from one_trace.store.column_types import Contradiction, check
from one_trace.store.connection import Connection, Row
from one_trace.store.store_errors import damaged

_STEP = "id, step_id, name, type, flow_key"
_UPLOAD = "run, sink, state, url, attempts, error"


class Child(Struct):
    """A run that was started by another. `sent`: to the sink in question. `visibility`: as it was shared, if
    it was.
    """

    trace_id: str
    cwd: str | None
    visibility: str | None
    sent: int


class Kept(Struct):
    """Enough of a run in the store to tell whether another record of it is fuller."""

    trace_id: str
    cwd: str | None
    status: str
    spans: int
    whole: bool


class Family(Struct):
    """What delivery needs to know of a run besides its trace: how many inputs it was given, the runs that
    started it and that it started, the W3C trace context that it was started in. `command_ends`: error text →
    how many of its characters are a command.
    """

    input_count: int | None
    parent_trace_id: str | None
    traceparent: str | None
    children: list[Child]
    command_ends: dict[str, int] = {}


class Reader:
    """The runs of a store. Every method raises StoreError if the store cannot be read or is damaged."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def find(self, ref: str) -> str:
        """The run id that `ref` means: a run id, a unique prefix of one, or ``last``. Raises NoSuchRun."""
        if ref == "last":
            newest = "SELECT run_id FROM runs ORDER BY started_ms DESC, id DESC LIMIT 1"
            found = self.connection.execute(newest).fetchall()
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
        sql = f"SELECT id, {rows.RUN_COLUMNS} FROM runs WHERE run_id = ?"
        row = self.connection.execute(sql, (run_id,)).fetchone()
        if row is None:
            raise _no_such_run(run_id, [])
        with self.decoding():
            (run,) = self._runs([row])
            return Trace(run=run, spans=self._spans(row[0]))

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Report rows that make no sense as damage of the store."""
        try:
            yield
        except (Contradiction, msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, Contradiction) else type(error).__name__
            path = self.connection.path
            raise damaged(path, f"what it has of a run makes no sense: {reason}") from error

    def _spans(self, run: int) -> list[Span]:
        sql = f"SELECT {_STEP} FROM steps WHERE id IN (SELECT DISTINCT step FROM spans WHERE run = ?)"
        step_rows = self.connection.execute(sql, (run,)).fetchall()
        check("steps", _STEP, step_rows)
        steps = {number: step for number, *step in step_rows}
        sql = f"SELECT {rows.SPAN_COLUMNS} FROM spans WHERE run = ? ORDER BY seq"
        spans: list[Span] = []
        for chunk in self.connection.execute(sql, (run,)).chunks():
            check("spans", rows.SPAN_COLUMNS, chunk)
            spans += [rows.span_of(row, steps[row[2]]) for row in chunk]
        if not {span.parent_span_id for span in spans} <= {None, *(span.span_id for span in spans)}:
            raise Contradiction("spans have parents that are missing")
        return spans

    def runs(
        self,
        flow: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
        limit: int | None = None,
        project: str | None = None,
    ) -> list[Run]:
        """Runs, newest first: of one flow, with one status, started at `since_ms` (ms since 1970) or later,
        in one folder.
        """
        where, values = _where(flow, status, since_ms, project)
        sql = f"SELECT id, {rows.RUN_COLUMNS} FROM runs {where} ORDER BY started_ms DESC, id DESC LIMIT ?"
        numbered = self.connection.execute(sql, [*values, -1 if limit is None else limit]).fetchall()
        with self.decoding():
            return self._runs(numbered)

    def count(
        self,
        flow: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
        project: str | None = None,
    ) -> int:
        """The number of runs that `runs` gives without a limit."""
        where, values = _where(flow, status, since_ms, project)
        return int(self.connection.execute(f"SELECT count(*) FROM runs {where}", values).fetchone()[0])

    def kept(self, run_id: str) -> Kept | None:
        """What the store has of a run, if anything."""
        sql = "SELECT trace_id, cwd, status, spans, partial IS NULL FROM runs WHERE run_id = ?"
        found = self.connection.execute(sql, (run_id,)).fetchone()
        return found and Kept(*found)

    def knows(self, run_id: str) -> bool:
        """Whether the store has this run."""
        sql = "SELECT 1 FROM runs WHERE run_id = ?"
        return self.connection.execute(sql, (run_id,)).fetchone() is not None

    def family(self, run_id: str, sink: str) -> Family:
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
        ends = self.connection.execute(
            "SELECT error, max(command_end) FROM spans "
            "WHERE run = (SELECT id FROM runs WHERE run_id = ?) AND command_end IS NOT NULL "
            "AND error IS NOT NULL GROUP BY error",
            (run_id,),
        ).fetchall()
        count, parent, traceparent = own or (None, None, None)
        return Family(count, parent, traceparent, [Child(*row) for row in children], dict(ends))

    def uploads(self, run_id: str) -> list[Upload]:
        """The state of the delivery of a run to each sink that it was ever queued for."""
        found = self.connection.execute("SELECT id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        with self.decoding():
            return self._uploads([found[0]]).get(found[0], []) if found else []

    def _runs(self, numbered: Sequence[Row]) -> list[Run]:
        """The runs of rows of ``id`` and RUN_COLUMNS."""
        check("runs", f"id, {rows.RUN_COLUMNS}", numbered)
        uploads = self._uploads([row[0] for row in numbered])
        runs = [rows.run_of(row[1:]) for row in numbered]
        for row, run in zip(numbered, runs, strict=True):
            run.uploads = uploads.get(row[0], [])
        return runs

    def _uploads(self, numbers: list[int]) -> dict[int, list[Upload]]:
        sql = f"SELECT {_UPLOAD} FROM outbox WHERE run IN (SELECT value FROM json_each(?)) ORDER BY sink"
        found = self.connection.execute(sql, (rows.encode_text(numbers),)).fetchall()
        check("outbox", _UPLOAD, found)
        uploads: dict[int, list[Upload]] = {}
        for run, sink, state, url, attempts, error in found:
            upload = Upload(sink=sink, state=state, url=url, attempts=attempts, error=error)
            uploads.setdefault(run, []).append(upload)
        return uploads


def _where(
    flow: str | None, status: str | None, since_ms: int | None, project: str | None
) -> tuple[str, Row]:
    conditions = {"flow_key = ?": flow, "status = ?": status, "started_ms >= ?": since_ms, "cwd = ?": project}
    given = {condition: value for condition, value in conditions.items() if value is not None}
    where = f"WHERE {' AND '.join(given)}" if given else ""
    return where, tuple(map(rows.plain, given.values()))


def _no_such_run(ref: str, candidates: list[str]) -> NoSuchRun:
    if ref == "last":
        return NoSuchRun("no run has been traced yet", hint="one --agent flow execute my-flow --trace")
    if candidates:
        return NoSuchRun(
            f"more than one run begins with '{ref}': {', '.join(candidates)}", hint="Give more of the id."
        )
    return NoSuchRun(f"no run '{ref}' in the store", hint="List the runs: one trace list")
