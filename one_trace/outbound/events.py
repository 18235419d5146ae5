"""A trace as event lines: one small JSON object an event, in time order.

`trace export --format events` prints the lines that the sink traces.com sends: users can see what would leave
this machine before anything does.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET, Struct, UnsetType

from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import Branch, Trace, Usage
from one_trace.model.tree import walk
from one_trace.outbound.names import Redact
from one_trace.outbound.sanitize import SanitizedRun, SanitizedSpan, SanitizedTrace, sanitize


class Event(Struct, rename="camel", kw_only=True):
    """One event line. Members that events of its kind do not have are left out; unknown ones are null."""

    event: str
    flow_key: str
    step_id: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    duration_ms: float | UnsetType | None = UNSET
    output_size: int | UnsetType | None = UNSET
    timestamp: str
    run_id: str
    trace_id: str
    span_id: str | UnsetType = UNSET
    parent_span_id: str | UnsetType | None = UNSET
    path: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    iteration: int | UnsetType | None = UNSET
    branch: Branch | UnsetType | None = UNSET
    attempts: int | UnsetType = UNSET
    retries: int | UnsetType = UNSET
    input_size: int | UnsetType | None = UNSET
    error_code: str | UnsetType | None = UNSET
    usage: Usage | UnsetType | None = UNSET
    tags: dict[str, str] | UnsetType = UNSET
    """Of the run, in its first event, if it has any."""
    error: str | UnsetType = UNSET
    """Redacted error text: only with ``traces.errors = full``."""


def event_lines(trace: Trace, redact: Redact | None = None) -> list[Event]:
    """The events of `trace` in time order, as they may leave; with `redact`, with error text."""
    return lines(sanitize(trace, redact))


def lines(sanitized: SanitizedTrace) -> list[Event]:
    """``flow:start``, each step's start and end, and the flow's own end if it was seen.

    Events of one instant keep their nesting: a parent starts before its children and ends after them.
    """
    run = sanitized.run
    events = [_flow_start(run), *_steps(run, sanitized.spans)]
    if run.status != "incomplete":
        events.append(_flow_end(run))
    return sorted(events, key=lambda event: event.timestamp)


def _steps(run: SanitizedRun, spans: list[SanitizedSpan]) -> Iterator[Event]:
    for span, left in walk(spans):
        if not left:
            yield step_start(run, span)
        elif span.status != "incomplete":
            yield step_end(run, span)


def step_start(run: SanitizedRun, span: SanitizedSpan) -> Event:
    return _step_event("step:start", run, span, span.started_at)


def step_end(run: SanitizedRun, span: SanitizedSpan) -> Event:
    """``step:error`` for a step that failed, ``step:complete`` for one that ended in any other way."""
    event = _step_event(
        "step:error" if span.status == "error" else "step:complete", run, span, ended_at(span)
    )
    event.status, event.error_code = span.status, span.error_code
    event.duration_ms, event.output_size = span.duration_ms, span.output_bytes
    event.attempts, event.retries = span.attempts, span.retries
    event.usage = span.usage
    event.error = UNSET if span.error is None else span.error
    return event


def _step_event(event: str, run: SanitizedRun, span: SanitizedSpan, timestamp: str) -> Event:
    return Event(
        event=event,
        flow_key=span.flow_key,
        step_id=span.step_id,
        timestamp=timestamp,
        run_id=run.run_id,
        trace_id=run.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        path=span.path,
        type=span.type,
        iteration=span.iteration,
        branch=span.branch,
        input_size=span.input_bytes,
    )


def last_line(run: SanitizedRun, span: SanitizedSpan) -> Event:
    """The last event of a span: its end, or its start if it was never seen to end."""
    return step_start(run, span) if span.status == "incomplete" else step_end(run, span)


def ended_at(span: SanitizedSpan) -> str:
    """When a span ended; its start if the duration is not known."""
    started = to_ms(span.started_at)
    if started is None or not span.duration_ms:
        return span.started_at
    return to_iso(started + int(span.duration_ms))


def _flow_start(run: SanitizedRun) -> Event:
    return Event(
        event="flow:start",
        flow_key=run.flow_key,
        timestamp=run.started_at,
        run_id=run.run_id,
        trace_id=run.trace_id,
        input_size=run.input_bytes,
        tags=run.tags or UNSET,
    )


def _flow_end(run: SanitizedRun) -> Event:
    return Event(
        event="flow:error" if run.status == "error" else "flow:complete",
        flow_key=run.flow_key,
        status=run.status,
        duration_ms=run.duration_ms,
        timestamp=run.ended_at or run.started_at,
        run_id=run.run_id,
        trace_id=run.trace_id,
        retries=run.counts.retries,
        error_code=run.cause.error_code if run.cause else None,
        usage=run.usage,
    )
