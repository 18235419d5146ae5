"""A run on the road to a database and back: OTLP, and rows as collectors' exporters write them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from one_trace.history.otel_rows import DAMAGED, OtelRow
from one_trace.model.trace import Assembly, FlowDefinition, Trace
from one_trace.outbound.names import one_line
from one_trace.outbound.otel import otlp_spans
from one_trace.outbound.otel_json import request
from one_trace.outbound.sanitize import OtlpFacts, SanitizedTrace, sanitize


def sanitized(made: Assembly, **more: Any) -> SanitizedTrace:
    definition = FlowDefinition(
        version=made.flow_version,
        static_paths=made.static_paths,
        step_timeouts=made.step_timeouts,
        plan=made.plan,
    )
    facts = {"definition": definition, "model_parts": made.model_parts, "revision": 1}
    names = set(OtlpFacts.__struct_fields__)
    facts |= {name: value for name, value in more.items() if name in names}
    others = {name: value for name, value in more.items() if name not in names}
    return sanitize(made.trace, facts=OtlpFacts(**facts), **others)


def rows(sent: SanitizedTrace) -> list[OtelRow]:
    """By JSON and by protobuf, which are the same."""
    by_json = list(rows_of_json(msgspec.json.encode(request(sent.run, otlp_spans(sent)))))
    assert by_json == list(rows_of_protobuf(sent))
    return by_json


def rows_of_json(body: bytes) -> Iterator[OtelRow]:
    (of_resource,) = json.loads(body)["resourceSpans"]
    (of_scope,) = of_resource["scopeSpans"]
    for span in of_scope["spans"]:
        start = int(span["startTimeUnixNano"])
        status = span.get("status", {})
        yield OtelRow(
            span["traceId"],
            span["spanId"],
            span.get("parentSpanId", ""),
            span["name"],
            start,
            int(span["endTimeUnixNano"]) - start,
            "Error" if status else "Unset",
            status.get("message", ""),
            _texts(of_resource["resource"]["attributes"]),
            _texts(span["attributes"]),
        )


def rows_of_protobuf(sent: SanitizedTrace) -> Iterator[OtelRow]:
    pb = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    from one_trace.deliver.otlp_protobuf import encode

    message = pb.ExportTraceServiceRequest.FromString(encode(sent.run, otlp_spans(sent)))
    (of_resource,) = message.resource_spans
    (of_scope,) = of_resource.scope_spans
    for span in of_scope.spans:
        yield OtelRow(
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.name,
            span.start_time_unix_nano,
            span.end_time_unix_nano - span.start_time_unix_nano,
            "Error" if span.status.code == 2 else "Unset",
            span.status.message,
            _of_messages(of_resource.resource.attributes),
            _of_messages(span.attributes),
        )


def _texts(attributes: list[Mapping[str, Any]]) -> dict[str, str]:
    found = {}
    for each in attributes:
        ((kind, value),) = each["value"].items()
        found[each["key"]] = _text(int(value) if kind == "intValue" else value)
    return found


def _of_messages(attributes: Any) -> dict[str, str]:
    return {each.key: _text(getattr(each.value, each.value.WhichOneof("value"))) for each in attributes}


def _text(value: str | bool | float) -> str:
    """As collectors write a value into a map of texts."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        text = repr(value)
        return text.removesuffix(".0") if "e" not in text else text.replace("e-0", "e-")
    return str(value)


def what_survives(trace: Trace, *, errors: bool = False) -> Trace:
    """The document without what is lost by intent: see `one trace help attributes`."""
    kept = copy.deepcopy(trace)
    run = kept.run
    run.cwd, run.uploads, run.flow_key = None, [], one_line(run.flow_key)
    run.other_events = run.other_fields = msgspec.UNSET
    run.exit = run.exit or None
    run.partial = [DAMAGED] if run.partial else msgspec.UNSET
    run.cause = run.cause or msgspec.UNSET
    if run.cause:
        run.cause.at = None
        run.cause.error = run.cause.error if errors and run.cause.span_id else None
    for span in kept.spans:
        span.name, span.type, span.flow_key = map(one_line, (span.name, span.type, span.flow_key))
        span.error = span.error if errors else None
    return kept
