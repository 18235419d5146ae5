"""Markdown on a terminal. Unlike Rich's own, a command is never broken, and a table keeps its first column
whole and cuts no cell: where it would be too narrow, it becomes a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markdown import CodeBlock, Markdown, MarkdownElement, TableElement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from one_trace.view.reflow import is_copied_whole

_LEAST = 16
"""Cells of a column, besides the first, that can still be read."""


class _Table(TableElement):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        rows = [[cell.content for cell in row.cells] for row in self.body.rows] if self.body else []
        first = max((row[0].cell_len for row in rows), default=0)
        others = max(len(row) for row in rows) - 1 if rows else 0
        if first + others * (_LEAST + 2) > options.max_width:
            yield from _as_list(rows)
            return
        for table in super().__rich_console__(console, options):
            assert isinstance(table, Table)
            for at, column in enumerate(table.columns):
                column.no_wrap, column.overflow = at == 0, "fold"
            yield table


def _as_list(rows: list[list[Text]]) -> Iterator[RenderableType]:
    """Each row as its first cell, with the others below."""
    yield Text()
    for row in rows:
        yield Text.assemble(row[0], style="bold")
        yield from (_indented(cell) for cell in row[1:] if cell)


def _indented(text: Text) -> RenderableType:
    """What is copied whole goes on beyond the edge, which Rich's padding would cut."""
    if not is_copied_whole(text.plain):
        return Padding(text, (0, 0, 0, 2))
    whole = Text.assemble("  ", text)
    whole.no_wrap, whole.overflow = True, "ignore"
    return whole


class _Code(CodeBlock):
    """Lines of code: a command can be copied from the screen, however long it is."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield Text()
        for line in str(self.text).rstrip("\n").split("\n"):
            yield _indented(Text(line, style="cyan", overflow="fold"))


class TopicMarkdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "table_open": _Table,
        "fence": _Code,
        "code_block": _Code,
    }
