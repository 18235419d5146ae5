"""A run as a tree with a waterfall: the text of `trace show`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from one_trace.guard.text import clean
from one_trace.model.fold import Folder, Node
from one_trace.model.trace import FINE_STATUSES, Location, Span, Trace
from one_trace.model.tree import Shape
from one_trace.view import words
from one_trace.view.bars import Scale
from one_trace.view.cells import clip, pad, text_width
from one_trace.view.detail import detail_lines
from one_trace.view.header import NARROW, error_text, header
from one_trace.view.style import Style

_TIME, _SIZE, _TYPE = 8, 7, 10
_TYPE_FROM = 76
"""Columns from which the type has a column of its own. On a narrower page it follows the id."""
_LEAST_BAR = 14
_ID_CHARACTERS = 300
_DEEPEST = 24
"""Cells that tree lines may take; deeper steps are not indented further."""
ERROR_LINES = 3


class Line(NamedTuple):
    """One line before the widths of its columns are known. If it is too long, `extra` is cut first, then
    `main`, never `marks`."""

    lead: str
    under: str
    """What is drawn left of the lines under this one."""
    node: Node
    main: str
    marks: str
    extra: str
    kind: str

    @property
    def least(self) -> int:
        return text_width(self.lead) + text_width(self.main) + text_width(self.marks)

    @property
    def whole(self) -> int:
        return self.least + (text_width(self.extra) + 2 if self.extra else 0)


def render(
    trace: Trace,
    *,
    width: int,
    color: bool,
    unicode: bool = True,
    unfold: bool = False,
    notes: Mapping[str, str] | None = None,
    detail: Sequence[Span] = (),
    at: Location | None = None,
    error_lines: int = ERROR_LINES,
    empty: str = "no steps to show",
) -> str:
    """The whole page: head, tree with waterfall, legend. No line is longer than `width` cells (at least
    40).

    `notes`: a further mark by span id. `detail`: spans to show in detail, one with all its fields, several
    by their spread. `at`: where their step is written.
    """
    columns, style = max(width, 40), Style(color=color, unicode=unicode)
    shape = Shape(trace)
    page = header(trace.run, columns, style)
    body = tree(shape, columns, style, unfold=unfold, error_lines=error_lines, notes=notes)
    if not trace.spans:
        body = [style.paint(empty, "dim")]
    about = detail_lines(shape, detail, columns, style, at) if detail else []
    return "\n".join([*page, "", *body, *(["", *about] if about else [])]) + "\n"


def tree(
    shape: Shape,
    columns: int,
    style: Style,
    *,
    unfold: bool = False,
    error_lines: int = ERROR_LINES,
    notes: Mapping[str, str] | None = None,
) -> list[str]:
    """The axis, the lines of the tree, and the legend; empty if the run has no spans. `notes`: a further
    mark by span id."""
    lines = list(_grow(Folder(shape, unfold=unfold), columns, style, notes or {}))
    if not lines:
        return []
    table = _Table(lines, columns, shape.horizon, style)
    page = [table.head()]
    for line in lines:
        page.append(table.row(line))
        if line.node.span is not None:
            page += _error_lines(line, shape, columns, style, error_lines)
    return page + _legend(lines, style)


def _grow(folder: Folder, columns: int, style: Style, notes: Mapping[str, str]) -> Iterator[Line]:
    """The nodes depth first, each with its tree lines."""
    child, last, pipe, blank = style.branch
    top = folder.top()
    todo: list[tuple[Node, str, str]] = [(node, "", "") for node in reversed(top)]
    while todo:
        node, lead, under = todo.pop()
        below = folder.under(node)
        line = _line(node, lead, under + (pipe if below else blank[:2]), columns, style)
        note = notes.get(node.span.span_id) if node.span is not None else None
        yield line._replace(marks=f"{line.marks} {note}") if note else line
        deep = len(under) >= min(_DEEPEST, columns // 3)
        for at, inner in enumerate(reversed(below)):
            outer = under[:-3] if deep else under
            todo.append((inner, outer + (child if at else last), outer + (pipe if at else blank)))


def _line(node: Node, lead: str, under: str, columns: int, style: Style) -> Line:
    glyph = style.glyph(node.status)
    span = node.span
    if span is None:
        return Line(lead, under, node, f"{glyph} {_group_label(node, style)}", "", "", "")
    main = clean(f"{node.label} {span.step_id}" if node.label else span.step_id, _ID_CHARACTERS)
    name = clean(span.name, _ID_CHARACTERS)
    kind = clean(span.type, 30)
    extras = [kind] if columns < _TYPE_FROM else []
    if span.usage is not None and span.usage.cost_usd is not None:
        extras.append(words.money(span.usage.cost_usd))
    if name and name != span.step_id and name.lower() != span.step_id.lower():
        extras.append(name)
    return Line(lead, under, node, f"{glyph} {main}", _marks(span, style), "  ".join(extras), kind)


def _group_label(node: Node, style: Style) -> str:
    if not node.members:
        return node.label
    steps = f" {style.arrow} ".join(clean(step, 40) for step in node.steps[:4])
    more = f" {style.arrow} {style.more}" if len(node.steps) > 4 else ""
    times = f"{node.members:,} alike" if node.steps else ""
    return "  ".join(part for part in (node.label, times, steps + more) if part)


def _marks(span: Span, style: Style) -> str:
    """What is unusual about a span: its branch, retries, outcome, lateness."""
    marks: list[str] = []
    if span.branch:
        marks.append(span.branch)
    if span.retries:
        marks.append(f"retried {span.retries}x")
    if span.status in ("timeout", "stopped"):
        marks.append(span.status)
    if span.late:
        marks.append("late")
    return f" ({', '.join(marks)})" if marks else ""


_LEAST_MAIN = 8
"""Cells of a label that its marks leave to the step's id."""


class _Table:
    """The columns of one tree: label, type, duration, output size, waterfall."""

    def __init__(self, lines: list[Line], columns: int, total_ms: float, style: Style) -> None:
        self.style = style
        self.typed = columns >= _TYPE_FROM
        fixed = 1 + _TIME + _SIZE + 2 + (1 + _TYPE if self.typed else 0)
        width = columns - fixed
        most = width - max(_LEAST_BAR, width * 2 // 5)
        wanted = max(line.whole for line in lines)
        needed = max(line.least for line in lines)
        self.label = max(min(wanted, most), min(needed, width - _LEAST_BAR), 12)
        self.scale = Scale(total_ms, max(width - self.label, 4))
        self.drawn = columns >= NARROW
        if not self.drawn:
            self.label = columns - 1 - _TIME - _SIZE

    def head(self) -> str:
        kind = " " + pad("type", _TYPE) if self.typed else ""
        label, axis = pad("step", self.label), self.scale.axis(self.style) if self.drawn else ""
        text = f"{label}{kind} {'time':>{_TIME}}{'out':>{_SIZE}}  {axis}"
        return self.style.paint(text.rstrip(), "dim")

    def row(self, line: Line) -> str:
        style, node = self.style, line.node
        kind = " " + style.paint(pad(clip(line.kind, _TYPE, style.more), _TYPE), "dim") if self.typed else ""
        time = style.paint(f"{_time(node):>{_TIME}}", *_time_style(node))
        if node.members and node.spread and self.drawn:
            return f"{self._label(line)}{kind} {time}{self._spread(node)}".rstrip()
        size = words.size(node.span.output_bytes if node.span else None)
        bar = "" if node.status == "skipped" or not self.drawn else self._bar(node)
        return f"{self._label(line)}{kind} {time}{size:>{_SIZE}}  {bar}".rstrip()

    def _label(self, line: Line) -> str:
        """Exactly as wide as the column: the name is cut first, then the id."""
        style, node = self.style, line.node
        glyph = style.glyph(node.status)
        marks = line.marks
        if not self.drawn:
            marks = clip(marks, max(self.label - text_width(line.lead) - _LEAST_MAIN, 0), style.more)
        width = self.label - text_width(line.lead) - text_width(marks)
        main = clip(line.main, max(width, text_width(glyph) + 1), style.more)
        left = width - text_width(main)
        extra = ""
        if line.extra and left > 6:
            extra = "  " + clip(line.extra, left - 2, style.more)
        left -= text_width(extra)
        body = main[len(glyph) :]
        styles = ("dim",) if node.status == "skipped" or node.span is None else ()
        return (
            style.paint(line.lead, "dim")
            + style.paint(glyph, node.status)
            + style.paint(body, *styles)
            + style.paint(marks, "warn" if node.status in FINE_STATUSES else node.status)
            + style.paint(extra, "dim")
            + " " * left
        )

    def _bar(self, node: Node) -> str:
        style = (
            "late" if node.span is not None and node.span.late and node.status == "success" else node.status
        )
        dim = ("dim",) if node.span is None else ()
        return self.scale.bar(node.start_ms, node.end_ms, self.style, style, *dim, open_end=node.open)

    def _spread(self, node: Node) -> str:
        """The spread of a fold, in place of its size and bar."""
        spread, style = node.spread, self.style
        assert spread is not None
        parts = [
            f"min {words.duration(spread.least)}",
            f"p50 {words.duration(spread.median)}",
            f"max {words.duration(spread.greatest)}",
        ]
        width = _SIZE + 2 + self.scale.width - 2
        text = "  ".join(parts)
        if spread.slowest is not None and len(text) + 8 < width:
            text += f" [{spread.slowest}]"
        return "  " + style.paint(clip(text, width, style.more), "dim")


def _time(node: Node) -> str:
    span = node.span
    if span is None:
        return words.duration(node.end_ms - node.start_ms)
    if span.duration_ms is None:
        return {"skipped": "skipped", "incomplete": "no end"}.get(span.status, "-")
    return ("~" if "durationMs" in span.derived else "") + words.duration(span.duration_ms)


def _time_style(node: Node) -> tuple[str, ...]:
    if node.span is None or node.status == "skipped":
        return ("dim",)
    return (node.status,) if node.span.duration_ms is None else ()


def _error_lines(line: Line, shape: Shape, columns: int, style: Style, most: int) -> list[str]:
    """The error of a step, unless a step inside it has the same."""
    span = line.node.span
    assert span is not None
    if not (span.error or span.error_code) or _told_below(span, shape):
        return []
    indent = line.under + " " * (0 if style.unicode else 3)
    lead = style.paint(indent, "dim")
    texts = error_text(span.error, span.error_code, columns - text_width(indent), most, style)
    return [lead + style.paint(text, span.status) for text in texts]


def _told_below(span: Span, shape: Shape) -> bool:
    return any(
        child.status in ("error", "timeout")
        and (span.error is None or (child.error or "\0")[:80] in span.error)
        for child in shape.children(span)
    )


def _legend(lines: list[Line], style: Style) -> list[str]:
    """A legend of the marks on this page, and how to see what is folded."""
    spans = [line.node.span for line in lines if line.node.span is not None]
    notes = []
    if any("durationMs" in span.derived for span in spans):
        notes.append("~ estimated")
    if any(span.late for span in spans):
        notes.append("late: ran on after what it belongs to was over")
    if any(line.node.members for line in lines):
        notes.append("--all unfolds what went alike")
    return ["", *(style.paint(note, "dim") for note in notes)] if notes else []
