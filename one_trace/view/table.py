"""A table at any width: cells are clipped, and the least important columns are left out first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from one_trace.guard.text import clean
from one_trace.view.cells import LONGEST, clip, first, last, text_width
from one_trace.view.style import Style

GAP = 2
NARROWEST = 16
"""A flexible column is not clipped below this width while another column can be left out."""


class Column(NamedTuple):
    """`drop`: 0 for a column that always stays; on a narrow page the column with the greatest is left out
    first."""

    title: str
    right: bool = True
    flexible: bool = False
    drop: int = 0


class Cell(NamedTuple):
    """Text, and names of styles of `Style`."""

    text: str
    styles: tuple[str, ...] = ()


Row = Sequence[str | Cell]


def render(columns: Sequence[Column], rows: Sequence[Row], *, width: int, style: Style) -> str:
    """A title line and the rows, each at most `width` cells wide, without empty columns."""
    cells = [list(map(_cell, row, columns)) for row in rows]
    shown = _shown(columns, cells, width)
    widths = _widths(columns, cells, shown, width)
    head = [Cell(columns[i].title, ("dim",)) for i in shown]
    lines = [_line(head, [columns[i] for i in shown], widths, style)]
    lines += [_line([row[i] for i in shown], [columns[i] for i in shown], widths, style) for row in cells]
    return "\n".join(lines)


def spark(values: Sequence[float | None], style: Style) -> str:
    """A sparkline from 0 to the greatest value; a blank for each None."""
    steps = "▁▂▃▄▅▆▇█" if style.unicode else "_.-:=+*#"
    top = max((value for value in values if value is not None), default=0.0)
    if top <= 0:
        return "".join(" " if value is None else steps[0] for value in values)
    last = len(steps) - 1
    return "".join(" " if value is None else steps[round(max(value, 0) / top * last)] for value in values)


def _cell(value: str | Cell, column: Column) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    text = last(cell.text, LONGEST) if column.flexible else first(cell.text, LONGEST)
    return Cell(clean(text), cell.styles)


def _natural(columns: Sequence[Column], cells: Sequence[Sequence[Cell]], index: int) -> int:
    return max([text_width(columns[index].title), *(text_width(row[index].text) for row in cells)])


def _shown(columns: Sequence[Column], cells: Sequence[Sequence[Cell]], width: int) -> list[int]:
    shown = [i for i in range(len(columns)) if not columns[i].drop or any(row[i].text for row in cells)]

    def least() -> int:
        widths = (_natural(columns, cells, i) for i in shown)
        needed = (
            min(wide, NARROWEST) if columns[i].flexible else wide
            for i, wide in zip(shown, widths, strict=True)
        )
        return sum(needed) + GAP * (len(shown) - 1)

    while least() > width and any(columns[i].drop for i in shown):
        shown.remove(max(shown, key=lambda i: columns[i].drop))
    return shown


def _widths(
    columns: Sequence[Column], cells: Sequence[Sequence[Cell]], shown: list[int], width: int
) -> list[int]:
    widths = [_natural(columns, cells, i) for i in shown]
    over = sum(widths) + GAP * (len(widths) - 1) - width
    for place, i in enumerate(shown):
        if over > 0 and columns[i].flexible:
            taken = min(over, widths[place] - 1)
            widths[place] -= taken
            over -= taken
    while over > 0 and max(widths) > 1:  # no line may wrap: the widest column gives way
        widths[widths.index(max(widths))] -= 1
        over -= 1
    return widths


def _line(row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], style: Style) -> str:
    parts = []
    for cell, column, width in zip(row, columns, widths, strict=True):
        text = _clip_path(cell.text, width, style) if column.flexible else clip(cell.text, width, style.more)
        blank = " " * (width - text_width(text))
        painted = style.paint(text, *cell.styles)
        parts.append(blank + painted if column.right else painted + blank)
    return (" " * GAP).join(parts).rstrip()


def _clip_path(text: str, width: int, style: Style) -> str:
    """The end of a path says more than its beginning."""
    if text_width(text) <= width or " > " not in text:
        return clip(text, width, style.more)
    tail = last(text, width + 1)
    while " > " in tail and text_width(style.more + " > " + tail) > width:
        tail = tail.partition(" > ")[2]
    whole = f"{style.more} > {tail}"
    return whole if text_width(whole) <= width else clip(tail, width, style.more)
