"""Logs whose clock was set while they were written, and what must hold of the traces of them."""

from __future__ import annotations

import json
from typing import Any

from one_trace.export.formats import FORMATS
from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import Trace
from one_trace.model.tree import Shape
from one_trace.outbound.events import event_lines

Line = dict[str, Any]


def rows(log: bytes) -> list[Line]:
    return [json.loads(row) for row in log.split(b"\n") if row.strip()]


def written(lines: list[Line]) -> bytes:
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def later(text: str | None, by: int) -> str | None:
    at = to_ms(text)
    return to_iso(at + by) if at is not None else text


def set_clock(
    lines: list[Line], at: int, by: int, *, stamps: bool = True, durations: bool = False
) -> list[Line]:
    """The lines as they would be if the clock had been set by so many ms before line `at` was written.

    `stamps`: the steps' own clock as well. `durations`: a step across it is measured by that clock, as One
    CLI does it; else by one that nobody sets.
    """
    begun: dict[str, int] = {}
    shown = []
    for number, line in enumerate(lines):
        line = dict(line)
        if number >= at:
            line["ts"] = later(line["ts"], by)
            if stamps and "timestamp" in line:
                line["timestamp"] = later(line["timestamp"], by)
        step = line.get("stepId")
        if line.get("event") == "step:start":
            begun[step] = number
        if durations and line.get("event") == "step:complete" and begun.get(step, at) < at <= number:
            line["durationMs"] = line.get("durationMs", 0) + by
        shown.append(line)
    return shown


def assert_forward(trace: Trace) -> None:
    """No time of the trace goes back, in any form that it is given away in."""
    began = {span.span_id: span.start_ms for span in trace.spans}
    seen: set[str] = set()
    assert trace.run.duration_ms is None or trace.run.duration_ms >= 0
    for span in trace.spans:
        assert span.start_ms >= 0, span
        assert span.duration_ms is None or span.duration_ms >= 0, span
        assert abs((to_ms(span.started_at) or 0) - (to_ms(trace.run.started_at) or 0) - span.start_ms) <= 1
        if span.parent_span_id is not None:
            assert span.parent_span_id in seen, f"{span.path} stands before its parent"
            assert span.start_ms >= began[span.parent_span_id], f"{span.path} starts before its parent"
        seen.add(span.span_id)
    _assert_shape(Shape(trace))
    _assert_otlp(json.loads(FORMATS["otlp"](trace)))
    for event in json.loads(FORMATS["perfetto"](trace))["traceEvents"]:
        assert event["ts"] >= 0, event
        assert event.get("dur", 0) >= 0, event
    for event in event_lines(trace):
        assert not isinstance(event.duration_ms, float | int) or event.duration_ms >= 0, event
    assert FORMATS["html"](trace)


def _assert_shape(shape: Shape) -> None:
    assert all(ms >= 0 for ms in shape.self_ms.values()), shape.self_ms
    stretches = shape.critical_path
    assert all(0 <= each.start_ms <= each.end_ms for each in stretches), stretches


def _assert_otlp(document: Any) -> None:
    ((scope,),) = [resource["scopeSpans"] for resource in document["resourceSpans"]]
    spans = {span["spanId"]: span for span in scope["spans"]}
    for span in spans.values():
        assert int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"]), span
        parent = spans.get(span.get("parentSpanId", ""))
        if parent is not None:
            assert int(span["startTimeUnixNano"]) >= int(parent["startTimeUnixNano"]), span
