"""A sanitized trace as OpenTelemetry spans: OTLP/JSON structs with semantic conventions.

`trace export --format otlp` writes them to a file and the sink OTLP sends them, with the same ids, so sending
twice, or importing the file as well, doubles nothing. OTLP/JSON is protobuf's JSON mapping, but ids are hex;
64-bit integers are strings, enums are numbers (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from one_trace import __version__
from one_trace.model.times import to_ms
from one_trace.model.trace import Usage
from one_trace.outbound.sanitize import Link, SanitizedRun, SanitizedSpan, SanitizedTrace, root_span_id

KIND_INTERNAL = 1
STATUS_ERROR = 2
_REMOTE = 0x300
"""Flags of a link: it is known whether its span is remote, and it is."""
SCOPE = {"name": "one-trace", "version": __version__}
SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"

Value = str | bool | int | float | list[str]


class KeyValue(Struct, rename="camel"):
    key: str
    value: dict[str, Any]
    """One member: stringValue, boolValue, intValue (a string), doubleValue or arrayValue."""


class OtlpStatus(Struct, rename="camel", kw_only=True):
    code: int
    message: str | UnsetType = UNSET


class OtlpEvent(Struct, rename="camel", kw_only=True):
    time_unix_nano: str
    name: str
    attributes: list[KeyValue]


class OtlpLink(Struct, rename="camel", kw_only=True):
    trace_id: str
    span_id: str
    attributes: list[KeyValue]
    flags: int


class OtlpSpan(Struct, rename="camel", kw_only=True):
    trace_id: str
    span_id: str
    parent_span_id: str | UnsetType = UNSET
    name: str
    kind: int = KIND_INTERNAL
    start_time_unix_nano: str
    end_time_unix_nano: str
    attributes: list[KeyValue]
    events: list[OtlpEvent] | UnsetType = UNSET
    links: list[OtlpLink] | UnsetType = UNSET
    status: OtlpStatus | UnsetType = UNSET
    """Left out unless the span failed: by the specification, OK is left to the reader of the trace."""


def request(run: SanitizedRun, spans: Sequence[OtlpSpan]) -> dict[str, Any]:
    """Some or all spans of a run as an ExportTraceServiceRequest, the body of ``POST /v1/traces``."""
    scope_spans = {"scope": SCOPE, "spans": spans, "schemaUrl": SCHEMA_URL}
    resource = {"attributes": resource_attributes(run)}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope_spans], "schemaUrl": SCHEMA_URL}]}


def otlp_spans(sanitized: SanitizedTrace) -> list[OtlpSpan]:
    """The run as a root span, then its spans, parents first. A span without an end gets the last moment that
    anything is known of.
    """
    run = sanitized.run
    began = to_ms(run.started_at) or 0
    seen = [run.duration_ms or 0.0, *(span.start_ms + (span.duration_ms or 0.0) for span in sanitized.spans)]
    last = max(seen)
    known = {span.span_id for span in sanitized.spans}
    return [_root(run, began, last), *(_span(run, span, began, last, known) for span in sanitized.spans)]


def _root(run: SanitizedRun, began: int, last: float) -> OtlpSpan:
    failed = run.status == "error"
    end = last if run.duration_ms is None else run.duration_ms
    attributes: dict[str, Value | None] = {
        "one.flow.key": run.flow_key,
        "one.run.id": run.run_id,
        "one.run.status": run.status,
        "one.run.exit_code": run.exit.code if run.exit else None,
        "one.run.exit_signal": run.exit.signal if run.exit else None,
        "one.run.input_bytes": run.input_bytes,
        "one.run.steps": run.counts.spans,
        "one.run.retries": run.counts.retries,
        "one.run.damaged": True if run.damaged else None,
        "one.run.parent_id": run.parent_run_id,
        "one.run.cause_path": run.cause_path,
        "session.id": run.session.session_id if run.session else None,
        "one.session.agent": run.session.agent if run.session else None,
        "error.type": (run.error_code or "_OTHER") if failed else None,
        "one.usage.cost_usd": run.usage.cost_usd if run.usage else None,
        **{f"one.tag.{key}": value for key, value in run.tags.items()},
    }
    return OtlpSpan(
        trace_id=run.trace_id,
        span_id=root_span_id(run.trace_id),
        name=run.flow_key,
        start_time_unix_nano=_nanos(began, 0.0),
        end_time_unix_nano=_nanos(began, end),
        attributes=_key_values(attributes),
        links=list(map(_link, run.links)) or UNSET,
        status=OtlpStatus(code=STATUS_ERROR) if failed else UNSET,
    )


def _link(link: Link) -> OtlpLink:
    return OtlpLink(
        trace_id=link.trace_id,
        span_id=link.span_id,
        flags=_REMOTE | link.flags,
        attributes=_key_values({"one.link": link.kind}),
    )


def _span(run: SanitizedRun, span: SanitizedSpan, began: int, last: float, known: set[str]) -> OtlpSpan:
    failed = span.status in ("error", "timeout")
    end = (
        span.start_ms + (span.duration_ms or 0.0) if span.status != "incomplete" else max(last, span.start_ms)
    )
    return OtlpSpan(
        trace_id=run.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id if span.parent_span_id in known else root_span_id(run.trace_id),
        name=span.step_id if len(span.step_id) <= 200 else span.step_id[:199] + "…",
        start_time_unix_nano=_nanos(began, span.start_ms),
        end_time_unix_nano=_nanos(began, end),
        attributes=_key_values({**_step(run, span), **_gen_ai(span.usage)}),
        events=[_exception(span, _nanos(began, end))] if span.error else UNSET,
        status=OtlpStatus(code=STATUS_ERROR, message=span.error or UNSET) if failed else UNSET,
    )


def _step(run: SanitizedRun, span: SanitizedSpan) -> dict[str, Value | None]:
    failed = span.status in ("error", "timeout")
    return {
        "one.flow.key": span.flow_key,
        "one.run.id": run.run_id,
        "one.step.id": span.step_id,
        "one.step.name": span.name,
        "one.step.type": span.type,
        "one.step.path": span.path,
        "one.step.status": span.status,
        "one.step.iteration": span.iteration,
        "one.step.branch": span.branch,
        "one.step.index": span.index,
        "one.step.parent_attempt": span.parent_attempt,
        "one.step.attempts": span.attempts,
        "one.step.late": True if span.late else None,
        "one.step.input_bytes": span.input_bytes,
        "one.step.output_bytes": span.output_bytes,
        "error.type": (span.error_code or ("timeout" if span.status == "timeout" else "_OTHER"))
        if failed
        else None,
    }


def _gen_ai(usage: Usage | None) -> dict[str, Value | None]:
    """GenAI conventions for a step that used an LLM. Their input tokens include those of the cache."""
    if usage is None:
        return {}
    models = usage.models
    return {
        "gen_ai.operation.name": "invoke_agent" if usage.turns else "chat",
        "gen_ai.provider.name": "anthropic" if any("claude" in model for model in models) else None,
        "gen_ai.response.model": models[0] if models else None,
        "gen_ai.conversation.id": usage.sessions[0] if usage.sessions else None,
        "gen_ai.usage.input_tokens": usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens or None,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens or None,
        "one.usage.models": models if len(models) > 1 else None,
        "one.usage.turns": usage.turns or None,
        "one.usage.cost_usd": usage.cost_usd,
    }


def _exception(span: SanitizedSpan, at: str) -> OtlpEvent:
    attributes = {"exception.type": span.error_code or "Error", "exception.message": span.error}
    return OtlpEvent(time_unix_nano=at, name="exception", attributes=_key_values(attributes))


def resource_attributes(run: SanitizedRun) -> list[KeyValue]:
    attributes: dict[str, Value | None] = {
        "service.name": run.executor.name,
        "service.version": run.executor.version,
        "telemetry.sdk.name": "one-trace",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": __version__,
    }
    return _key_values(attributes)


def _key_values(attributes: Mapping[str, Value | None]) -> list[KeyValue]:
    return [KeyValue(key, _any_value(value)) for key, value in attributes.items() if value is not None]


def _any_value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    return {"arrayValue": {"values": [_any_value(item) for item in value]}}


def _nanos(began_ms: int, offset_ms: float) -> str:
    """A uint64; the time of a damaged record is moved into its range."""
    return str(min(max(0, began_ms * 1_000_000 + round(offset_ms * 1_000_000)), 2**64 - 1))
