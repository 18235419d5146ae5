"""A run as one HTML file: its tree with a waterfall, to be searched and folded, and why it failed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from one_trace.export.columns import packed, sparse
from one_trace.export.page import page
from one_trace.model.trace import SPAN_STATUSES, Location, Span, Trace
from one_trace.model.tree import Shape, static_paths

Find = Callable[[str], Location | None]
"""From a step's static path to where it is written."""


def html(trace: Trace, find: Find | None = None) -> bytes:
    """The file. `find` gives the places of its steps."""
    run = trace.run
    title = f"{run.flow_key} · {run.status} · {run.run_id}"
    return page(
        "report", title=title, data=data(trace, find), scripts=["report_tree.js", "report_timeline.js"]
    )


def data(trace: Trace, find: Find | None = None) -> dict[str, Any]:
    """The run, and its spans as columns (see `columns`): 2,000 spans in about 60 kB."""
    shape, spans = Shape(trace), trace.spans
    number = {span.span_id: at for at, span in enumerate(spans)}
    steps: dict[tuple[str, str, str, str], int] = {}
    roots: dict[str, int] = {}
    places: dict[str, int] = {}
    critical = {number[stretch.span.span_id] for stretch in shape.critical_path if stretch.span is not None}
    cause = trace.run.cause.span_id if trace.run.cause else None
    return {
        "run": trace.run,
        "horizon": shape.horizon,
        "cause": number.get(cause or "", -1),
        "ids": _ids(spans),
        "step": packed([steps.setdefault(_step(span), len(steps)) for span in spans]),
        "steps": list(steps),
        "parent": packed([at - _parent(span, number, at) for at, span in enumerate(spans)]),  # how far back
        "start": packed([_number(span.start_ms) for span in spans]),
        "took": packed([_number(span.duration_ms) for span in spans]),
        "status": packed([SPAN_STATUSES.index(span.status) for span in spans]),
        "statuses": SPAN_STATUSES,
        "out": sparse([span.output_bytes for span in spans]),
        "root": sparse(
            [roots.setdefault(span.path.split(" > ", 1)[0], len(roots)) or None for span in spans]
        ),
        "roots": list(roots),
        "iteration": sparse([span.iteration for span in spans]),
        "branch": sparse([span.branch for span in spans]),
        "attempts": sparse([span.attempts if span.attempts > 1 else None for span in spans]),
        "within": sparse([span.parent_attempt if (span.parent_attempt or 1) > 1 else None for span in spans]),
        "self": sparse([_self(span, shape) for span in spans]),
        "in": sparse([span.input_bytes for span in spans]),
        "error": sparse([span.error for span in spans]),
        "code": sparse([span.error_code for span in spans]),
        "late": sparse([span.late or None for span in spans]),
        "derived": sparse([span.derived or None for span in spans]),
        "usage": sparse([span.usage for span in spans]),
        "critical": packed(sorted(critical)),
        "at": sparse([text and places.setdefault(text, len(places)) for text in _places(trace, find)]),
        "places": list(places),
    }


def _places(trace: Trace, find: Find | None) -> Iterator[str | None]:
    """Where the step of each span is written, as ``file:line pointer``."""
    paths = static_paths(trace.run.flow_key, trace.spans)
    found = {path: find(path) if find is not None else None for path in dict.fromkeys(paths.values())}
    for span in trace.spans:
        at = found[paths[span.span_id]]
        yield None if at is None else f"{at.file}{f':{at.line}' if at.line else ''}  {at.pointer}"


def _ids(spans: Sequence[Span]) -> str:
    """All span ids, 8 bytes each, in base64; nothing if one is not of that form."""
    try:
        raw = [bytes.fromhex(span.span_id) for span in spans]
    except ValueError:
        return ""
    return base64.b64encode(b"".join(raw)).decode() if all(len(each) == 8 for each in raw) else ""


def _step(span: Span) -> tuple[str, str, str, str]:
    return span.step_id, span.name, span.type, span.flow_key


def _parent(span: Span, number: dict[str, int], at: int) -> int:
    """The parent's number; -1 for none, and for one that does not stand before its child."""
    parent = number.get(span.parent_span_id or "", -1)
    return parent if parent < at else -1


def _self(span: Span, shape: Shape) -> float | int | None:
    """Self time, where it is not simply the duration."""
    return _number(shape.self_ms.get(span.span_id)) if shape.children(span) else None


def _number(value: float | None) -> float | int | None:
    if value is None:
        return None
    whole = round(value)
    return whole if abs(value - whole) < 0.0005 else round(value, 3)
