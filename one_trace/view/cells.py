"""Text on a terminal: measured, cut, padded and wrapped by its width in cells."""

from __future__ import annotations

LONGEST = 1000
"""Cells that a part of a page may take."""


def first(text: str, width: int) -> str:
    """The beginning of `text` that can fill `width` cells. For what is expensive to measure."""
    return text if len(text) <= _CHARACTERS * width else text[: _CHARACTERS * width]


def last(text: str, width: int) -> str:
    """The end of `text` that can fill `width` cells."""
    return text if len(text) <= _CHARACTERS * width else text[-_CHARACTERS * width :]


_CHARACTERS = 4
"""Characters that may share a cell: letters can have combining marks."""


def text_width(text: str) -> int:
    """Cells that `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # a sixth of our whole start, and most names are ASCII

    return cell_len(text)


def clip(text: str, width: int, more: str = "…") -> str:
    """`text` cut to `width` cells, with `more` where something was cut."""
    whole, text = text, first(text, max(width, 1) + 1)
    if len(text) == len(whole) and text_width(text) <= width:
        return text
    width -= text_width(more)
    if width < 0:
        return ""
    if text.isascii():
        return text[:width] + more
    low, high = 0, min(len(text), max(width, 0) * 4)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle]) <= width else (low, middle - 1)
    return text[:low] + more


def clip_left(text: str, width: int, more: str = "…") -> str:
    """Like `clip`, but the beginning is cut: the end of a path says more."""
    text = last(text, max(width, 1) + 1)
    if text_width(text) <= width:
        return text
    return more + clip(text[::-1], width - text_width(more), "")[::-1]


def pad(text: str, width: int) -> str:
    return text + " " * (width - text_width(text))


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at spaces if possible."""
    lines: list[str] = []
    while text_width(text) > width:
        head = clip(text, width, "")
        space = head.rfind(" ")
        if space > len(head) // 3:
            head = head[:space]
        head = head or text[:1]
        lines.append(head.rstrip(" "))
        text = text[len(head) :].lstrip(" ")
    return [*lines, text] if text or not lines else lines
