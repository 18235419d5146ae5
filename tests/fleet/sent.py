"""Runs as rows of ``otel_traces``, as a collector's exporter writes them: for thousands of runs at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from one_trace.model.trace import Assembly, FlowDefinition
from one_trace.outbound.otel import otlp_spans
from one_trace.outbound.otel_json import request
from one_trace.outbound.sanitize import OtlpFacts, sanitize
from tests.fleet.engine import Engine

COLUMNS = (
    "Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,"
    " ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage"
)
_KINDS = {1: "Internal", 2: "Server"}
REPOSITORY = "https://example.com/team/flows"


def requested(
    assembly: Assembly, revision: int = 1, resource: dict[str, str] | None = None
) -> dict[str, Any]:
    """The request that the sink OTLP makes of a run."""
    definition = FlowDefinition(
        version=assembly.flow_version,
        static_paths=assembly.static_paths,
        step_timeouts=assembly.step_timeouts,
        plan=assembly.plan,
    )
    facts = OtlpFacts(
        resource={"host.name": "laptop", "vcs.repository.url.full": REPOSITORY, **(resource or {})},
        revision=revision,
        definition=definition if assembly.flow_version else None,
        model_parts=assembly.model_parts,
    )
    sanitized = sanitize(assembly.trace, facts=facts)
    return request(sanitized.run, otlp_spans(sanitized))


def rows(sent: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a request."""
    for of_resource in sent["resourceSpans"]:
        resource = texts(of_resource["resource"]["attributes"])
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:
                yield _row(span, resource, of_scope["scope"])


def texts(attributes: list[dict[str, Any]]) -> dict[str, str]:
    """Attributes as Go writes them into a Map of texts."""
    return {each["key"]: _text(*each["value"].items()) for each in attributes}


def _text(member: tuple[str, Any]) -> str:
    kind, value = member
    if kind == "boolValue":
        return "true" if value else "false"
    if kind == "doubleValue" and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _row(span: dict[str, Any], resource: dict[str, str], scope: dict[str, str]) -> dict[str, Any]:
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    status = span.get("status", {})
    return {
        "Timestamp": f"{start // 10**9}.{start % 10**9:09d}",
        "TraceId": span["traceId"],
        "SpanId": span["spanId"],
        "ParentSpanId": span.get("parentSpanId", ""),
        "SpanName": span["name"],
        "SpanKind": _KINDS[span["kind"]],
        "ServiceName": resource["service.name"],
        "ResourceAttributes": resource,
        "ScopeName": scope["name"],
        "ScopeVersion": scope["version"],
        "SpanAttributes": texts(span["attributes"]),
        "Duration": end - start,
        "StatusCode": "Error" if status else "Unset",
        "StatusMessage": status.get("message", ""),
    }


def insert(engine: Engine, found: Iterable[dict[str, Any]]) -> None:
    """Insert rows in one request, as a collector does with a batch."""
    data = "\n".join(json.dumps(row, ensure_ascii=False) for row in found)
    engine.insert(f"{engine.otel}.otel_traces", COLUMNS, data.encode("utf-8", "replace"))


def send(engine: Engine, assemblies: Iterable[Assembly], revision: int = 1, **resource: str) -> None:
    """Insert the rows of runs."""
    named = {name.replace("_", "."): value for name, value in resource.items()}
    insert(engine, (row for each in assemblies for row in rows(requested(each, revision, named))))
