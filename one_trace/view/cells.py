"""Text on a terminal: how wide it is, and foreign text made harmless.

Names of steps and flows and error texts are other people's. Nothing of them may move the cursor, colour
the screen, turn the
direction of the line or break it.
"""

from __future__ import annotations

import re

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
# Control characters (C0, DEL, C1), then what is invisible or turns the direction: shown as an escape, not
# obeyed.
_UNSAFE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
# Joiners and variation selectors: terminals disagree on the width of what they make, all agree on it
# without them.
_GLUE = re.compile("[\u00ad\u034f\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-_])"
)
_LONGEST = 4096


def clean(text: str, limit: int = _LONGEST) -> str:
    """`text` on one line, with nothing in it that a terminal would obey; at most about `limit` characters
    are looked at.
    """
    if len(text) > limit:
        text = text[:limit] + "…"
    if text.isascii() and text.isprintable():
        return text
    text = _GLUE.sub("", _BREAKS.sub(" ", text))
    return _UNSAFE.sub(lambda found: _escape(found[0]), text)


def clean_lines(text: str, limit: int = _LONGEST) -> list[str]:
    """Like `clean`, but the text keeps its lines, and loses whole escape sequences: an error text may
    rightly be coloured.
    """
    plain = _ESCAPES.sub("", text[:limit])
    return [clean(line).rstrip() for line in re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", plain)]


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def width(text: str) -> int:
    """Cells that `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # a sixth of our whole start, and most names are ASCII

    return cell_len(text)


def clip(text: str, room: int, more: str = "…") -> str:
    """`text`, cut to `room` cells; where something was cut, `more` stands for it."""
    if width(text) <= room:
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
    """Like `clip`, but the beginning goes: the end of a path tells more."""
    if width(text) <= room:
        return text
    return more + clip(text[::-1], room - width(more), "")[::-1]


def pad(text: str, room: int) -> str:
    return text + " " * (room - width(text))


def wrap(text: str, room: int) -> list[str]:
    """`text` in lines of at most `room` cells, broken at spaces where there are any."""
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
