"""A run as one HTML file that needs no network: template, style and script are files beside this one.

Nothing of a run becomes markup. The data is a JSON block with ``<``, ``>`` and ``&`` escaped, the script
adds it to the page as text only, and the policy of the page allows no other script or style than these
two, by their hash.
"""

from __future__ import annotations

import base64
import hashlib
import html as markup
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Any

from one_trace.guard.text import clean, json_bytes
from one_trace.model.trace import SPAN_STATUSES, Location, Span, Trace
from one_trace.model.tree import Shape, static_paths

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


Find = Callable[[str], Location | None]
"""From a step's static path to where it is written."""


def html(trace: Trace, find: Find | None = None) -> bytes:
    """The file."""
    style, script = _part("report.css"), _part("report.js")
    slots = {
        "title": markup.escape(clean(f"{trace.run.flow_key} · {trace.run.status} · {trace.run.run_id}")),
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "data": json_bytes(data(trace, find)).decode().translate(_ESCAPES),
    }
    page = _SLOT.sub(lambda slot: slots[slot[1]], _part("report.html"))
    return page.encode("utf-8", "replace")


def _part(name: str) -> str:
    return files("one_trace.export").joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Content-Security-Policy: nothing is loaded, and only our script and style are used."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def data(trace: Trace, find: Find | None = None) -> dict[str, Any]:
    """The run, and its spans column by column: 2,000 spans in under 150 kB. Sparse columns are objects by
    the number of the span."""
    shape, spans = Shape(trace), trace.spans
    number = {span.span_id: at for at, span in enumerate(spans)}
    steps: dict[tuple[str, str, str, str], int] = {}
    roots: dict[str, int] = {}
    places: dict[str, int] = {}
    critical = {number[stretch.span.span_id] for stretch in shape.critical_path if stretch.span is not None}
    return {
        "run": trace.run,
        "horizon": shape.horizon,
        "id": [span.span_id for span in spans],
        "step": [steps.setdefault(_step(span), len(steps)) for span in spans],
        "steps": list(steps),
        "parent": [_parent(span, number, at) for at, span in enumerate(spans)],
        "start": [_number(span.start_ms) for span in spans],
        "took": [_number(span.duration_ms) for span in spans],
        "status": [SPAN_STATUSES.index(span.status) for span in spans],
        "statuses": SPAN_STATUSES,
        "out": [span.output_bytes for span in spans],
        "root": _sparse(
            [roots.setdefault(span.path.split(" > ", 1)[0], len(roots)) or None for span in spans]
        ),
        "roots": list(roots),
        "iteration": _sparse([span.iteration for span in spans]),
        "branch": _sparse([span.branch for span in spans]),
        "attempts": _sparse([span.attempts if span.attempts > 1 else None for span in spans]),
        "within": _sparse(
            [span.parent_attempt if (span.parent_attempt or 1) > 1 else None for span in spans]
        ),
        "self": _sparse([_self(span, shape) for span in spans]),
        "in": _sparse([span.input_bytes for span in spans]),
        "error": _sparse([span.error for span in spans]),
        "code": _sparse([span.error_code for span in spans]),
        "late": _sparse([span.late or None for span in spans]),
        "derived": _sparse([span.derived or None for span in spans]),
        "usage": _sparse([span.usage for span in spans]),
        "critical": sorted(critical),
        "at": _sparse(_numbered(_places(trace, find), places)),
        "places": list(places),
    }


def _places(trace: Trace, find: Find | None) -> Iterator[str | None]:
    """Where the step of each span is written, as ``file:line pointer``."""
    paths = static_paths(trace.run.flow_key, trace.spans)
    found = {path: find(path) if find is not None else None for path in dict.fromkeys(paths.values())}
    for span in trace.spans:
        at = found[paths[span.span_id]]
        yield None if at is None else f"{at.file}{f':{at.line}' if at.line else ''}  {at.pointer}"


def _numbered(texts: Iterable[str | None], numbers: dict[str, int]) -> list[int | None]:
    """The number of each text; `numbers` gets those that are new."""
    return [None if text is None else numbers.setdefault(text, len(numbers)) for text in texts]


def _step(span: Span) -> tuple[str, str, str, str]:
    return span.step_id, span.name, span.type, span.flow_key


def _parent(span: Span, number: dict[str, int], at: int) -> int:
    """The number of the parent; -1 for none, and for one that does not come before its child."""
    parent = number.get(span.parent_span_id or "", -1)
    return parent if parent < at else -1


def _self(span: Span, shape: Shape) -> float | int | None:
    """Self time, if it is not the duration."""
    return _number(shape.self_ms.get(span.span_id)) if shape.children(span) else None


def _number(value: float | None) -> float | int | None:
    if value is None:
        return None
    whole = round(value)
    return whole if abs(value - whole) < 0.0005 else round(value, 3)


def _sparse(column: Sequence[Any]) -> dict[int, Any]:
    return {at: value for at, value in enumerate(column) if value is not None}
