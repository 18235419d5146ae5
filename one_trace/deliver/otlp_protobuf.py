"""OTLP structs as protobuf, for the sink otlp. Needs the packages of ``one-trace[otlp]``.

Not protobuf's own reader of JSON: it takes ids in base64 where OTLP/JSON has hex, and is ten times slower.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.common.v1.common_pb2 import KeyValue as KeyValueMessage
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from one_trace.outbound.otel import SCHEMA_URL, SCOPE, KeyValue, OtlpSpan, resource_attributes
from one_trace.outbound.sanitize import SanitizedRun

_FIELDS = {"stringValue": "string_value", "intValue": "int_value", "doubleValue": "double_value"}


def encode(run: SanitizedRun, spans: Iterable[OtlpSpan]) -> bytes:
    """Some or all spans of a run, as `outbound.otel.request` has them in JSON."""
    scope = InstrumentationScope(name=SCOPE["name"], version=SCOPE["version"])
    scope_spans = ScopeSpans(scope=scope, spans=map(_span, spans), schema_url=SCHEMA_URL)
    resource = Resource(attributes=_attributes(resource_attributes(run)))
    resource_spans = ResourceSpans(resource=resource, scope_spans=[scope_spans], schema_url=SCHEMA_URL)
    return bytes(ExportTraceServiceRequest(resource_spans=[resource_spans]).SerializeToString())


def rejected(body: bytes) -> tuple[int, str]:
    """The number of rejected spans in an answer, and the reason; 0 if it is not a response."""
    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return 0, ""
    return partial.rejected_spans, partial.error_message


def _span(span: OtlpSpan) -> Span:
    return Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_span_id or ""),
        name=span.name,
        kind=span.kind,  # type: ignore[arg-type]  # an enum's number is as good as its name
        start_time_unix_nano=int(span.start_time_unix_nano),
        end_time_unix_nano=int(span.end_time_unix_nano),
        attributes=_attributes(span.attributes),
        events=[
            Span.Event(
                time_unix_nano=int(event.time_unix_nano),
                name=event.name,
                attributes=_attributes(event.attributes),
            )
            for event in span.events or ()
        ],
        links=[
            Span.Link(
                trace_id=bytes.fromhex(link.trace_id),
                span_id=bytes.fromhex(link.span_id),
                flags=link.flags,
                attributes=_attributes(link.attributes),
            )
            for link in span.links or ()
        ],
        status=Status(code=span.status.code, message=span.status.message or "")  # type: ignore[arg-type]
        if span.status
        else None,
    )


def _attributes(attributes: Iterable[KeyValue]) -> list[KeyValueMessage]:
    return [KeyValueMessage(key=each.key, value=_value(each.value)) for each in attributes]


def _value(value: dict[str, Any]) -> AnyValue:
    ((kind, content),) = value.items()
    if kind == "boolValue":
        return AnyValue(bool_value=content)
    field: dict[str, Any] = {_FIELDS[kind]: int(content) if kind == "intValue" else content}
    return AnyValue(**field)
