"""Where the time went: the critical path, and the slowest steps by self time."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec import UNSET, Struct, UnsetType

from one_trace.guard.text import clean
from one_trace.model.trace import Filter, Location, Run, Trace
from one_trace.model.tree import Shape, static_path, static_paths
from one_trace.view import words
from one_trace.view.bars import Scale
from one_trace.view.cells import LONGEST, clip_left, last, pad, text_width
from one_trace.view.header import NARROW, header
from one_trace.view.style import Style

SCHEMA = "one-trace-slow/1"
_ROWS = 20
"""Rows of the critical path on a page."""


class Waited(Struct, rename="camel", kw_only=True):
    """A place in the flow that the run waited for: `ms` in total over `spans` executions. The path is null
    for time that no step took."""

    path: str | None
    type: str | None
    ms: float
    share: float
    """Of the run's duration, 0 to 1."""
    spans: int
    start_ms: float
    at: Location | None = None
    """Where the step is written, if that is known."""


class Slowest(Struct, rename="camel", kw_only=True):
    """One span by its self time: its duration without the time in which one of its children ran."""

    span_id: str
    path: str
    type: str
    self_ms: float
    duration_ms: float | None
    start_ms: float
    share: float
    at: Location | None = None


class Slow(Struct, rename="camel", kw_only=True):
    """The answer of ``trace show --slow``: the critical path in time order, the slowest spans first."""

    schema: str = SCHEMA
    run: Run
    critical_path: list[Waited]
    slowest: list[Slowest]
    filter: Filter | UnsetType = UNSET


def with_places(found: Slow, trace: Trace, place: Callable[[str], Location | None]) -> Slow:
    """The answer with the places of its steps, which `place` gives by static path."""
    spans = {span.span_id: span for span in trace.spans}
    for waited in found.critical_path:
        waited.at = place(waited.path) if waited.path is not None else None
    for slowest in found.slowest:
        slowest.at = place(static_path(trace.run.flow_key, spans, slowest.span_id))
    return found


def slow(trace: Trace, most: int, shown: Collection[str] | None = None, filter: Filter | None = None) -> Slow:
    """The critical path by place in the flow, and the `most` slowest spans. Figures are of the whole run;
    only spans in `shown` (ids; None: all) are listed."""
    shape = Shape(trace)
    total = trace.run.duration_ms or shape.horizon or 1.0
    spans = trace.spans if shown is None else [span for span in trace.spans if span.span_id in shown]
    ranked = sorted(spans, key=lambda span: shape.self_ms.get(span.span_id, -1.0), reverse=True)[:most]
    slowest = [
        Slowest(
            span_id=span.span_id,
            path=span.path,
            type=span.type,
            self_ms=_round(shape.self_ms[span.span_id]),
            duration_ms=span.duration_ms,
            start_ms=span.start_ms,
            share=_share(shape.self_ms[span.span_id], total),
        )
        for span in ranked
        if span.span_id in shape.self_ms
    ]
    found = Slow(run=trace.run, critical_path=_waited(shape, total, shown), slowest=slowest)
    if filter is not None:
        found.filter = filter
    return found


def _waited(shape: Shape, total: float, shown: Collection[str] | None) -> list[Waited]:
    paths = static_paths(shape.run.flow_key, shape.spans)
    places: dict[str | None, Waited] = {}
    seen: dict[str | None, set[str]] = {}
    for stretch in shape.critical_path:
        span = stretch.span
        if shown is not None and (span is None or span.span_id not in shown):
            continue
        path = paths[span.span_id] if span else None
        place = places.setdefault(
            path,
            Waited(
                path=path,
                type=span.type if span else None,
                ms=0.0,
                share=0.0,
                spans=0,
                start_ms=stretch.start_ms,
            ),
        )
        place.ms += stretch.end_ms - stretch.start_ms
        if span:
            seen.setdefault(path, set()).add(span.span_id)
    for path, place in places.items():
        place.share, place.ms, place.spans = (
            _share(place.ms, total),
            _round(place.ms),
            len(seen.get(path, ())),
        )
    return list(places.values())


def _share(ms: float, total: float) -> float:
    return round(min(ms / total, 1.0), 4)


def _round(ms: float) -> float:
    return round(ms, 3)


def render_slow(document: Slow, *, width: int, color: bool, unicode: bool = True) -> str:
    """The page for people."""
    columns, style = max(width, 40), Style(color=color, unicode=unicode)
    rows = sorted(document.critical_path, key=lambda place: -place.ms)[:_ROWS]
    rows.sort(key=lambda place: place.start_ms)
    page = header(document.run, columns, style)
    root = document.run.flow_key + " > "
    if not document.slowest:
        return "\n".join([*page, "", style.paint("no steps to show", "dim")]) + "\n"
    page += ["", _title("Critical path", "what the run waited for, in time order", columns, style)]
    page += _table([(_place(place, root), place.ms, place.share) for place in rows], columns, style)
    left_out = len(document.critical_path) - len(rows)
    if left_out:
        page.append(style.paint(f"and {words.counted(left_out, 'place')} more", "dim"))
    page += ["", _title("Slowest by self time", "without the steps inside", columns, style)]
    page += _table(
        [(_short(span.path, root), span.self_ms, span.share) for span in document.slowest], columns, style
    )
    return "\n".join(page) + "\n"


def _title(text: str, about: str, columns: int, style: Style) -> str:
    return style.paint(text, "bold") + (style.paint("  " + about, "dim") if columns >= NARROW else "")


def _place(place: Waited, root: str) -> str:
    if place.path is None:
        return "(between steps)"
    return _short(place.path, root) + (f"  {place.spans:,} times" if place.spans > 1 else "")


def _short(path: str, root: str) -> str:
    return clean(last(path.removeprefix(root), LONGEST))


def _table(rows: list[tuple[str, float, float]], columns: int, style: Style) -> list[str]:
    """Label, time, share, and the share as a bar."""
    width = columns - 20
    label = min(max((text_width(text) for text, _, _ in rows), default=0), width * 2 // 3)
    scale = Scale(1.0, width - label)
    return [
        f"  {pad(clip_left(text, label, style.more), label)} {words.duration(ms):>8}{share:>6.0%}  "
        + (scale.bar(0.0, share, style, "link") if share >= 0.005 else "")
        for text, ms, share in rows
    ]
