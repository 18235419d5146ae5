"""Structs to rows and back: which column holds which member."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Literal

import msgspec

from one_trace.model.times import to_ms
from one_trace.model.trace import (
    Assembly,
    Cause,
    Counts,
    Executor,
    Exit,
    ModelUsage,
    PartedUsage,
    Run,
    Session,
    Span,
    Upload,
    Usage,
)
from one_trace.store.connection import Row

Saved = Literal["new", "updated", "unchanged"]
"""What saving a run did to the store."""
Source = Literal["capture", "record", "document"]
"""How a run got here: traced by this program, or imported from its record or from a trace document."""
ERROR_BYTES = 4096
_INTEGER_MAX = 2**63 - 1

_SAME_NAMES = (
    "run_id, trace_id, flow_key, status, started_at, ended_at, duration_ms, cwd, input_bytes, parent_run_id"
)
"""Columns that are named like the members of `Run` that they hold."""
_JSON_NAMES = "cause, partial, other_events, other_fields, exit"
_COUNTS = ", ".join(Counts.__struct_fields__)
_USAGE = ", ".join(Usage.__struct_fields__)
RUN_COLUMNS = (
    f"{_SAME_NAMES}, {_JSON_NAMES}, {_COUNTS}, {_USAGE}, executor, executor_version, "
    "session_agent, session_id, started_ms, input_count, flow_version, revision, "
    "host_run_id, document_uploads, tags"
)
SPAN_COLUMNS = (
    "run, seq, step, span_id, parent_span_id, path, iteration, branch, child_index, parent_attempt, "
    "attempts, retries, status, started_at, start_ms, duration_ms, input_bytes, output_bytes, error_code, "
    "error, late, derived, usage, tail"
)

_run_values = attrgetter(*_SAME_NAMES.split(", "))
_run_documents = attrgetter(*_JSON_NAMES.split(", "))
_usage_values = attrgetter(*Usage.__struct_fields__)
_span_values = attrgetter(*SPAN_COLUMNS.replace("child_index", "index").split(", ")[3:19])
_usage = msgspec.json.Decoder(Usage)
_json: dict[str, msgspec.json.Decoder[Any]] = {
    "cause": msgspec.json.Decoder(Cause),
    "partial": msgspec.json.Decoder(list[str]),
    "other_events": msgspec.json.Decoder(dict[str, int]),
    "other_fields": msgspec.json.Decoder(dict[str, list[str]]),
    "exit": msgspec.json.Decoder(Exit),
}
_names = msgspec.json.Decoder(list[str])
_uploads = msgspec.json.Decoder(list[Upload])
_tags = msgspec.json.Decoder(dict[str, str])


def run_row(assembly: Assembly, key: str, source: Source, version: int | None, revision: str) -> Row:
    """The row of a run, in the order of RUN_COLUMNS. `key`: what `run_id` is in the store."""
    run = assembly.trace.run
    run_id, *values = _run_values(run)
    return (
        key,
        *values,
        *(encode_text(document) if document else None for document in _run_documents(_capped(run))),
        *msgspec.structs.astuple(run.counts),
        *_usage_row(run.usage),
        run.executor.name,
        run.executor.version,
        run.session.agent if run.session else None,
        run.session.session_id if run.session else None,
        to_ms(run.started_at) or 0,
        assembly.input_count,
        version,
        revision,
        None if key == run_id else run_id,
        encode_text(run.uploads) if source == "document" else None,
        encode_text(run.tags) if run.tags else None,
    )


def _usage_row(usage: Usage | None) -> Row:
    if usage is None:
        return (None,) * len(Usage.__struct_fields__)
    *numbers, models, sessions = _usage_values(usage)
    return (*numbers, encode_text(models), encode_text(sessions))


def run_of(row: Row) -> Run:
    """The run of a row of RUN_COLUMNS. Its uploads are those of the document that it was imported from."""
    column = dict(zip(RUN_COLUMNS.split(", "), row, strict=True))
    run = Run(
        **{name: column[name] for name in _SAME_NAMES.split(", ")},
        **{name: _json[name].decode(column[name]) for name in _json if column[name] is not None},
        executor=Executor(name=column["executor"], version=column["executor_version"]),
        counts=Counts(**{name: column[name] for name in Counts.__struct_fields__}),
    )
    run.run_id = column["host_run_id"] or run.run_id
    if column["document_uploads"] is not None:
        run.uploads = _uploads.decode(column["document_uploads"])
    if column["session_id"] is not None or column["session_agent"] is not None:
        run.session = Session(agent=column["session_agent"], session_id=column["session_id"])
    if column["tags"] is not None:
        run.tags = _tags.decode(column["tags"])
    if column["input_tokens"] is not None:
        run.usage = Usage(**{name: column[name] for name in Usage.__struct_fields__})
        run.usage.models = _names.decode(column["models"])
        run.usage.sessions = _names.decode(column["sessions"])
    return run


def span_row(
    run: int,
    seq: int,
    step: int,
    span: Span,
    parts: dict[str, ModelUsage] | None = None,
    tail: str | None = None,
) -> Row:
    """The row of a span, in the order of SPAN_COLUMNS. `parts`: usage by model. `tail`: see `deep_paths`."""
    span_id, parent, path, *values = _span_values(span)
    return (
        run,
        seq,
        step,
        span_id,
        parent,
        path if tail is None else "",
        *values,
        span.error if span.error is None else capped_error(span.error),
        1 if span.late else 0,
        ",".join(span.derived) or None,
        None if span.usage is None else encode_text(_with_parts(span.usage, parts)),
        tail,
    )


def _with_parts(usage: Usage, parts: dict[str, ModelUsage] | None) -> Usage:
    if not parts:
        return usage
    return PartedUsage(**msgspec.structs.asdict(usage), per_model=parts)


def span_of(row: Row, step: Row) -> Span:
    """The span of a row of SPAN_COLUMNS; `step` is its (step_id, name, type, flow_key)."""
    step_id, name, kind, flow_key = step
    # A call with more than fifteen keywords builds a dict first, and takes five times as long.
    span = Span(
        span_id=row[3],
        parent_span_id=row[4],
        step_id=step_id,
        name=name,
        type=kind,
        flow_key=flow_key,
        path=row[5],
        iteration=row[6],
        index=row[8],
        parent_attempt=row[9],
        status=row[12],
        started_at=row[13],
        start_ms=row[14],
        duration_ms=row[15],
        output_bytes=row[17],
    )
    span.branch, span.attempts, span.retries, span.input_bytes = row[7], row[10], row[11], row[16]
    span.error_code, span.error, span.late = row[18], row[19], bool(row[20])
    if row[21]:
        span.derived = row[21].split(",")
    if row[22] is not None:
        span.usage = _usage.decode(row[22])
    return span


def encode_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def capped_error(text: str) -> str:
    """At most 4 KiB of an error text, cut between characters."""
    if len(text) * 4 <= ERROR_BYTES:
        return text
    data = text.encode("utf-8", "replace")
    return text if len(data) <= ERROR_BYTES else data[:ERROR_BYTES].decode("utf-8", "ignore")


def _capped(run: Run) -> Run:
    if not run.cause or run.cause.error is None:
        return run
    cause = msgspec.structs.replace(run.cause, error=capped_error(run.cause.error))
    return msgspec.structs.replace(run, cause=cause)


def storable(rows: Sequence[Row]) -> list[Row]:
    """`rows` with integers that SQLite cannot hold replaced by the nearest that it can."""
    return [tuple(_storable(value) for value in row) for row in rows]


def _storable(value: object) -> object:
    if isinstance(value, int) and not -_INTEGER_MAX <= value <= _INTEGER_MAX:
        return _INTEGER_MAX if value > 0 else -_INTEGER_MAX
    return value


def plain(value: Any) -> Any:  # noqa: ANN401  whatever JSON holds
    """`value` with halves of surrogate pairs, which UTF-8 cannot hold, replaced in every text."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    return value


def marks(columns: str) -> str:
    """A question mark for each of `columns`."""
    return ", ".join("?" * (columns.count(",") + 1))
