"""One span with all its fields, or the spread of several executions of a step."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.guard.text import clean, clean_lines
from one_trace.model.fold import spread
from one_trace.model.trace import Location, Span
from one_trace.model.tree import Shape
from one_trace.view import words
from one_trace.view.cells import wrap
from one_trace.view.header import error_text
from one_trace.view.style import Style

_LABEL = 14
_ERROR_LINES = 40


def detail_lines(
    shape: Shape, spans: Sequence[Span], columns: int, style: Style, at: Location | None = None
) -> list[str]:
    """One line a field for one span; for several spans, one line on their outcomes and one on their times.
    `at`: where the step is written."""
    facts = _one(shape, spans[0]) if len(spans) == 1 else _many(spans)
    if at is not None:
        facts.append(("written at", clean(f"{words.place(at)}  {at.pointer}")))
    lines: list[str] = []
    for label, text in facts:
        wrapped = wrap(text, columns - _LABEL)
        lines += [style.paint(f"{label:<{_LABEL}}", "dim") + wrapped[0]]
        lines += [" " * _LABEL + more for more in wrapped[1:]]
    if len(spans) == 1 and (spans[0].error or spans[0].error_code):
        error = error_text(spans[0].error, spans[0].error_code, columns - _LABEL, _ERROR_LINES, style)
        lines += [
            style.paint(f"{'' if at else 'error':<{_LABEL}}", "dim") + style.paint(line, spans[0].status)
            for at, line in enumerate(error)
        ]
    return lines


def output_lines(note: str, text: str, columns: int, style: Style) -> list[str]:
    """A note about a step's output, followed by its text."""
    label, *rest = wrap(f"{'output':<{_LABEL}}{clean(note)}", columns)
    lines = [part for line in clean_lines(text) for part in wrap(line, columns)] if text else []
    return ["", style.paint(label, "dim"), *(style.paint(line, "dim") for line in rest), *lines]


def _one(shape: Shape, span: Span) -> list[tuple[str, str]]:
    own = shape.self_ms.get(span.span_id)
    facts: list[tuple[str, str | None]] = [
        ("path", clean(span.path)),
        ("span", span.span_id),
        ("name", clean(span.name)),
        ("type", clean(span.type, 40)),
        ("flow", clean(span.flow_key)),
        ("status", span.status + (", late" if span.late else "")),
        ("started", f"{words.duration(span.start_ms)} after the run  ({clean(span.started_at, 40)})"),
        ("took", words.duration(span.duration_ms) if span.duration_ms is not None else None),
        ("self time", words.duration(own) if own is not None and shape.children(span) else None),
        ("attempts", str(span.attempts) if span.attempts != 1 else None),
        ("in attempt", str(span.parent_attempt) if (span.parent_attempt or 1) > 1 else None),
        ("input", words.size(span.input_bytes) or None),
        ("output", words.size(span.output_bytes) or None),
        ("usage", clean(words.usage(span.usage)) if span.usage else None),
        ("estimated", ", ".join(clean(name, 40) for name in span.derived) or None),
    ]
    return [(label, text) for label, text in facts if text]


def _many(spans: Sequence[Span]) -> list[tuple[str, str]]:
    statuses: dict[str, int] = {}
    for span in spans:
        statuses[span.status] = statuses.get(span.status, 0) + 1
    outcomes = ", ".join(f"{count:,} {status}" for status, count in statuses.items())
    facts = [("ran", f"{len(spans):,} times: {outcomes}")]
    times = [(at, span.duration_ms) for at, span in enumerate(spans) if span.duration_ms is not None]
    if times:
        least, median, greatest, slowest = spread(times)
        facts.append(
            (
                "took",
                f"min {words.duration(least)}  p50 {words.duration(median)}  max {words.duration(greatest)}",
            )
        )
        if slowest is not None and greatest > least:
            facts.append(("slowest", clean(spans[slowest].path)))
    return facts
