"""Structs to rows and back: which column holds which member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from one_trace.model.times import to_ms
from one_trace.model.trace import (
    Assembly,
    Cause,
    Counts,
    Executor,
    ModelUsage,
    PartedUsage,
    Run,
    Session,
    Span,
    Usage,
)
from one_trace.store.kinds import names_of

Row = tuple[Any, ...]
Saved = Literal["new", "updated", "unchanged"]
"""What saving a run did to the store."""
ERROR_BYTES = 4096
_INTEGER_MAX = 2**63 - 1

RUN_COLUMNS = (
    "run_id, trace_id, flow_key, status, started_at, started_ms, ended_at, duration_ms, "
    "executor, executor_version, cwd, input_bytes, input_count, "
    "spans, success, error, timeout, skipped, stopped, incomplete, retries, "
    "input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, turns, models, sessions, "
    "session_agent, session_id, parent_run_id, cause, partial, other_events, other_fields, "
    "flow_version, revision"
)
SPAN_COLUMNS = (
    "run, span_id, seq, parent_span_id, step, path, iteration, branch, child_index, parent_attempt, "
    "attempts, retries, status, started_at, start_ms, duration_ms, input_bytes, output_bytes, "
    "error, error_code, late, derived, usage"
)

RUN_NAMES = names_of(RUN_COLUMNS)
SPAN_NAMES = names_of(SPAN_COLUMNS)

_usage = msgspec.json.Decoder(Usage)
_cause = msgspec.json.Decoder(Cause)
_names = msgspec.json.Decoder(list[str])
_counts = msgspec.json.Decoder(dict[str, int])
_lists = msgspec.json.Decoder(dict[str, list[str]])


def run_row(
    assembly: Assembly, session: Session | None, parent: str | None, version: int | None, revision: str
) -> Row:
    """The row of a run, in the order of RUN_COLUMNS."""
    run = assembly.trace.run
    counts = run.counts
    usage = run.usage
    session = session or run.session
    return (
        run.run_id,
        run.trace_id,
        run.flow_key,
        run.status,
        run.started_at,
        to_ms(run.started_at) or 0,
        run.ended_at,
        run.duration_ms,
        run.executor.name,
        run.executor.version,
        run.cwd,
        run.input_bytes,
        assembly.input_count,
        counts.spans,
        counts.success,
        counts.error,
        counts.timeout,
        counts.skipped,
        counts.stopped,
        counts.incomplete,
        counts.retries,
        *_usage_row(usage),
        session.agent if session else None,
        session.session_id if session else None,
        parent or run.parent_run_id,
        encode_text(_capped(run.cause)) if run.cause else None,
        encode_text(run.partial) if run.partial else None,
        encode_text(run.other_events) if run.other_events else None,
        encode_text(run.other_fields) if run.other_fields else None,
        version,
        revision,
    )


def _usage_row(usage: Usage | None) -> Row:
    if usage is None:
        return (None,) * 8
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cost_usd,
        usage.turns,
        encode_text(usage.models),
        encode_text(usage.sessions),
    )


def run_of(row: Row) -> Run:
    """The run of a row of RUN_COLUMNS; its uploads are left empty."""
    (
        run_id, trace_id, flow_key, status, started_at, _, ended_at, duration_ms, executor, executor_version,
        cwd, input_bytes, _, spans, success, error, timeout, skipped, stopped, incomplete, retries,
        input_tokens, output_tokens, cache_read, cache_write, cost, turns, models, sessions,
        agent, session_id, parent_run_id, cause, partial, other_events, other_fields, _, _,
    ) = row  # fmt: skip
    run = Run(
        run_id=run_id,
        trace_id=trace_id,
        flow_key=flow_key,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        duration_ms=duration_ms,
        executor=Executor(name=executor, version=executor_version),
        cwd=cwd,
        input_bytes=input_bytes,
        counts=Counts(
            spans=spans,
            success=success,
            error=error,
            timeout=timeout,
            skipped=skipped,
            stopped=stopped,
            incomplete=incomplete,
            retries=retries,
        ),
        session=Session(agent=agent, session_id=session_id) if session_id is not None else None,
        parent_run_id=parent_run_id,
    )
    if input_tokens is not None:
        run.usage = Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cache_read_tokens=cache_read,
            cache_write_tokens=cache_write,
            cost_usd=cost,
            turns=turns,
            models=_names.decode(models),
            sessions=_names.decode(sessions),
        )
    if cause is not None:
        run.cause = _cause.decode(cause)
    if partial is not None:
        run.partial = _names.decode(partial)
    if other_events is not None:
        run.other_events = _counts.decode(other_events)
    if other_fields is not None:
        run.other_fields = _lists.decode(other_fields)
    return run


def span_row(run: int, seq: int, step: int, span: Span, parts: dict[str, ModelUsage] | None = None) -> Row:
    """The row of a span, in the order of SPAN_COLUMNS; `parts` are what each model of it used."""
    return (
        run,
        span.span_id,
        seq,
        span.parent_span_id,
        step,
        span.path,
        span.iteration,
        span.branch,
        span.index,
        span.parent_attempt,
        span.attempts,
        span.retries,
        span.status,
        span.started_at,
        span.start_ms,
        span.duration_ms,
        span.input_bytes,
        span.output_bytes,
        span.error if span.error is None else capped_error(span.error),
        span.error_code,
        1 if span.late else 0,
        ",".join(span.derived) or None,
        None if span.usage is None else encode_text(_with_parts(span.usage, parts)),
    )


def _with_parts(usage: Usage, parts: dict[str, ModelUsage] | None) -> Usage:
    if not parts:
        return usage
    fields = {name: getattr(usage, name) for name in Usage.__struct_fields__}
    return PartedUsage(**fields, per_model=parts)


def span_of(row: Row, step: Row) -> Span:
    """The span of a row of SPAN_COLUMNS; `step` is its (step_id, name, type, flow_key)."""
    step_id, name, kind, flow_key = step
    # With more than fifteen names a call makes a dict of them first, and takes five times as long.
    span = Span(
        span_id=row[1],
        parent_span_id=row[3],
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
    span.error, span.error_code, span.late = row[18], row[19], bool(row[20])
    if row[21]:
        span.derived = row[21].split(",")
    if row[22] is not None:
        span.usage = _usage.decode(row[22])
    return span


def encode_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def capped_error(text: str) -> str:
    """At most 4 KiB of an error's text, cut between characters."""
    if len(text) * 4 <= ERROR_BYTES:
        return text
    data = text.encode("utf-8", "replace")
    return text if len(data) <= ERROR_BYTES else data[:ERROR_BYTES].decode("utf-8", "ignore")


def _capped(cause: Cause) -> Cause:
    if cause.error is None:
        return cause
    return msgspec.structs.replace(cause, error=capped_error(cause.error))


def storable(rows: Sequence[Row]) -> list[Row]:
    """`rows` with what SQLite cannot hold made into the nearest it can: huge integers."""
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
