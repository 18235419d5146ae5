"""OpenTelemetry spans as OTLP/JSON: protobuf's JSON mapping, but ids are hex; 64-bit integers are strings,
enums are numbers (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from one_trace.guard.text import json_bytes
from one_trace.outbound.otel import SCHEMA_URL, SCOPE, STATUS_ERROR, OtelLink, OtelSpan, present
from one_trace.outbound.otel_attributes import Value, of_resource
from one_trace.outbound.sanitize import SanitizedRun

LARGEST = 2**63 - 1
_AT_ONCE = 10
"""So few that even of a deep run they fit in memory that is used again and again."""


def request(run: SanitizedRun, spans: Sequence[OtelSpan]) -> dict[str, Any]:
    """Some or all spans of a run as an ExportTraceServiceRequest, the body of ``POST /v1/traces``."""
    scope_spans = {"scope": SCOPE, "spans": list(map(_span, spans)), "schemaUrl": SCHEMA_URL}
    resource = {"attributes": _attributes(present(of_resource(run)))}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope_spans], "schemaUrl": SCHEMA_URL}]}


def request_in_pieces(run: SanitizedRun, spans: Sequence[OtelSpan]) -> Iterator[bytes]:
    """The same encoded, some spans at a time: those of deep runs may be 200 MB."""
    before, opening, after = json_bytes(request(run, ())).partition(b'"spans":[')
    yield before + opening
    for at in range(0, len(spans), _AT_ONCE):
        yield b"," if at else b""
        yield b",".join([json_bytes(_span(span)) for span in spans[at : at + _AT_ONCE]])
    yield after + b"\n"


def _span(span: OtelSpan) -> dict[str, Any]:
    found: dict[str, Any] = {"traceId": span.trace_id, "spanId": span.span_id}
    if span.parent_span_id is not None:
        found["parentSpanId"] = span.parent_span_id
    found |= {
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(span.attributes),
    }
    if span.error is not None:
        found["events"] = [_exception(span, span.error)]
    if span.links:
        found["links"] = list(map(_link, span.links))
    if span.failed:
        message = {} if span.error is None else {"message": span.error}
        found["status"] = {"code": STATUS_ERROR, **message}
    return found


def _exception(span: OtelSpan, message: str) -> dict[str, Any]:
    attributes = {"exception.type": span.error_type, "exception.message": message}
    return {
        "timeUnixNano": str(span.end_ns),
        "name": "exception",
        "attributes": _attributes(attributes),
    }


def _link(link: OtelLink) -> dict[str, Any]:
    return {
        "traceId": link.trace_id,
        "spanId": link.span_id,
        "attributes": _attributes(link.attributes),
        "flags": link.flags,
    }


def _attributes(attributes: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    # Of a damaged record, or of a document that anybody can write.
    return {"intValue" if -LARGEST <= value <= LARGEST else "stringValue": str(value)}
