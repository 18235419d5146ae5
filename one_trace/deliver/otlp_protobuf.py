"""OpenTelemetry spans as protobuf, for the sink otlp. Needs the packages of ``one-trace[otlp]``.

Not protobuf's own reader of JSON: it takes ids in base64 where OTLP/JSON has hex, and is ten times slower.
Messages are made where they belong: each that is made apart is copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from one_trace.outbound.otel import SCHEMA_URL, SCOPE, STATUS_ERROR, OtelSpan, present
from one_trace.outbound.otel_attributes import Value, of_resource
from one_trace.outbound.otel_json import LARGEST
from one_trace.outbound.sanitize import SanitizedRun


def encode(run: SanitizedRun, spans: Iterable[OtelSpan]) -> bytes:
    """Some or all spans of a run, as `outbound.otel_json.request` has them in JSON."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add(schema_url=SCHEMA_URL)
    _add(resource_spans.resource.attributes, present(of_resource(run)))
    scope_spans = resource_spans.scope_spans.add(schema_url=SCHEMA_URL)
    scope_spans.scope.name, scope_spans.scope.version = SCOPE["name"], SCOPE["version"]
    for span in spans:
        _add_span(scope_spans.spans, span)
    return bytes(request.SerializeToString())


def rejected(body: bytes) -> tuple[int, str]:
    """The number of rejected spans in an answer, and the reason; 0 if it is not a response."""
    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return 0, ""
    return partial.rejected_spans, partial.error_message


def _add_span(spans: Any, span: OtelSpan) -> None:  # noqa: ANN401  a repeated field, whose type has no name
    message = spans.add(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        name=span.name,
        kind=span.kind,
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
    )
    if span.parent_span_id is not None:
        message.parent_span_id = bytes.fromhex(span.parent_span_id)
    _add(message.attributes, span.attributes)
    if span.failed:
        message.status.code = STATUS_ERROR
    if span.error is not None:
        if span.failed:
            message.status.message = span.error
        event = message.events.add(time_unix_nano=span.end_ns, name="exception")
        _add(event.attributes, {"exception.type": span.error_type, "exception.message": span.error})
    for link in span.links:
        trace_id, span_id = bytes.fromhex(link.trace_id), bytes.fromhex(link.span_id)
        _add(
            message.links.add(trace_id=trace_id, span_id=span_id, flags=link.flags).attributes,
            link.attributes,
        )


def _add(repeated: Any, attributes: Mapping[str, Value]) -> None:  # noqa: ANN401  as above
    add = repeated.add
    for key, content in attributes.items():
        value = add(key=key).value
        if isinstance(content, str):
            value.string_value = content
        elif isinstance(content, bool):
            value.bool_value = content
        elif isinstance(content, float):
            value.double_value = content
        elif -LARGEST <= content <= LARGEST:
            value.int_value = content
        else:
            value.string_value = str(content)
