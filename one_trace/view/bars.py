"""The waterfall: when a span ran within its run, to scale, in half cells."""

from __future__ import annotations

from typing import NamedTuple

from one_trace.view.style import Style
from one_trace.view.words import duration


class Scale(NamedTuple):
    """`total_ms` of a run on `width` cells."""

    total_ms: float
    width: int

    def halves(self, start_ms: float, end_ms: float) -> tuple[int, int]:
        """First and last (exclusive) half cell of an interval, within the scale; at least one."""
        last = self.width * 2
        if self.total_ms <= 0:
            return 0, 1
        first = min(max(int(start_ms / self.total_ms * last), 0), last - 1)
        return first, min(max(round(end_ms / self.total_ms * last), first + 1), last)

    def bar(self, start_ms: float, end_ms: float, style: Style, *styles: str, open_end: bool = False) -> str:
        """The interval as a bar, without trailing blanks."""
        first, last = self.halves(start_ms, end_ms)
        drawn = _unicode_bar(first, last) if style.unicode else _ascii_bar(first, last)
        if open_end:
            drawn = drawn[:-1] + ("╌" if style.unicode else ">")
        return " " * (first // 2) + style.paint(drawn, *styles)

    def axis(self, style: Style) -> str:
        """The axis of the bars: ``0 ──── 1.2s ──── 2.4s``."""
        line = "─" if style.unicode else "-"
        end, middle = duration(self.total_ms), duration(self.total_ms / 2)
        if self.width < len(end) + 6:
            return end.rjust(self.width)
        left = "0 "
        right = " " + end
        inner = self.width - len(left) - len(right)
        at = self.width // 2 - len(middle) // 2 - 1 - len(left)
        if inner < len(middle) + 8:
            return left + line * inner + right
        return left + line * at + f" {middle} " + line * (inner - at - len(middle) - 2) + right


def _unicode_bar(first: int, last: int) -> str:
    head = "╺" if first % 2 else ""
    tail = "╸" if last % 2 and last - 1 >= first + len(head) else ""
    cells = (last - first - len(head) - len(tail)) // 2
    return head + "━" * cells + tail


def _ascii_bar(first: int, last: int) -> str:
    return "=" * ((last + 1) // 2 - first // 2)
