"""Help pages: how they end, and how they are laid out on a narrow terminal."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.formatting import wrap_text

from one_trace.guard import streams

_WIDEST = 80
_NARROW = 60
"""Columns below which Click's own layout is too wide."""
_HELP = "-h, --help"


def examples(*lines: str) -> str:
    """The epilog of a command's help: lines that can be typed as they stand."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


class _HelpFormatter(click.HelpFormatter):
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        if self.width >= _NARROW:
            super().write_usage(prog, args, prefix)
            return
        usage = f"{prefix or 'Usage: '}{prog} {args}"
        self.write(f"{wrap_text(usage, self.width, subsequent_indent='    ')}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        if len(rows) > 1:  # a page need not say how to get it, and is to fit a screen
            rows = [row for row in rows if row[0] != _HELP]
        if self.width >= _NARROW:
            super().write_dl(rows, col_max, col_spacing)
            return
        from one_trace.view.reflow import reflow

        indent = " " * self.current_indent
        longest = max(len(term) for term, _ in rows)
        text = "\n".join(f"{indent}{term:<{longest}}  {about}" for term, about in rows)
        self.write(f"{reflow(text, self.width)}\n")


class HelpContext(click.Context):
    """A context whose help page is as wide as the terminal, from 40 columns to 80."""

    def make_formatter(self) -> click.HelpFormatter:
        width = max(40, min(streams.columns(1, _WIDEST), _WIDEST))
        return _HelpFormatter(width=width - 2 if width >= _NARROW else width)


class HelpCommand(click.Command):
    context_class = HelpContext


class HelpGroup(click.Group):
    context_class = HelpContext
    command_class = HelpCommand
