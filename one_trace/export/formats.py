"""The forms a run can leave the store in. Each is a pure function from a trace to the bytes of a file."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from one_trace.events import event_lines
from one_trace.model import Trace, encode
from one_trace.privacy import leave


def to_json(trace: Trace) -> bytes:
    """The trace document."""
    return encode(trace) + b"\n"


def to_events(trace: Trace) -> bytes:
    """JSON Lines in time order: what may leave the machine, and so no error text."""
    return b"".join(msgspec.json.encode(event) + b"\n" for event in event_lines(trace))


def to_otlp(trace: Trace) -> bytes:
    """OTLP/JSON, one ExportTraceServiceRequest: what the OTLP sink sends."""
    from one_trace.semconv import otlp_spans, request

    leaving = leave(trace)
    return msgspec.json.encode(request(leaving.run, otlp_spans(leaving))) + b"\n"


def to_perfetto(trace: Trace) -> bytes:
    from one_trace.export.perfetto import perfetto

    return perfetto(trace)


def to_html(trace: Trace) -> bytes:
    from one_trace.export.html import html

    return html(trace)


FORMATS: dict[str, Callable[[Trace], bytes]] = {
    "json": to_json,
    "events": to_events,
    "otlp": to_otlp,
    "perfetto": to_perfetto,
    "html": to_html,
}
