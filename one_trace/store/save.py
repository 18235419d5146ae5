"""Writing one run: everything is computed first, then written in one transaction of the caller."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from operator import itemgetter

import msgspec
from msgspec import Struct

from one_trace.model.trace import Assembly, Executor, Trace
from one_trace.store import rows
from one_trace.store.connection import Connection, Row
from one_trace.store.prune import delete_spans, recall
from one_trace.store.rows import Saved
from one_trace.store.summary import STEP_RUN_COLUMNS, StepKey, step_keys, summary_rows

_NEW_WINS = frozenset(("executor_version", "input_count"))
"""Columns in which a value is replaced by another value, but not by null: a later import may know less."""
_OLD_WINS = frozenset(("session_agent", "session_id", "parent_run_id", "flow_version", "cwd"))
"""Columns that keep their first value: whoever resumes a run has not started it, the flow file may have
changed since, and the record may have been copied.
"""


def _change(column: str) -> str:
    if column in _OLD_WINS:
        return f"{column} = coalesce({column}, excluded.{column})"
    if column in _NEW_WINS:
        return f"{column} = coalesce(excluded.{column}, {column})"
    return f"{column} = excluded.{column}"


_CHANGES = ", ".join(map(_change, rows.RUN_COLUMNS.split(", ")))
NEVER_MS = 2**62
"""As time of the next try: only on request."""
_STEP_COLUMNS = "flow, path, step_id, name, type, flow_key"


class Prepared(Struct):
    """A run that is ready to be written."""

    assembly: Assembly
    revision: str
    keys: list[StepKey]


def prepare(assembly: Assembly, env: Mapping[str, str]) -> Prepared:
    """Compute what `write` needs, after removing from errors the secrets of `env` and all that look like
    one.
    """
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


def write(connection: Connection, prepared: Prepared, traceparent: str | None = None) -> Saved:
    """Write a run, and its spans and summary if they have changed."""
    trace = prepared.assembly.trace
    sql = "SELECT revision FROM runs WHERE run_id = ?"
    known = connection.execute(sql, (trace.run.run_id,)).fetchone()
    if known is not None and known[0] != prepared.revision:
        _keep_redacted(connection, prepared)
    run = _save_run(connection, prepared)
    if known is None:
        recall(connection, run, trace.run.trace_id)
    if traceparent is not None:
        connection.execute(
            "UPDATE runs SET traceparent = coalesce(traceparent, ?) WHERE id = ?", (traceparent, run)
        )
    if known is not None and known[0] == prepared.revision:
        return "unchanged"
    if known is not None:
        delete_spans(connection, run)
    _save_spans(connection, run, prepared)
    return "new" if known is None else "updated"


def _keep_redacted(connection: Connection, prepared: Prepared) -> None:
    """Keep what was redacted with the environment of the run: an import knows another environment."""
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


def queue(
    connection: Connection, run_ids: Sequence[str], sinks: Sequence[str], *, hold: bool = False
) -> None:
    """Put runs in the outbox. A run whose present revision was sent or refused stays as it is."""
    now = int(time.time() * 1000)
    connection.executemany(
        "INSERT INTO outbox (run, sink, state, revision, queued_ms, next_try_ms) "
        "SELECT id, ?2, 'queued', revision, ?3, ?4 FROM runs WHERE run_id = ?1 "
        "ON CONFLICT (run, sink) DO UPDATE SET state = 'queued', revision = excluded.revision, "
        "attempts = 0, next_try_ms = excluded.next_try_ms, error = NULL, queued_ms = excluded.queued_ms "
        "WHERE outbox.revision <> excluded.revision",
        [(run_id, sink, now, NEVER_MS if hold else 0) for run_id in run_ids for sink in sinks],
    )


def _save_run(connection: Connection, prepared: Prepared) -> int:
    row = rows.run_row(prepared.assembly, _flow_version(connection, prepared.assembly), prepared.revision)
    sql = (
        f"INSERT INTO runs ({rows.RUN_COLUMNS}) VALUES ({rows.marks(rows.RUN_COLUMNS)}) "
        f"ON CONFLICT (run_id) DO UPDATE SET {_CHANGES} RETURNING id"
    )
    try:
        return int(connection.execute(sql, row).fetchone()[0])
    except OverflowError:
        return int(connection.execute(sql, rows.storable([row])[0]).fetchone()[0])


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
    trace, parts = prepared.assembly.trace, prepared.assembly.model_parts
    numbers = _step_numbers(connection, trace.run.flow_key, prepared.keys)
    steps = [numbers[key] for key in prepared.keys]
    spans = [
        rows.span_row(run, seq, step, span, parts.get(span.span_id))
        for seq, (span, step) in enumerate(zip(trace.spans, steps, strict=True))
    ]
    # In the order of the key, so that the table is written from left to right.
    _insert(connection, "spans", rows.SPAN_COLUMNS, sorted(spans, key=itemgetter(3)))
    _insert(connection, "step_runs", STEP_RUN_COLUMNS, summary_rows(run, trace.run, trace.spans, steps))
    ends = prepared.assembly.command_ends
    connection.executemany(
        "UPDATE spans SET command_end = ? WHERE run = ? AND span_id = ?",
        [(ends[span.error], run, span.span_id) for span in trace.spans if span.error in ends],
    )


def _step_numbers(connection: Connection, flow: str, keys: list[StepKey]) -> dict[StepKey, int]:
    distinct = list(dict.fromkeys(keys))
    _insert(connection, "steps", _STEP_COLUMNS, distinct)
    sql = f"SELECT {_STEP_COLUMNS}, id FROM steps WHERE flow = ?"
    known = {row[:6]: row[6] for row in connection.execute(sql, (flow,))}
    return {key: known[key] for key in distinct}


def _insert(connection: Connection, table: str, columns: str, values: Sequence[Row]) -> None:
    """Insert the rows that are not in the table yet. Columns without any value are left out, and are null all
    the same: sqlite3 takes longer over None than over any other value.
    """
    if not values:
        return
    names = columns.split(", ")
    used = [at for at in range(len(names)) if any(row[at] is not None for row in values)]
    columns = ", ".join(names[at] for at in used)
    sql = f"INSERT INTO {table} ({columns}) VALUES ({rows.marks(columns)}) ON CONFLICT DO NOTHING"
    used_values = itemgetter(*used)
    try:
        connection.executemany(sql, map(used_values, values))
    except OverflowError:
        # What was inserted before the odd row conflicts with itself now, and stays.
        connection.executemany(sql, map(used_values, rows.storable(values)))


def _revision(trace: Trace) -> str:
    """A hash of what a reader of the trace sees, without what changes with delivery or with where the record
    is read.
    """
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
