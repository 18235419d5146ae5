"""What to edit after a run that did not succeed, under its page."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.analyse.edit import Edit
from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.cells import wrap
from one_trace.view.page import Page

_LABEL = 6
_MOST = 3


def render_edits(edits: Sequence[Edit], page: Page) -> str:
    """The first edits, each with its place; empty where there are none."""
    columns, style = max(page.width, 40), page.style
    lines: list[str] = []
    for at, edit in enumerate(edits[:_MOST]):
        label = f"{'' if at else 'edit':<{_LABEL}}"
        first, *rest = wrap(clean(edit.text), columns - _LABEL)
        lines += [style.paint(label, "bold") + first, *(" " * _LABEL + line for line in rest)]
        if edit.at is not None:
            place = wrap(clean(f"{words.place(edit.at)}  {edit.at.pointer}"), columns - _LABEL)
            lines += [" " * _LABEL + style.paint(line, "dim") for line in place]
    return "\n".join(["", *lines, ""]) if lines else ""
