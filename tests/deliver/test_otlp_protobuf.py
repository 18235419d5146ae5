"""The bytes that the sink otlp writes are those that opentelemetry-proto makes of the same spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import assembly

from one_trace.deliver.otlp_protobuf import encode, rejected
from one_trace.outbound.otel import SCHEMA_URL, SCOPE, OtelLink, OtelSpan, present
from one_trace.outbound.otel_attributes import of_resource
from one_trace.outbound.sanitize import SanitizedRun, sanitize

pb = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

TEXTS = st.text(max_size=300) | st.text("ab", max_size=1) | st.just("x" * 20_000)
INTEGERS = (
    st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-2, 2) | st.sampled_from([2**63, -(2**63), 2**70])
)
VALUES = TEXTS | st.booleans() | INTEGERS | st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0])
ATTRIBUTES = st.dictionaries(st.sampled_from("abc") | TEXTS, VALUES, max_size=6)
TRACE_IDS = st.binary(min_size=16, max_size=16).map(bytes.hex)
SPAN_IDS = st.binary(min_size=8, max_size=8).map(bytes.hex)
TIMES = st.integers(0, 2**63 - 1)
SPANS = st.builds(
    OtelSpan,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_span_id=st.none() | SPAN_IDS,
    name=TEXTS,
    kind=st.integers(0, 5),
    start_ns=TIMES,
    end_ns=TIMES,
    attributes=ATTRIBUTES,
    links=st.lists(
        st.builds(OtelLink, TRACE_IDS, SPAN_IDS, st.integers(0, 2**32 - 1), ATTRIBUTES), max_size=2
    ),
    failed=st.booleans(),
    error=st.none() | TEXTS,
    error_type=TEXTS,
)


@pytest.fixture(scope="module")
def run() -> SanitizedRun:
    return sanitize(assembly().trace).run


@given(spans=st.lists(SPANS, max_size=4))
def test_bytes_are_read_as_the_spans_that_were_written(run: SanitizedRun, spans: list[OtelSpan]) -> None:
    assert pb.ExportTraceServiceRequest.FromString(encode(run, spans)) == made_with_protobuf(run, spans)


def test_values_that_are_equal_keep_their_types(run: SanitizedRun) -> None:
    values = [1, True, 1.0, 0, False, -0.0, 0.0, "1", ""]
    spans = [one_span({"k": value}) for value in values]
    written = (
        pb.ExportTraceServiceRequest.FromString(encode(run, spans)).resource_spans[0].scope_spans[0].spans
    )
    read = [
        getattr(span.attributes[0].value, span.attributes[0].value.WhichOneof("value")) for span in written
    ]
    assert list(map(repr, read)) == list(map(repr, values))


def test_half_a_character_is_replaced(run: SanitizedRun) -> None:
    written = pb.ExportTraceServiceRequest.FromString(encode(run, [one_span({"k": "a\udc80"})]))
    assert written.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.string_value == "a?"


@given(count=st.integers(-(2**63), 2**63 - 1), reason=TEXTS)
def test_what_was_rejected_is_read(count: int, reason: str) -> None:
    response = pb.ExportTraceServiceResponse()
    response.partial_success.rejected_spans, response.partial_success.error_message = count, reason
    assert rejected(response.SerializeToString()) == (count, reason)
    assert rejected(b"") == rejected(pb.ExportTraceServiceResponse().SerializeToString()) == (0, "")


@given(body=st.binary(max_size=60))
def test_any_answer_can_be_read(body: bytes) -> None:
    count, reason = rejected(body)
    assert isinstance(count, int)
    assert isinstance(reason, str)


def one_span(attributes: dict[str, Any]) -> OtelSpan:
    return OtelSpan(
        trace_id="0" * 31 + "1",
        span_id="0" * 15 + "1",
        parent_span_id=None,
        name="n",
        start_ns=1,
        end_ns=2,
        attributes=attributes,
        failed=False,
    )


def made_with_protobuf(run: SanitizedRun, spans: list[OtelSpan]) -> Any:
    request = pb.ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add(schema_url=SCHEMA_URL)
    add(resource_spans.resource.attributes, present(of_resource(run)))
    scope_spans = resource_spans.scope_spans.add(schema_url=SCHEMA_URL)
    scope_spans.scope.name, scope_spans.scope.version = SCOPE["name"], SCOPE["version"]
    for span in spans:
        message = scope_spans.spans.add(
            trace_id=bytes.fromhex(span.trace_id),
            span_id=bytes.fromhex(span.span_id),
            parent_span_id=bytes.fromhex(span.parent_span_id or ""),
            name=span.name,
            kind=span.kind,
            start_time_unix_nano=span.start_ns,
            end_time_unix_nano=span.end_ns,
        )
        add(message.attributes, span.attributes)
        if span.failed:
            message.status.code, message.status.message = 2, span.error or ""
        if span.error is not None:
            event = message.events.add(time_unix_nano=span.end_ns, name="exception")
            add(event.attributes, {"exception.type": span.error_type, "exception.message": span.error})
        for link in span.links:
            ids = bytes.fromhex(link.trace_id), bytes.fromhex(link.span_id)
            add(
                message.links.add(trace_id=ids[0], span_id=ids[1], flags=link.flags).attributes,
                link.attributes,
            )
    return request


def add(repeated: Any, attributes: Mapping[str, Any]) -> None:
    for key, value in attributes.items():
        found = repeated.add(key=key).value
        match value:
            case bool():
                found.bool_value = value
            case float():
                found.double_value = value
            case int() if -(2**63) < value < 2**63:
                found.int_value = value
            case _:
                found.string_value = str(value)
