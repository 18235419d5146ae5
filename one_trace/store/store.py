"""The store: runs are saved whole in one transaction, and read back as the trace document has them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from one_trace.errors import NoSuchRun, StoreError
from one_trace.model.gc import held_back
from one_trace.model.trace import Assembly, PlannedStep, Run, Session, Span, Trace, Upload
from one_trace.store import rows
from one_trace.store.connect import connect, others
from one_trace.store.connection import Connection
from one_trace.store.kinds import Contradiction, check
from one_trace.store.rows import Saved
from one_trace.store.store_errors import damaged


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
    started in, and the runs that it started. `command_ends`: how many characters of which error text are a
    command.
    """

    input_count: int | None
    parent_trace_id: str | None
    traceparent: str | None
    children: list[Child]
    command_ends: dict[str, int] = {}


class Store:
    """The SQLite store at `path`. As a context manager it closes itself; every failure is a StoreError.

    A reader (``readonly=True``) of a store that does not exist finds it empty and makes nothing. A writer
    takes in what copies of an older layout have kept beside it.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.connection, self.path = connect(path, readonly=readonly)
        if not readonly:
            for other in others(self.path):
                from one_trace.store.taking_in import take_in  # hardly ever

                with suppress(StoreError), Store(other) as older:
                    take_in(older, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One short write transaction: all of it or nothing."""
        with self.connection.writing():
            yield self.connection

    def save(
        self,
        assembly: Assembly,
        *,
        sinks: Sequence[str] = (),
        session: Session | None = None,
        parent_run_id: str | None = None,
        traceparent: str | None = None,
        hold: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Saved:
        """Put a run in the store, or in the place of what the store has of it, and queue it for `sinks`
        (`hold`: not to be sent before somebody asks for it).

        Secrets are taken out of the errors of `assembly` first: those of `env`, the run's environment (by
        default this process's own, as good as an import can know), and all that look like one.

        Saving the same twice changes nothing. A run that was sent is sent again only if it has changed.
        """
        from one_trace.store.save import prepare, queue, write  # readers, the most of us, never need it

        with held_back():
            prepared = prepare(assembly, os.environ if env is None else env)
        with held_back(), self.writing() as connection:
            saved = write(connection, prepared, session, parent_run_id, traceparent)
            queue(connection, [prepared.assembly.trace.run.run_id], sinks, hold=hold)
            return saved

    def find(self, ref: str) -> str:
        """The run id that `ref` means: one in full, the beginning of just one, or ``last``. Raises
        NoSuchRun.
        """
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
        row = self.connection.execute(
            f"SELECT id, {rows.RUN_COLUMNS} FROM runs WHERE run_id = ?", (run_id,)
        ).fetchone()
        if row is None:
            raise _no_such_run(run_id, [])
        with self.sense():
            (run,) = _runs_of([row])
            run.uploads = self._uploads([row[0]]).get(row[0], [])
            return Trace(run=run, spans=self._spans(row[0]))

    @contextmanager
    def sense(self) -> Iterator[None]:
        """Around what makes sense of rows: where they make none, the store is damaged."""
        try:
            yield
        except (Contradiction, msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, Contradiction) else type(error).__name__
            raise damaged(self.path, f"what it has of a run makes no sense: {reason}") from error

    def _spans(self, run: int) -> list[Span]:
        numbered = self.connection.execute(
            "SELECT id, step_id, name, type, flow_key FROM steps "
            "WHERE id IN (SELECT DISTINCT step FROM spans WHERE run = ?)",
            (run,),
        ).fetchall()
        check("steps", ("id", "step_id", "name", "type", "flow_key"), numbered)
        steps = {number: step for number, *step in numbered}
        sql = f"SELECT {rows.SPAN_COLUMNS} FROM spans WHERE run = ? ORDER BY seq"
        spans: list[Span] = []
        for some in self.connection.execute(sql, (run,)).chunks():
            check("spans", rows.SPAN_NAMES, some)
            spans += [rows.span_of(row, steps[row[4]]) for row in some]
        if not {span.parent_span_id for span in spans} <= {None, *(span.span_id for span in spans)}:
            raise Contradiction("spans have parents that are not there")
        return spans

    def runs(
        self,
        flow: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
        limit: int | None = None,
        project: str | None = None,
        after: tuple[float, str] | None = None,
    ) -> list[Run]:
        """Runs, newest first: of one flow, of one status, started at `since_ms` (ms since 1970) or later, in
        one folder; `after`: only those that come after this run, by its start (ms since 1970) and id.
        """
        where, values = _wanted(flow, status, since_ms, project, after)
        sql = f"SELECT id, {rows.RUN_COLUMNS} FROM runs {where} ORDER BY started_ms DESC, id DESC LIMIT ?"
        found = self.connection.execute(sql, [*values, -1 if limit is None else limit]).fetchall()
        with self.sense():
            runs = _runs_of(found)
            uploads = self._uploads([row[0] for row in found])
        for row, run in zip(found, runs, strict=True):
            run.uploads = uploads.get(row[0], [])
        return runs

    def count(
        self,
        flow: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
        project: str | None = None,
        after: tuple[float, str] | None = None,
    ) -> int:
        """How many runs `runs` would give without a limit."""
        where, values = _wanted(flow, status, since_ms, project, after)
        found = self.connection.execute(f"SELECT count(*) FROM runs {where}", values).fetchone()
        return int(found[0])

    def planned(self, run_id: str) -> dict[str, PlannedStep]:
        """The steps of the flow that a run ran, by static path; none where they are not known."""
        sql = (
            "SELECT plan FROM flow_versions WHERE id = (SELECT flow_version FROM runs WHERE run_id = ?) "
            "AND plan IS NOT NULL"
        )
        found = self.connection.execute(sql, (run_id,)).fetchone()
        with self.sense():
            steps = msgspec.json.decode(found[0], type=list[PlannedStep]) if found is not None else []
        return {step.path: step for step in steps}

    def kept(self, run_id: str) -> Kept | None:
        """What the store has of a run, where it has it."""
        sql = "SELECT trace_id, cwd, status, spans, partial IS NULL FROM runs WHERE run_id = ?"
        found = self.connection.execute(sql, (run_id,)).fetchone()
        if found is None:
            return None
        trace_id, cwd, status, spans, whole = found
        return Kept(trace_id=trace_id, cwd=cwd, status=status, spans=spans, whole=bool(whole))

    def knows(self, run_id: str) -> bool:
        """Whether the store has this run."""
        return self.kept(run_id) is not None

    def family(self, run_id: str, sink: str) -> Family:
        """What delivery needs to know of a run beside its trace."""
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
        """Where a run stands with each sink it was ever queued for."""
        found = self.connection.execute("SELECT id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        with self.sense():
            return self._uploads([found[0]]).get(found[0], []) if found else []

    def _uploads(self, numbers: list[int]) -> dict[int, list[Upload]]:
        found: dict[int, list[Upload]] = {}
        sql = (
            "SELECT run, sink, state, url, attempts, error FROM outbox "
            "WHERE run IN (SELECT value FROM json_each(?)) ORDER BY sink"
        )
        sent = self.connection.execute(sql, (rows.encode_text(numbers),)).fetchall()
        check("outbox", ("run", "sink", "state", "url", "attempts", "error"), sent)
        for run, sink, state, url, attempts, error in sent:
            upload = Upload(sink=sink, state=state, url=url, attempts=attempts, error=error)
            found.setdefault(run, []).append(upload)
        return found


def _runs_of(numbered: Sequence[rows.Row]) -> list[Run]:
    """The runs of rows of ``id`` and RUN_COLUMNS."""
    check("runs", ("id", *rows.RUN_NAMES), numbered)
    return [rows.run_of(row[1:]) for row in numbered]


def _wanted(
    flow: str | None,
    status: str | None,
    since_ms: int | None,
    project: str | None,
    after: tuple[float, str] | None,
) -> tuple[str, rows.Row]:
    wanted = (
        ("flow_key = ?", flow),
        ("status = ?", status),
        ("started_ms >= ?", since_ms),
        ("cwd = ?", project),
    )
    given: list[tuple[str, rows.Row]] = [
        (condition, (value,)) for condition, value in wanted if value is not None
    ]
    if after is not None:
        # A run that was deleted since: those of the same millisecond may come twice, and none is left out.
        older = "(started_ms, id) < (?, coalesce((SELECT id FROM runs WHERE run_id = ?), 1 << 62))"
        given.append((older, after))
    where = "WHERE " + " AND ".join(condition for condition, _ in given) if given else ""
    return where, tuple(rows.plain(value) for _, values in given for value in values)


def _no_such_run(ref: str, candidates: list[str]) -> NoSuchRun:
    if ref == "last":
        return NoSuchRun("no run has been traced yet", hint="one --agent flow execute my-flow --trace")
    if candidates:
        return NoSuchRun(
            f"more than one run begins with '{ref}': {', '.join(candidates)}", hint="Give more of the id."
        )
    return NoSuchRun(f"no run '{ref}' in the store", hint="one trace list shows the runs there are.")
