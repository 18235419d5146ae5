"""Help pages and lists laid out for a narrow terminal.

The rule for all pages: no line is wider than the terminal, down to 40 columns. Only what is copied whole (a
command, a URL, a path) may be wider, and then stands alone on its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.view.cells import text_width, wrap

_ROW = r"( *\S.*?)  +(?=\S)(.*)"
"""A term, and beside it what is said about it. Compiled once a page needs it: most do not."""
_COPIED = (
    r" *(?:(?:(?:one|one-trace) (?:--agent |trace|flow|config|help)|(?:pip|npm) install |cd |echo |rm |chmod "
    r"|export \w+=|eval )(?!.*, (?:or|and) |.*\[options\])|https?://\S*$|[/~]\S*$)"
)
_DEEPER = 4
"""Cells by which a text below its term is indented."""


def is_copied_whole(line: str) -> bool:
    """Whether a line is a command, a URL or a path of its own, which must not be broken."""
    return re.match(_COPIED, line) is not None


def reflow(text: str, width: int) -> str:
    """`text` with lines of at most `width` cells. Rows of a term and a text, which may go on below in its
    column, keep that column while it leaves enough space; else the text stands below its term."""
    lines = text.split("\n")
    if all(text_width(line) <= width for line in lines):
        return text
    return "\n".join(line for row in _rows(lines) for line in _laid_out(row, width))


def _rows(lines: list[str]) -> Iterator[list[str]]:
    """The lines of each row together."""
    row: list[str] = []
    column = 0
    for line in lines:
        if row and column and _indent(line) == column:
            row.append(line)
            continue
        if row:
            yield row
        row, found = [line], re.fullmatch(_ROW, line)
        column = found.start(2) if found else 0
    yield row


def _laid_out(row: list[str], width: int) -> list[str]:
    if all(text_width(line) <= width for line in row):
        return row
    found = re.fullmatch(_ROW, row[0])
    if found is None:
        return _wrapped(row[0], width)
    term, column = found[1], found.start(2)
    about = " ".join([found[2], *(line.strip() for line in row[1:])])
    if column <= width // 2:
        first, *rest = wrap(about, width - column)
        return [term.ljust(column) + first, *(" " * column + line for line in rest)]
    indent = _indent(term) + _DEEPER
    return [*_wrapped(term, width), *(" " * indent + line for line in wrap(about, width - indent))]


def _wrapped(line: str, width: int) -> list[str]:
    """A line of its own, broken unless it is copied whole; so is what follows its last colon."""
    if text_width(line) <= width or is_copied_whole(line):
        return [line]
    indent = _indent(line)
    deeper = " " * (indent + 2)
    head, colon, tail = line.rpartition(": ")
    if colon and is_copied_whole(tail):
        return [*_wrapped(f"{head}:", width), deeper + tail]
    first, *rest = wrap(line.strip(), width - indent - 2)
    return [" " * indent + first, *(deeper + each for each in rest)]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
