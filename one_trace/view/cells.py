"""Text on a terminal: measured, cut, padded and wrapped by its width in cells."""

from __future__ import annotations

LONGEST = 1000
"""Cells that a part of a page may take."""


def first(text: str, room: int) -> str:
    """The beginning of `text` that can fill `width` cells. For what is expensive to measure."""
    return text if len(text) <= _CHARACTERS * room else text[: _CHARACTERS * room]


def last(text: str, room: int) -> str:
    """The end of `text` that can fill `width` cells."""
    return text if len(text) <= _CHARACTERS * room else text[-_CHARACTERS * room :]


_CHARACTERS = 4
"""Characters that may share a cell: letters can have combining marks."""


def width(text: str) -> int:
    """Cells that `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # a sixth of our whole start, and most names are ASCII

    return cell_len(text)


def clip(text: str, room: int, more: str = "…") -> str:
    """`text` cut to `width` cells, with `more` where something was cut."""
    whole, text = text, first(text, max(room, 1) + 1)
    if len(text) == len(whole) and width(text) <= room:
        return text
    room -= width(more)
    if room < 0:
        return ""
    if text.isascii():
        return text[:room] + more
    low, high = 0, min(len(text), max(room, 0) * 4)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(text[:middle]) <= room else (low, middle - 1)
    return text[:low] + more


def clip_left(text: str, room: int, more: str = "…") -> str:
    """Like `clip`, but the beginning is cut: the end of a path says more."""
    text = last(text, max(room, 1) + 1)
    if width(text) <= room:
        return text
    return more + clip(text[::-1], room - width(more), "")[::-1]


def pad(text: str, room: int) -> str:
    return text + " " * (room - width(text))


def wrap(text: str, room: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at spaces if possible."""
    lines: list[str] = []
    while width(text) > room:
        head = clip(text, room, "")
        space = head.rfind(" ")
        if space > len(head) // 3:
            head = head[:space]
        head = head or text[:1]
        lines.append(head.rstrip(" "))
        text = text[len(head) :].lstrip(" ")
    return [*lines, text] if text or not lines else lines
