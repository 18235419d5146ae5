"""A sanitized trace as OpenTelemetry spans: a tree, its times, and links to other traces.

`trace export --format otlp` writes them to a file (`otel_json`) and the sink OTLP sends them, with the same
ids, so sending twice, or importing the file as well, doubles nothing.
"""

from __future__ import annotations

from msgspec import Struct

from one_trace import __version__
from one_trace.model.times import to_iso, to_ms
from one_trace.model.tree import last_known_ms, static_paths
from one_trace.outbound import otel_attributes
from one_trace.outbound.otel_attributes import Attributes, Value
from one_trace.outbound.otel_figures import Figures
from one_trace.outbound.sanitize import SanitizedRun, SanitizedSpan, SanitizedTrace, root_span_id

KIND_INTERNAL, KIND_SERVER = 1, 2
STATUS_ERROR = 2
_REMOTE = 0x300
"""Flags of a link: it is known whether its span is remote, and it is."""
SCOPE = {"name": "one-trace", "version": __version__}
SCHEMA_URL = "https://opentelemetry.io/schemas/1.40.0"
"""The first release that has every attribute used here; the last one with those of GenAI is 1.41.0."""
_LAST_NS = 2**63 - 1
"""Of the times that databases keep; OTLP itself has twice as many."""


class OtelLink(Struct, frozen=True):
    trace_id: str
    span_id: str
    flags: int
    attributes: dict[str, Value]


class OtelSpan(Struct, kw_only=True, frozen=True):
    """Ids are hex, times are ns since 1970."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: int = KIND_INTERNAL
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    links: list[OtelLink] = []
    failed: bool
    """Otherwise the status is unset: by the specification, OK is left to the reader of the trace."""
    error: str | None = None
    error_type: str = "Error"


class _Clock:
    """Times of a run as OpenTelemetry has them: those of a damaged record are moved into its range."""

    def __init__(self, run: SanitizedRun, spans: list[SanitizedSpan]) -> None:
        self.began_ms = to_ms(run.started_at) or 0
        self.began_ns = self.began_ms * 1_000_000
        self._last_ms = last_known_ms(run.duration_ms, spans)

    def moment(self, ms: float) -> int:
        ns = self.began_ns + round(ms * 1_000_000)
        return ns if 0 <= ns <= _LAST_NS else min(max(0, ns), _LAST_NS)

    def end(self, start_ns: int, duration_ms: float | None, *, known: bool) -> int:
        """`known`: without a duration it ended when it started, else at the last moment known."""
        if duration_ms is not None:
            end_ns = start_ns + round(duration_ms * 1_000_000)
            return end_ns if start_ns <= end_ns <= _LAST_NS else max(start_ns, min(end_ns, _LAST_NS))
        return start_ns if known else max(start_ns, self.moment(self._last_ms))


def otlp_spans(sanitized: SanitizedTrace) -> list[OtelSpan]:
    """The run as a root span, then its spans, parents first. A span without an end gets the last moment that
    anything is known of.
    """
    run, spans = sanitized.run, sanitized.spans
    trace_id = run.parent.trace_id if run.parent else run.trace_id
    clock = _Clock(run, spans)
    paths = _shared(static_paths(run.flow_key, spans), spans)
    figures = Figures(run, spans, paths)
    limits = run.definition.step_timeouts if run.definition else {}
    root = root_span_id(run.trace_id)
    found = [_root(run, trace_id, clock)]
    for seq, span in enumerate(spans):
        path = paths[span.span_id]
        place: Attributes = {
            "one.step.seq": seq,
            "one.step.static_path": path,
            "one.step.timeout_ms": limits.get(path),
            **figures.of(span),
        }
        parent = span.parent_span_id if span.parent_span_id in paths else root
        found.append(_step(run, span, trace_id, parent or root, clock, place))
    return found


def _shared(paths: dict[str, str], spans: list[SanitizedSpan]) -> dict[str, str]:
    """The same, as the text that the span has where that is the same: of deep runs there may be 100 MB."""
    for span in spans:
        if paths[span.span_id] == span.path:
            paths[span.span_id] = span.path
    return paths


def _root(run: SanitizedRun, trace_id: str, clock: _Clock) -> OtelSpan:
    start_ns = clock.moment(0.0)
    end_ns = clock.end(start_ns, run.duration_ms, known=False)
    return OtelSpan(
        trace_id=trace_id,
        span_id=root_span_id(run.trace_id),
        parent_span_id=run.parent.span_id if run.parent else None,
        name=run.flow_key,
        kind=KIND_SERVER,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes=present(otel_attributes.of_run(run, said_ms=(end_ns - start_ns) / 1e6)),
        links=[
            OtelLink(link.trace_id, link.span_id, _REMOTE | link.flags, {"one.link": link.kind})
            for link in run.links
        ],
        failed=run.status == "error",
    )


def _step(
    run: SanitizedRun, span: SanitizedSpan, trace_id: str, parent: str, clock: _Clock, place: Attributes
) -> OtelSpan:
    start_ms, duration_ms = span.start_ms, span.duration_ms
    start_ns = clock.moment(start_ms)
    end_ns = clock.end(start_ns, duration_ms, known=span.status != "incomplete")
    attributes = place | otel_attributes.of_step(run, span)
    if (start_ns - clock.began_ns) / 1e6 != start_ms:
        attributes["one.step.start_ms"] = start_ms
    if duration_ms is not None and (end_ns - start_ns) / 1e6 != duration_ms:
        attributes["one.step.duration_ms"] = duration_ms
    if to_iso(clock.began_ms + start_ms) != span.started_at:
        attributes["one.step.started_at"] = span.started_at
    return OtelSpan(
        trace_id=trace_id,
        span_id=span.span_id,
        parent_span_id=parent,
        name=span.step_id if len(span.step_id) <= 200 else span.step_id[:199] + "…",
        start_ns=start_ns,
        end_ns=end_ns,
        attributes=present(attributes),
        failed=span.status in ("error", "timeout"),
        error=span.error or None,
        error_type=span.error_code or "Error",
    )


def present(attributes: Attributes) -> dict[str, Value]:
    return {key: value for key, value in attributes.items() if value is not None}
