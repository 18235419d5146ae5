"""The styles of a page: with or without colour, box drawing or plain ASCII."""

from __future__ import annotations

from typing import NamedTuple

_STYLES = {
    "bold": "1",
    "dim": "2",
    "success": "32",
    "error": "31",
    "timeout": "35",
    "skipped": "2",
    "stopped": "33",
    "incomplete": "33",
    "unknown": "2",
    "warn": "33",
    "link": "36",
    "late": "35",
}


class Style(NamedTuple):
    color: bool
    unicode: bool

    def paint(self, text: str, *styles: str) -> str:
        """`text` in these styles, if there is colour."""
        if not self.color or not text:
            return text
        codes = [_STYLES[style] for style in styles if style in _STYLES]
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text

    def glyph(self, status: str) -> str:
        return (_GLYPHS if self.unicode else _ASCII_GLYPHS).get(status, "?")

    @property
    def more(self) -> str:
        return "…" if self.unicode else "..."

    @property
    def dot(self) -> str:
        return " · " if self.unicode else ", "

    @property
    def arrow(self) -> str:
        return "→" if self.unicode else "->"

    @property
    def branch(self) -> tuple[str, str, str, str]:
        """Prefixes of a child, of the last child, and of the lines below each of them."""
        return ("├─ ", "└─ ", "│  ", "   ") if self.unicode else ("|- ", "`- ", "|  ", "   ")


_GLYPHS = {
    "success": "✓",
    "error": "✗",
    "timeout": "◷",
    "skipped": "○",
    "stopped": "■",
    "incomplete": "…",
    "unknown": "?",
}
_ASCII_GLYPHS = {
    "success": "ok  ",
    "error": "FAIL",
    "timeout": "TIME",
    "skipped": "skip",
    "stopped": "stop",
    "incomplete": "open",
    "unknown": "?   ",
}
