"""A page of text: its width and style, and the parts that pages are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from one_trace.guard.text import clean
from one_trace.view import table
from one_trace.view.cells import clip, text_width, wrap
from one_trace.view.reflow import reflow
from one_trace.view.style import Style
from one_trace.view.table import Column, Row


class Page(NamedTuple):
    """Columns of a terminal, and what it can show."""

    width: int
    style: Style

    def lines(self, text: str, *styles: str, indent: str = "") -> list[str]:
        """A text wrapped to the width; none for an empty one."""
        wrapped = wrap(text, self.width - len(indent)) if text else []
        return [indent + self.style.paint(line, *styles) for line in wrapped]

    def text(self, text: str) -> str:
        """Sentences wrapped to the width, line by line; a command on a line of its own stays whole."""
        return reflow(text, self.width)

    def either(self, line: str, *parts: str) -> str:
        """`line` if it fits, else `parts`, each on a line of its own and none of them broken."""
        return line if text_width(clean(line)) <= self.width else "\n  ".join(parts)

    def facts(self, *facts: str, styles: tuple[str, ...] = ()) -> list[str]:
        """Those facts that are known, on one line if they fit."""
        return self.lines(self.style.dot.join(fact for fact in facts if fact), *styles)

    def title(self, text: str) -> str:
        return self.style.paint(clip(clean(text), self.width, self.style.more), "bold")

    def dim(self, text: str) -> str:
        return self.style.paint(text, "dim")

    def table(self, columns: Sequence[Column], rows: Sequence[Row]) -> str:
        return table.render(columns, rows, width=self.width, style=self.style)

    def spark(self, values: Sequence[float | None]) -> str:
        return table.spark(values, self.style)
