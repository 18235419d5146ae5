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
from one_trace.model.tree import children_of, end_ms, last_known_ms, self_times, static_paths
from one_trace.outbound.sanitize import (
    Link,
    SanitizedCause,
    SanitizedRun,
    SanitizedSpan,
    SanitizedTrace,
    root_span_id,
)

KIND_INTERNAL, KIND_SERVER = 1, 2
STATUS_ERROR = 2
_REMOTE = 0x300
"""Flags of a link: it is known whether its span is remote, and it is."""
SCOPE = {"name": "one-trace", "version": __version__}
SCHEMA_URL = "https://opentelemetry.io/schemas/1.40.0"
"""The first release that has every attribute used here; the last one with those of GenAI is 1.41.0."""

Value = str | bool | int | float
"""Never an array: exporters to databases render them differently."""

_RESULTS = {
    "success": "success",
    "error": "failure",
    "timeout": "timeout",
    "skipped": "skip",
    "stopped": "cancellation",
    "incomplete": "error",
}
"""The conventions' results of pipelines and their tasks by our status."""
_PROVIDERS = {
    "claude": "anthropic",
    "gpt-": "openai",
    "codex": "openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "deepseek": "deepseek",
    "grok": "x_ai",
}
_LONGEST_LIST = 16_384


class KeyValue(Struct, rename="camel"):
    key: str
    value: dict[str, Any]
    """One member: stringValue, boolValue, intValue (a string) or doubleValue."""


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
    spans = sanitized.spans
    last = last_known_ms(run.duration_ms, spans)
    paths, self_ms = static_paths(run.flow_key, spans), self_times(spans, children_of(spans), last)
    found = [_root(run, began, last)]
    for seq, span in enumerate(spans):
        place: dict[str, Value | None] = {
            "one.step.seq": seq,
            "one.step.static_path": paths[span.span_id],
            "one.step.self_ms": self_ms.get(span.span_id),
        }
        parent = span.parent_span_id if span.parent_span_id in paths else root_span_id(run.trace_id)
        found.append(_span(run, span, began, end_ms(span, last), parent, place))
    return found


def _root(run: SanitizedRun, began: int, last: float) -> OtlpSpan:
    failed = run.status == "error"
    end = last if run.duration_ms is None else run.duration_ms
    attributes: dict[str, Value | None] = {
        "cicd.pipeline.name": run.flow_key,
        "cicd.pipeline.run.id": run.run_id,
        "cicd.pipeline.result": _RESULTS[run.status],
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
        "one.run.ended_at": run.ended_at,
        "one.run.timed": None if run.duration_ms is not None else False,
        **_cause(run.cause),
        "session.id": run.session.session_id if run.session else None,
        "one.session.agent": run.session.agent if run.session else None,
        "error.type": ((run.cause and run.cause.error_code) or "_OTHER") if failed else None,
        "one.usage.cost_usd": run.usage.cost_usd if run.usage else None,
        **{f"one.tag.{key}": value for key, value in run.tags.items()},
    }
    return OtlpSpan(
        trace_id=run.trace_id,
        span_id=root_span_id(run.trace_id),
        name=run.flow_key,
        kind=KIND_SERVER,
        start_time_unix_nano=_nanos(began, 0.0),
        end_time_unix_nano=_nanos(began, end),
        attributes=_key_values(attributes),
        links=list(map(_link, run.links)) or UNSET,
        status=OtlpStatus(code=STATUS_ERROR) if failed else UNSET,
    )


def _cause(cause: SanitizedCause | None) -> dict[str, Value | None]:
    if cause is None:
        return {}
    return {
        "one.run.cause_path": cause.path,
        "one.run.cause.span_id": cause.span_id,
        "one.run.cause.class": cause.error_class,
        "one.run.cause.attempts": cause.attempts,
        "one.run.cause.still_running": _lines(cause.still_running),
        "one.run.cause.never_ran": _lines(cause.never_ran),
        "one.run.cause.derived": ",".join(cause.derived) or None,
    }


def _lines(paths: Sequence[str]) -> str | None:
    """Paths, each on a line of its own: an id may hold a comma, and no line break."""
    return "\n".join(path.replace("\n", " ") for path in paths)[:_LONGEST_LIST] or None


def _link(link: Link) -> OtlpLink:
    return OtlpLink(
        trace_id=link.trace_id,
        span_id=link.span_id,
        flags=_REMOTE | link.flags,
        attributes=_key_values({"one.link": link.kind}),
    )


def _span(
    run: SanitizedRun,
    span: SanitizedSpan,
    began: int,
    end: float,
    parent: str,
    place: Mapping[str, Value | None],
) -> OtlpSpan:
    failed = span.status in ("error", "timeout")
    return OtlpSpan(
        trace_id=run.trace_id,
        span_id=span.span_id,
        parent_span_id=parent,
        name=span.step_id if len(span.step_id) <= 200 else span.step_id[:199] + "…",
        start_time_unix_nano=_nanos(began, span.start_ms),
        end_time_unix_nano=_nanos(began, end),
        attributes=_key_values({**place, **_step(run, span), **_gen_ai(span.usage)}),
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
        "one.step.derived": ",".join(span.derived) or None,
        "one.step.timed": None if span.duration_ms is not None else False,
        "one.step.error_code": span.error_code,
        "cicd.pipeline.task.name": span.name,
        "cicd.pipeline.task.run.id": span.span_id,
        "cicd.pipeline.task.run.result": _RESULTS[span.status],
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
        "gen_ai.provider.name": _provider(models),
        "gen_ai.response.model": models[0] if models else None,
        "gen_ai.conversation.id": usage.sessions[0] if usage.sessions else None,
        "gen_ai.usage.input_tokens": usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens or None,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens or None,
        "one.usage.models": ",".join(models) or None,
        "one.usage.sessions": ",".join(usage.sessions) or None,
        "one.usage.turns": usage.turns or None,
        "one.usage.cost_usd": usage.cost_usd,
    }


def _provider(models: Sequence[str]) -> str:
    """A required attribute. Without a model, the record does not say whose it was."""
    known = (name for model in models for part, name in _PROVIDERS.items() if part in model.lower())
    return next(known, "_OTHER")


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
        "cicd.pipeline.name": run.flow_key,
        "cicd.pipeline.run.id": run.run_id,
        "one.run.started_ms": to_ms(run.started_at),
    }
    return _key_values(attributes | run.resource)


def _key_values(attributes: Mapping[str, Value | None]) -> list[KeyValue]:
    return [KeyValue(key, _any_value(value)) for key, value in attributes.items() if value is not None]


def _any_value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}


def _nanos(began_ms: int, offset_ms: float) -> str:
    """A uint64; the time of a damaged record is moved into its range."""
    return str(min(max(0, began_ms * 1_000_000 + round(offset_ms * 1_000_000)), 2**64 - 1))
