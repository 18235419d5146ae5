"""The questions that a store answers about its runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from one_trace.errors import NoSuchRun
from one_trace.model.trace import PlannedStep, Run, Span, Trace, Upload
from one_trace.store import rows, tags
from one_trace.store.column_types import InvalidColumn, check
from one_trace.store.connection import Connection, Row
from one_trace.store.store_errors import damaged

if TYPE_CHECKING:
    from one_trace.model.wanted import Wanted

_STEP = "id, step_id, name, type, flow_key"
_UPLOAD = "run, sink, state, url, attempts, error"
_LAST = "SELECT run_id FROM runs ORDER BY started_ms DESC, id DESC LIMIT 1"
_LAST_CHARACTER = chr(0x10FFFF)
_FIND = (
    "SELECT run_id, coalesce(host_run_id, run_id) AS shown, trace_id, cwd FROM runs "
    "WHERE (run_id >= ?1 AND run_id < ?2 AND (host_run_id IS NULL OR run_id = ?1)) "
    "OR (host_run_id >= ?1 AND host_run_id < ?2) OR trace_id = ?1 "
    "ORDER BY ?1 NOT IN (run_id, shown, trace_id), shown, started_ms LIMIT 6"
)
"""Runs by key, prefix of a run id, or trace id: a range, since `LIKE` and `substr` do not use an index."""
_KEPT = (
    "SELECT id, run_id, coalesce(host_run_id, run_id), trace_id, cwd, status, spans, partial IS NULL, "
    "document_uploads IS NOT NULL, started_ms, revision FROM runs"
)


_ALL = (None, None, None, None, None, None, (), None)
"""As `model.wanted.ALL`, which `trace show` need not import."""
_BY = {
    "start": "",
    "duration": "duration_ms DESC, ",
    "steps": "spans DESC, ",
    "failed": "error + timeout DESC, ",
    "retries": "retries DESC, ",
    "cost": "cost_usd DESC, ",
}
"""The beginning of the ORDER BY for each of `model.wanted.ORDERS`."""


def conditions(wanted: Wanted | None, after: tuple[float, str] | None = None) -> tuple[str, list[object]]:
    """A condition on rows of `runs`, empty if all are wanted, and the values of its parameters; `after`: see
    `Reader.runs`."""
    # If that run was deleted, those of the same millisecond may come twice, and none is left out.
    older = "(runs.started_ms, runs.id) < (?, coalesce((SELECT id FROM runs WHERE run_id = ?), 1 << 62))"
    flow, status, since, project, until, session, tagged, last = wanted or _ALL
    plain = (
        ("runs.flow_key = ?", (flow,)),
        ("runs.status = ?", (status,)),
        ("runs.started_ms >= ?", (since,)),
        ("runs.started_ms < ?", (until,)),
        ("runs.cwd = ?", (project,)),
        ("runs.session_id = ?", (session,)),
        (older, after or (None,)),
    )
    given: list[tuple[str, tuple[object, ...]]] = [each for each in plain if each[1][0] is not None]
    given += tags.conditions(tagged)
    values = [rows.plain(value) for _, values in given for value in values]
    condition = " AND ".join(condition for condition, _ in given)
    if last is None:
        return condition, values
    places = "row_number() OVER (PARTITION BY flow_key, cwd ORDER BY started_ms DESC, id DESC)"
    among = f"SELECT id, {places} AS place FROM runs" + (f" WHERE {condition}" if condition else "")
    return f"runs.id IN (SELECT id FROM ({among}) WHERE place <= ?)", [*values, last]


def where(wanted: Wanted | None, after: tuple[float, str] | None = None) -> tuple[str, list[object]]:
    """The same as a WHERE clause."""
    condition, values = conditions(wanted, after)
    return f"WHERE {condition}" if condition else "", values


class Child(Struct):
    """A run that was started by another. `sent`: to the sink in question. `visibility`: as it was shared, if
    it was.
    """

    trace_id: str
    cwd: str | None
    visibility: str | None
    sent: int


class Kept(Struct):
    """What the store has of a run. `key`: its `run_id` there. `whole`: nothing was wrong with its record."""

    number: int
    key: str
    run_id: str
    trace_id: str
    cwd: str | None
    status: str
    spans: int
    whole: bool
    from_document: bool
    started_ms: int
    revision: str


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
    """The runs of a store. Every method raises StoreError if the store cannot be read or is damaged.

    A run's key is its `run_id` in the store: the host's run id, or the trace id if another run has that id.
    Methods that take a key take the trace id of any run, too.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def find(self, ref: str) -> str:
        """The key of the run that `ref` means: a run id, a unique prefix of one, a trace id, or ``last``.

        Raises NoSuchRun.
        """
        if ref == "last":
            row = self.connection.execute(_LAST).fetchone()
            if row is None:
                raise NoSuchRun("no run has been traced yet", hint="one flow execute my-flow --trace")
            return str(row[0])
        ref = rows.plain(ref)
        found = self.connection.execute(_FIND, (ref, ref + _LAST_CHARACTER)).fetchall()
        found = [row for row in found if ref in row[:3]] or found
        if len(found) == 1:
            return str(found[0][0])
        raise _not_one_run(ref, found)

    def number(self, key: str) -> int:
        """The number of the run with this key or trace id. Raises NoSuchRun."""
        row = self.connection.execute(f"SELECT {number_sql('?1')}", (key,)).fetchone()
        if row[0] is None:
            raise _not_one_run(key, [])
        return int(row[0])

    def trace(self, key: str) -> Trace:
        """The trace document of the run with this key or trace id. Raises NoSuchRun."""
        sql = f"SELECT id, {rows.RUN_COLUMNS} FROM runs WHERE id = {number_sql('?1')}"
        row = self.connection.execute(sql, (key,)).fetchone()
        if row is None:
            raise _not_one_run(key, [])
        with self.decoding():
            (run,) = self._runs([row])
            return Trace(run=run, spans=self._spans(row[0]))

    def planned(self, key: str) -> dict[str, PlannedStep]:
        """The steps of the flow that the run with this key or trace id ran, by static path; none where they
        are not known."""
        sql = (
            "SELECT plan FROM flow_versions WHERE plan IS NOT NULL "
            f"AND id = (SELECT flow_version FROM runs WHERE id = {number_sql('?1')})"
        )
        row = self.connection.execute(sql, (key,)).fetchone()
        with self.decoding():
            steps = msgspec.json.decode(row[0], type=list[PlannedStep]) if row is not None else []
        return {step.path: step for step in steps}

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Report rows that make no sense as damage of the store."""
        try:
            yield
        except (InvalidColumn, msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, InvalidColumn) else type(error).__name__
            path = self.connection.path
            raise damaged(path, f"what it has of a run makes no sense: {reason}") from error

    def _spans(self, run: int) -> list[Span]:
        sql = f"SELECT {_STEP} FROM steps WHERE id IN (SELECT DISTINCT step FROM spans WHERE run = ?)"
        step_rows = self.connection.execute(sql, (run,)).fetchall()
        check("steps", _STEP, step_rows)
        steps = {number: step for number, *step in step_rows}
        sql = f"SELECT {rows.SPAN_COLUMNS} FROM spans WHERE run = ?"
        numbered: list[tuple[int, Span]] = []
        tails: dict[str, str] = {}
        for chunk in self.connection.execute(sql, (run,)).chunks():
            check("spans", rows.SPAN_COLUMNS, chunk)
            numbered += [(row[1], rows.span_of(row, steps[row[2]])) for row in chunk]
            tails.update((row[3], row[-1]) for row in chunk if row[-1] is not None)
        numbered.sort(key=itemgetter(0))  # not by SQLite, which would copy whole rows
        spans = [span for _, span in numbered]
        if not {span.parent_span_id for span in spans} <= {None, *(span.span_id for span in spans)}:
            raise InvalidColumn("spans have parents that are missing")
        if tails:
            from one_trace.store.deep_paths import add_tails  # hardly ever

            add_tails(spans, tails)
        return spans

    def runs(
        self,
        wanted: Wanted | None = None,
        *,
        limit: int | None = None,
        after: tuple[float, str] | None = None,
        order: str = "start",
    ) -> list[Run]:
        """Runs (all by default) in an order of `model.wanted.ORDERS`. `after`: those that follow, by start,
        the run with this start (ms since 1970) and id.
        """
        clause, values = where(wanted, after)
        by = f"{_BY[order]}started_ms DESC, id DESC"
        sql = f"SELECT id, {rows.RUN_COLUMNS} FROM runs {clause} ORDER BY {by} LIMIT ?"
        numbered = self.connection.execute(sql, [*values, -1 if limit is None else limit]).fetchall()
        with self.decoding():
            return self._runs(numbered)

    def count(self, wanted: Wanted | None = None, *, after: tuple[float, str] | None = None) -> int:
        """The number of runs that `runs` gives without a limit."""
        clause, values = where(wanted, after)
        return int(self.connection.execute(f"SELECT count(*) FROM runs {clause}", values).fetchone()[0])

    def named(self, prefix: str, limit: int) -> list[tuple[str, str, str, int]]:
        """Run id, flow, status and start (ms since 1970) of the runs whose id begins with `prefix`, newest
        first."""
        where = (
            "WHERE (run_id >= ?2 AND run_id < ?3 AND host_run_id IS NULL) "
            "OR (host_run_id >= ?2 AND host_run_id < ?3)"
        )
        sql = (
            "SELECT coalesce(host_run_id, run_id), flow_key, status, started_ms FROM runs "
            f"{where if prefix else ''} ORDER BY started_ms DESC, id DESC LIMIT ?1"
        )
        prefix = rows.plain(prefix)
        return self.connection.execute(sql, (limit, prefix, prefix + _LAST_CHARACTER)).fetchall()

    def flows(self) -> dict[str, int]:
        """The flows that have runs, by key, with the start of the last run (ms since 1970)."""
        sql = "SELECT flow_key, max(started_ms) FROM runs GROUP BY flow_key ORDER BY flow_key"
        return dict(self.connection.execute(sql).fetchall())

    def steps_of(self, key: str) -> list[tuple[str, str, str]]:
        """Static path, id and type of each step that ran in the run with this key."""
        from one_trace.store.deep_paths import whole_paths

        sql = (
            "SELECT steps.id, path, step_id, type FROM steps JOIN "
            f"(SELECT step, min(seq) AS first FROM spans WHERE run = {number_sql('?1')} GROUP BY step) "
            "ON step = steps.id ORDER BY first"
        )
        deep = whole_paths(self.connection)
        return [
            (deep.get(number, path), *facts) for number, path, *facts in self.connection.execute(sql, (key,))
        ]

    def kept(self, run: Run, *, exactly: bool = False) -> Kept | None:
        """What the store has of a run: the one with its trace id. If there is none, and unless `exactly`, the
        one with its run id and folder of which one record was damaged: the start that the trace id is made
        of was then read from elsewhere.
        """
        sql = f"{_KEPT} WHERE trace_id = ?1 OR run_id = ?2 OR host_run_id = ?2 ORDER BY trace_id <> ?1, id"
        values = (rows.plain(run.trace_id), rows.plain(run.run_id))
        for row in self.connection.execute(sql, values).fetchall():
            kept = Kept(*row)
            if kept.trace_id == run.trace_id:
                return kept
            is_damaged = not kept.whole or bool(run.partial)
            if not exactly and kept.run_id == run.run_id and kept.cwd == run.cwd and is_damaged:
                return kept
        return None

    def family(self, key: str, sink: str) -> Family:
        number = self.number(key)
        sql = (
            "SELECT coalesce(host_run_id, run_id), trace_id, input_count, traceparent, parent_run_id, cwd, "
            "started_ms FROM runs WHERE id = ?"
        )
        run_id, trace_id, count, traceparent, parent_id, *start = self.connection.execute(
            sql, (number,)
        ).fetchone()
        ends = self.connection.execute(
            "SELECT error, max(command_end) FROM spans WHERE run = ? AND command_end IS NOT NULL "
            "AND error IS NOT NULL GROUP BY error",
            (number,),
        ).fetchall()
        parent = _parent(self._namesakes(parent_id), *start)
        return Family(count, parent, traceparent, self._children(run_id, trace_id, sink), dict(ends))

    def _children(self, run_id: str, trace_id: str, sink: str) -> list[Child]:
        children = self.connection.execute(
            "SELECT trace_id, cwd, visibility, coalesce(state, '') = 'sent', started_ms FROM runs "
            "LEFT JOIN outbox ON outbox.run = runs.id AND sink = ? "
            "WHERE parent_run_id = ? ORDER BY started_ms",
            (sink, run_id),
        ).fetchall()
        parents = self._namesakes(run_id) if children else []
        return [
            Child(*child)
            for *child, started_ms in children
            if _parent(parents, child[1], started_ms) == trace_id
        ]

    def _namesakes(self, run_id: str | None) -> list[Kept]:
        """The runs with this run id: hardly ever more than one."""
        sql = f"{_KEPT} WHERE run_id = ?1 OR host_run_id = ?1"
        return [Kept(*row) for row in self.connection.execute(sql, (run_id,)).fetchall()]

    def uploads(self, key: str) -> list[Upload]:
        """The state of the delivery of a run to each sink that it was ever queued for."""
        number = self.number(key)
        with self.decoding():
            return self._uploads([number]).get(number, [])

    def _runs(self, numbered: Sequence[Row]) -> list[Run]:
        """The runs of rows of ``id`` and RUN_COLUMNS."""
        check("runs", f"id, {rows.RUN_COLUMNS}", numbered)
        uploads = self._uploads([row[0] for row in numbered])
        runs = [rows.run_of(row[1:]) for row in numbered]
        for row, run in zip(numbered, runs, strict=True):
            ours = uploads.get(row[0], [])
            sinks = {upload.sink for upload in ours}
            theirs = [upload for upload in run.uploads if upload.sink not in sinks]
            run.uploads = sorted([*ours, *theirs], key=attrgetter("sink")) if ours else theirs
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


def _parent(namesakes: Sequence[Kept], cwd: str | None, started_ms: int) -> str | None:
    """The trace id of the run that started another, among those with its parent's id: the last one before it,
    preferably in its folder.
    """
    best = max(
        namesakes,
        key=lambda kept: (kept.cwd == cwd, kept.started_ms <= started_ms, kept.started_ms),
        default=None,
    )
    return best.trace_id if best else None


def number_sql(parameter: str) -> str:
    """The number of the run whose key or trace id is `parameter`, in SQL."""
    same = f"run_id = {parameter} OR trace_id = {parameter}"
    return f"(SELECT id FROM runs WHERE {same} ORDER BY trace_id <> {parameter} LIMIT 1)"


def _not_one_run(ref: str, found: Sequence[Row]) -> NoSuchRun:
    names = list(dict.fromkeys(str(row[1]) for row in found))
    if not names:
        return NoSuchRun(f"no run '{ref}' in the store", hint="List the runs: one trace list")
    if len(names) > 1:
        return NoSuchRun(
            f"more than one run begins with '{ref}': {', '.join(names)}", hint="Give more of the id."
        )
    which = " and ".join(f"{trace_id} (in {cwd})" for _, _, trace_id, cwd in found)
    return NoSuchRun(
        f"{len(found)} runs have the id '{names[0]}': {which}", hint="Give the trace id instead."
    )
