"""Writing one run: everything is computed first, then written in one transaction of the caller."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from operator import itemgetter

import msgspec
from msgspec import UNSET, Struct

from one_trace.model.digest import blake2b
from one_trace.model.trace import Assembly, Executor, Run, Trace
from one_trace.store import rows
from one_trace.store.connection import Connection, Row
from one_trace.store.deep_paths import StepKey, StepKeys, step_keys, tails
from one_trace.store.prune import delete_spans, recall
from one_trace.store.reader import Kept, Reader
from one_trace.store.rows import Saved, Source
from one_trace.store.summary import STEP_RUN_COLUMNS, summary_rows

_NEW_WINS = frozenset(("executor_version", "input_count"))
"""Columns in which a value is replaced by another value, but not by null: a later import may know less."""
_OLD_WINS = frozenset(("session_agent", "session_id", "parent_run_id", "flow_version", "cwd", "tags"))
"""Columns that keep their first value: whoever resumes a run has not started it, the flow file may have
changed since, and the record may have been copied.
"""


_EXIT = "exit = coalesce(excluded.exit, CASE WHEN excluded.status = status THEN exit END)"
"""An import does not know how the process ended. If the run has another status now, another process ended."""


def _change(column: str) -> str:
    if column == "exit":
        return _EXIT
    if column in _OLD_WINS:
        return f"{column} = coalesce({column}, excluded.{column})"
    if column in _NEW_WINS:
        return f"{column} = coalesce(excluded.{column}, {column})"
    return f"{column} = excluded.{column}"


_CHANGES = ", ".join(map(_change, rows.RUN_COLUMNS.split(", ")))
NEVER_MS = 2**62
"""As time of the next try: only on request."""
OTHER_CONTENT = (
    "accepted_of = CASE revision WHEN excluded.revision THEN accepted_of END, "
    "queued_ms = CASE revision WHEN excluded.revision THEN queued_ms "
    "ELSE max(excluded.queued_ms, queued_ms + 1) END"
)
"""What changes in a row of the outbox where the content to be sent is another. `queued_ms` tells which of two
contents is the later one, also where the clock was set back."""
_STEP_COLUMNS = "flow, path, step_id, name, type, flow_key"


class Prepared(Struct):
    """A run that is ready to be written."""

    assembly: Assembly
    revision: str
    keys: StepKeys


def prepare(assembly: Assembly, env: Mapping[str, str]) -> Prepared:
    """Compute what `write` needs, after removing from errors and tags the secrets of `env` and all that look
    like one.
    """
    run = assembly.trace.run
    if run.tags:
        from one_trace.outbound.redact import redactor
        from one_trace.outbound.tag_text import without_secrets

        run.tags = without_secrets(run.tags, redactor(env))
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
    texts = [cause and cause.error, *(upload.error for upload in trace.run.uploads)]
    return any(text is not None for text in texts) or any(span.error is not None for span in trace.spans)


def write(
    connection: Connection,
    prepared: Prepared,
    *,
    source: Source = "capture",
    traceparent: str | None = None,
    place: str | None = None,
) -> tuple[Saved, int]:
    """Write a run, and its spans and summary if they have changed. Returns what was done and its number.

    What is imported does not replace something fuller.
    """
    assembly = prepared.assembly
    kept = Reader(connection).kept(assembly.trace.run, exactly=source == "document")
    if kept is not None and source != "capture" and _is_fuller(kept, assembly, source):
        return "unchanged", kept.number
    if kept is not None and kept.revision != prepared.revision:
        _keep_redacted(connection, prepared, kept.number)
    key = kept.key if kept else _new_key(connection, assembly.trace.run)
    run = _save_run(connection, prepared, key, source)
    if kept is None:
        recall(connection, run, assembly.trace.run.trace_id)
    if traceparent is not None or place is not None:
        connection.execute(
            "UPDATE runs SET traceparent = coalesce(traceparent, ?), place = coalesce(place, ?) WHERE id = ?",
            (traceparent, place, run),
        )
    if kept is not None and kept.revision == prepared.revision:
        return "unchanged", run
    if kept is not None:
        delete_spans(connection, run)
    _save_spans(connection, run, prepared)
    return "new" if kept is None else "updated", run


def _is_fuller(kept: Kept, assembly: Assembly, source: Source) -> bool:
    """Whether the store has more of a run than `assembly`: the record was damaged since, is an older copy, or
    would be read with a flow file that is not the one that ran. A document, which anybody can write, does not
    replace what was read from an undamaged record.
    """
    run, ended = assembly.trace.run, kept.status != "incomplete"
    if ended and (run.status == "incomplete" or run.counts.spans < kept.spans):
        return True
    less = bool(run.partial) or assembly.flow_changed or (source == "document" and not kept.from_document)
    return kept.whole and ended and less


def _new_key(connection: Connection, run: Run) -> str:
    """What a new run is called in the store: see `Reader`."""
    keys = (run.run_id, run.trace_id, f"{run.trace_id} {run.run_id}")  # an odd run id may be a trace id
    sql = "SELECT 1 FROM runs WHERE run_id = ?"
    return next((key for key in keys if connection.execute(sql, (key,)).fetchone() is None), keys[-1])


def _keep_redacted(connection: Connection, prepared: Prepared, number: int) -> None:
    """Keep what was redacted with the environment of the run: an import knows another environment."""
    sql = (
        "SELECT span_id, error, command_end FROM spans WHERE run = ?1 AND instr(error, ?2) "
        "UNION ALL SELECT '', json_extract(cause, '$.error'), NULL FROM runs "
        "WHERE id = ?1 AND instr(json_extract(cause, '$.error'), ?2)"
    )
    found = connection.execute(sql, (number, "[REDACTED]")).fetchall()
    if not found:
        return
    from one_trace.outbound.error_text import KeptText, keep_redacted

    errors = {span: KeptText(text, end) for span, text, end in found if text is not None}
    if keep_redacted(prepared.assembly, errors):
        prepared.revision = _revision(prepared.assembly.trace)


def queue(connection: Connection, run: int, sinks: Sequence[str], *, hold: bool = False) -> None:
    """Put a run in the outbox. If its present revision was sent or refused, it stays as it is."""
    now = int(time.time() * 1000)
    connection.executemany(
        "INSERT INTO outbox (run, sink, state, revision, queued_ms, next_try_ms) "
        "SELECT id, ?2, 'queued', revision, ?3, ?4 FROM runs WHERE id = ?1 "
        "ON CONFLICT (run, sink) DO UPDATE SET state = 'queued', revision = excluded.revision, "
        f"attempts = 0, next_try_ms = excluded.next_try_ms, error = NULL, {OTHER_CONTENT} "
        "WHERE outbox.revision <> excluded.revision",
        [(run, sink, now, NEVER_MS if hold else 0) for sink in sinks],
    )


def _save_run(connection: Connection, prepared: Prepared, key: str, source: Source) -> int:
    version = _flow_version(connection, prepared.assembly)
    row = rows.run_row(prepared.assembly, key, source, version, prepared.revision)
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
    steps = [numbers[key] for key in prepared.keys.of_spans]
    shortened = tails(trace.spans)
    spans = [
        rows.span_row(run, seq, step, span, parts.get(span.span_id), shortened.get(span.span_id))
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


def _step_numbers(connection: Connection, flow: str, keys: StepKeys) -> dict[StepKey, int]:
    distinct = list(dict.fromkeys(keys.of_spans))
    _insert(connection, "steps", _STEP_COLUMNS, distinct)
    sql = f"SELECT {_STEP_COLUMNS}, id FROM steps WHERE flow = ?"
    known = {row[:6]: row[6] for row in connection.execute(sql, (flow,))}
    connection.executemany(
        "UPDATE steps SET parent = ? WHERE id = ? AND parent IS NULL",
        [(known[outer], known[key]) for key, outer in keys.around.items()],
    )
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
    """A hash of what a reader of the trace sees, without tags and what changes with delivery or with where
    the record is read.
    """
    bare = msgspec.structs.replace(
        trace.run,
        uploads=[],
        session=None,
        parent_run_id=None,
        cwd=None,
        tags={},
        executor=Executor(name=trace.run.executor.name),
        exit=UNSET,
    )
    # Versions that knew no tags made the same hash.
    digest = blake2b(msgspec.json.encode(bare).replace(b',"tags":{}', b"", 1), digest_size=16)
    digest.update(msgspec.json.encode(trace.spans))
    return digest.hexdigest()
