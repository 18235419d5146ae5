"""Runs as rows of ``otel_traces``, as a collector's exporter writes them: for thousands of runs at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from one_trace.history.otel_rows import OtelRow
from one_trace.model.trace import Assembly
from one_trace.outbound.otel import otlp_spans
from one_trace.outbound.otel_json import request
from tests.fleet.engine import Engine
from tests.history.otel_road import rows_of_json, sanitized

REPOSITORY = "https://example.com/team/flows"
RESOURCE = {"host.name": "laptop", "vcs.repository.url.full": REPOSITORY}
COLUMNS = (
    "Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,"
    " ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage"
)


def rows(assembly: Assembly, revision: int = 1, caller: str | None = None, **resource: str) -> list[OtelRow]:
    """The spans that are sent of a run. `caller`: a W3C trace context, whose child the run is sent as.
    `resource`: attributes, with ``_`` for a dot."""
    named = {name.replace("_", "."): value for name, value in resource.items()}
    child = {} if caller is None else {"traceparent": caller, "contexts": {}}
    sent = sanitized(assembly, revision=revision, resource=RESOURCE | named, **child)
    return list(rows_of_json(msgspec.json.encode(request(sent.run, otlp_spans(sent)))))


def insert(engine: Engine, found: Iterable[OtelRow]) -> None:
    """Insert rows in one request, as a collector does with a batch."""
    data = "\n".join(json.dumps(_row(row), ensure_ascii=False) for row in found)
    engine.insert(f"{engine.otel}.otel_traces", COLUMNS, data.encode("utf-8", "replace"))


def send(engine: Engine, assemblies: Iterable[Assembly], revision: int = 1, **resource: str) -> None:
    """Insert the rows of runs."""
    insert(engine, (row for each in assemblies for row in rows(each, revision, **resource)))


def _row(row: OtelRow) -> dict[str, Any]:
    values = (
        f"{row.start_ns // 10**9}.{row.start_ns % 10**9:09d}",
        row.trace_id,
        row.span_id,
        row.parent_span_id,
        row.name,
        "Server" if row.is_run else "Internal",
        row.resource["service.name"],
        row.resource,
        "one-trace",
        row.resource["telemetry.sdk.version"],
        row.attributes,
        row.duration_ns,
        row.status_code,
        row.status_message,
    )
    return dict(zip(COLUMNS.split(", "), values, strict=True))
