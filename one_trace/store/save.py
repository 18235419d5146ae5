"""Writing one run: all its rows in the caller's one transaction, what can be worked out worked out before
it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from operator import itemgetter

import msgspec
from msgspec import Struct

from one_trace.model.trace import Assembly, Executor, Session, Trace
from one_trace.store import pruned, rows
from one_trace.store.connection import Connection
from one_trace.store.rows import Saved
from one_trace.store.summary import STEP_RUN_COLUMNS, StepKey, step_keys, summary_rows

_KEPT = frozenset(("executor_version", "input_count"))
# What only a live capture knew, or a record that has lost a file since: a later import does not forget it.
_FIRST = frozenset(("session_agent", "session_id", "parent_run_id", "flow_version", "cwd"))
# Whoever resumes a run has not started it; what it was made of, and where it ran, was known best when it was
# saved first: the flow file may have changed since, and the record been copied.


def _change(column: str) -> str:
    if column in _FIRST:
        return f"{column} = coalesce({column}, excluded.{column})"
    if column in _KEPT:
        return f"{column} = coalesce(excluded.{column}, {column})"
    return f"{column} = excluded.{column}"


_CHANGES = ", ".join(map(_change, rows.RUN_COLUMNS.split(", ")))
NEVER_MS = 2**62
"""As time of the next try: only when somebody asks for it."""
_STEP_COLUMNS = "flow, path, step_id, name, type, flow_key"


class Prepared(Struct):
    """A run that is ready to be written."""

    assembly: Assembly
    revision: str
    keys: list[StepKey]


def prepare(assembly: Assembly, env: Mapping[str, str]) -> Prepared:
    """Make a run ready: its errors without the secrets of `env`, and without all that look like one."""
    if _has_errors(assembly.trace):
        from one_trace.outbound.error_text import redact_errors  # most runs have none

        redact_errors(assembly, env)
    try:
        revision = _revision(assembly.trace)
    except UnicodeEncodeError:
        assembly = msgspec.convert(rows.plain(msgspec.to_builtins(assembly)), Assembly)
        revision = _revision(assembly.trace)
    return Prepared(assembly, revision, step_keys(assembly.trace.run.flow_key, assembly.trace.spans))


def _has_errors(trace: Trace) -> bool:
    cause = trace.run.cause or None
    return (cause is not None and cause.error is not None) or any(
        span.error is not None for span in trace.spans
    )


def write(
    connection: Connection,
    prepared: Prepared,
    session: Session | None,
    parent_run_id: str | None,
    traceparent: str | None,
) -> Saved:
    """Write a run, and its spans and summary if they have changed."""
    trace = prepared.assembly.trace
    sql = "SELECT revision FROM runs WHERE run_id = ?"
    known = connection.execute(sql, (trace.run.run_id,)).fetchone()
    if known is not None and known[0] != prepared.revision:
        _keep_redacted(connection, prepared)
    revision = prepared.revision
    run = _save_run(connection, prepared, session, parent_run_id)
    if known is None:
        pruned.recall(connection, run, trace.run.trace_id)
    if traceparent is not None:
        connection.execute(
            "UPDATE runs SET traceparent = coalesce(traceparent, ?) WHERE id = ?", (traceparent, run)
        )
    if known is None or known[0] != revision:
        if known is not None:
            delete_spans(connection, run)
        _save_spans(connection, run, prepared)
        _save_command_ends(connection, run, prepared.assembly)
    if known is None:
        return "new"
    return "unchanged" if known[0] == revision else "updated"


def _keep_redacted(connection: Connection, prepared: Prepared) -> None:
    """What was redacted with the environment of its run stays so: an import knows another environment."""
    run = prepared.assembly.trace.run
    sql = (
        "SELECT span_id, error, command_end FROM spans "
        "WHERE run = (SELECT id FROM runs WHERE run_id = ?1) AND instr(error, ?2) "
        "UNION ALL SELECT '', json_extract(cause, '$.error'), NULL FROM runs "
        "WHERE run_id = ?1 AND json_extract(cause, '$.spanId') IS NULL AND instr(cause, ?2)"
    )
    found = connection.execute(sql, (run.run_id, "[REDACTED]")).fetchall()
    if not found:
        return
    from one_trace.outbound.error_text import Kept, keep_redacted

    kept = {span: Kept(text, end) for span, text, end in found if text is not None}
    if keep_redacted(prepared.assembly, kept):
        prepared.revision = _revision(prepared.assembly.trace)


def _save_command_ends(connection: Connection, run: int, assembly: Assembly) -> None:
    ends = assembly.command_ends
    failed = [(ends[span.error], run, span.span_id) for span in assembly.trace.spans if span.error in ends]
    connection.executemany("UPDATE spans SET command_end = ? WHERE run = ? AND span_id = ?", failed)


def delete_spans(connection: Connection, run: int) -> None:
    """Forget the spans of a run and its summary."""
    connection.execute(
        "DELETE FROM step_runs WHERE run = ?1 AND step IN (SELECT DISTINCT step FROM spans WHERE run = ?1)",
        (run,),
    )
    connection.execute("DELETE FROM spans WHERE run = ?", (run,))


def delete_runs(connection: Connection, runs: Sequence[int]) -> None:
    """Delete the runs of these numbers, in the caller's transaction."""
    for run in runs:
        delete_spans(connection, run)
        connection.execute("DELETE FROM outbox WHERE run = ?", (run,))
        connection.execute("DELETE FROM runs WHERE id = ?", (run,))


def queue(
    connection: Connection, run_ids: Sequence[str], sinks: Sequence[str], *, hold: bool = False
) -> None:
    """Put runs in the outbox; one that was sent, or was refused, as it is now stays as it is."""
    now = int(time.time() * 1000)
    connection.executemany(
        "INSERT INTO outbox (run, sink, state, revision, queued_ms, next_try_ms) "
        "SELECT id, ?2, 'queued', revision, ?3, ?4 FROM runs WHERE run_id = ?1 "
        "ON CONFLICT (run, sink) DO UPDATE SET state = 'queued', revision = excluded.revision, "
        "attempts = 0, next_try_ms = excluded.next_try_ms, error = NULL, queued_ms = excluded.queued_ms "
        "WHERE outbox.revision <> excluded.revision",
        [(run_id, sink, now, NEVER_MS if hold else 0) for run_id in run_ids for sink in sinks],
    )


def _save_run(connection: Connection, prepared: Prepared, session: Session | None, parent: str | None) -> int:
    version = _flow_version(connection, prepared.assembly)
    row = rows.run_row(prepared.assembly, session, parent, version, prepared.revision)
    sql = (
        f"INSERT INTO runs ({rows.RUN_COLUMNS}) VALUES ({rows.marks(rows.RUN_COLUMNS)}) "
        f"ON CONFLICT (run_id) DO UPDATE SET {_CHANGES} RETURNING id"
    )
    try:
        found = connection.execute(sql, row).fetchone()
    except OverflowError:
        found = connection.execute(sql, rows.storable([row])[0]).fetchone()
    return int(found[0])


def _flow_version(connection: Connection, assembly: Assembly) -> int | None:
    if assembly.flow_version is None:
        return None
    key = (assembly.trace.run.flow_key, assembly.flow_version)
    connection.execute(
        "INSERT INTO flow_versions (flow_key, version, static_paths, step_timeouts, plan) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (flow_key, version) DO UPDATE SET plan = excluded.plan, "
        "static_paths = excluded.static_paths, step_timeouts = excluded.step_timeouts WHERE plan IS NULL",
        (
            *key,
            rows.encode_text(assembly.static_paths),
            rows.encode_text(assembly.step_timeouts),
            rows.encode_text(assembly.plan) if assembly.plan else None,
        ),
    )
    sql = "SELECT id FROM flow_versions WHERE flow_key = ? AND version = ?"
    return int(connection.execute(sql, key).fetchone()[0])


def _save_spans(connection: Connection, run: int, prepared: Prepared) -> None:
    trace, keys, parts = prepared.assembly.trace, prepared.keys, prepared.assembly.model_parts
    numbers = _step_numbers(connection, trace.run.flow_key, keys)
    steps = [numbers[key] for key in keys]
    spans = [
        rows.span_row(run, seq, step, span, parts.get(span.span_id))
        for seq, (span, step) in enumerate(zip(trace.spans, steps, strict=True))
    ]
    # In the order of the key, so that the table is written from left to right.
    _insert(connection, "spans", rows.SPAN_COLUMNS, sorted(spans, key=itemgetter(1)))
    _insert(connection, "step_runs", STEP_RUN_COLUMNS, summary_rows(run, trace.run, trace.spans, steps))


def _step_numbers(connection: Connection, flow: str, keys: list[StepKey]) -> dict[StepKey, int]:
    distinct = list(dict.fromkeys(keys))
    _insert(connection, "steps", _STEP_COLUMNS, distinct)
    sql = f"SELECT {_STEP_COLUMNS}, id FROM steps WHERE flow = ?"
    known = {row[:6]: row[6] for row in connection.execute(sql, (flow,))}
    return {key: known[key] for key in distinct}


def _insert(connection: Connection, table: str, columns: str, values: Sequence[rows.Row]) -> None:
    """Insert what is not there yet. Columns that no row has a value for are left out, and are null all the
    same: sqlite3 takes longer over a None than over any value."""
    if not values:
        return
    names = columns.split(", ")
    used = [at for at in range(len(names)) if any(row[at] is not None for row in values)]
    named = ", ".join(names[at] for at in used)
    sql = f"INSERT INTO {table} ({named}) VALUES ({rows.marks(named)}) ON CONFLICT DO NOTHING"
    given = itemgetter(*used)
    try:
        connection.executemany(sql, map(given, values))
    except OverflowError:
        # What was inserted before the odd row conflicts with itself now, and stays.
        connection.executemany(sql, map(given, rows.storable(values)))


def _revision(trace: Trace) -> str:
    """A hash of what a reader of the trace sees, less what is only kept and what changes with delivery."""
    bare = msgspec.structs.replace(
        trace.run,
        uploads=[],
        session=None,
        parent_run_id=None,
        cwd=None,
        executor=Executor(name=trace.run.executor.name),
    )
    digest = hashlib.blake2b(msgspec.json.encode(bare), digest_size=16)
    digest.update(msgspec.json.encode(trace.spans))
    return digest.hexdigest()
