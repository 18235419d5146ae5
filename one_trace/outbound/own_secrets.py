"""What a server says, without our own secrets, however it spells them.

A key comes back as it was sent, quoted, escaped for JSON, HTML or a URL, in base64 or hex, in other letters,
wrapped, backwards, or in part. So text and secrets are brought to one form (escapes read, lower case, letters
and digits alone) and compared there, eight characters at a time.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

HIDDEN = "[key]"
WINDOW = 8
"""So many characters in a row of a secret are taken for it."""
SHORTEST = 4
"""A shorter secret cannot be told from any other word; one shorter than `WINDOW` is looked for whole."""
_MOST_TEXT = 16_384
_MOST_ESCAPED = 4
"""How often over a text may be escaped."""
_ESCAPE = re.compile(
    r"%([0-9a-f]{2})|\\+x([0-9a-f]{2})|\\+u\{?([0-9a-f]{4})\}?|\\+([0-7]{3})|&\#x([0-9a-f]{1,5});|&\#([0-9]{1,6});"
    r"|&([a-z]{2,6});",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[A-Za-z]+\s+")


class _Mark(NamedTuple):
    """A character as it is read, and where it stands in the text."""

    character: str
    start: int
    end: int


class Secrets:
    """The values that must never be shown; `hide` takes them out of a text."""

    def __init__(self, values: Iterable[str]) -> None:
        self._raw = {value for value in values if len(value) >= SHORTEST}
        self._windows: dict[int, set[str]] = {}
        for value in self._raw:
            for spelling in _spellings(value):
                self._learn(spelling)

    def _learn(self, spelling: str) -> None:
        plain = "".join(mark.character for mark in _plain(spelling))
        size = min(len(plain), WINDOW)
        if size >= SHORTEST:
            windows = self._windows.setdefault(size, set())
            windows.update(plain[at : at + size] for at in range(len(plain) - size + 1))

    def hide(self, text: str) -> str:
        """`text` with each secret, and each part of one, replaced by ``[key]``."""
        if len(text) > _MOST_TEXT:
            # Less the last word, too: of a secret at the cut, a part would stay.
            text = " ".join(text[:_MOST_TEXT].rsplit(maxsplit=1)[:-1])
        for value in self._raw:
            text = text.replace(value, HIDDEN)
        shown, at = [], 0
        for start, end in self._found(_plain(text)):
            shown += [text[at:start], HIDDEN]
            at = end
        return "".join([*shown, text[at:]])

    def _found(self, marks: list[_Mark]) -> Iterator[tuple[int, int]]:
        """Where secrets stand in the text, overlapping parts as one."""
        plain = "".join(mark.character for mark in marks)
        hits = sorted(
            (at, at + size)
            for size, windows in self._windows.items()
            for at in range(len(plain) - size + 1)
            if plain[at : at + size] in windows
        )
        while hits:
            first, last = hits.pop(0)
            while hits and hits[0][0] <= last:
                last = max(last, hits.pop(0)[1])
            yield marks[first].start, marks[last - 1].end


def secret_parts(value: str) -> set[str]:
    """What of a header's value is secret: all but the scheme's name, and the password in a Basic one."""
    found = {value.strip(), _SCHEME.sub("", value.strip(), count=1)}
    for word in list(found):
        decoded = _basic(word)
        if ":" in decoded:
            found |= {decoded, decoded.partition(":")[2]}
    return found


def _basic(word: str) -> str:
    try:
        return base64.b64decode(word, validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


def _spellings(value: str) -> Iterator[str]:
    data = value.encode("utf-8", "surrogateescape")
    yield from (value, value[::-1], data.decode("latin-1"), data.hex(), data[::-1].hex())
    for shift in range(3):  # base64 depends on where in its three bytes the secret begins
        encoded = base64.b64encode(bytes(shift) + data).decode()
        whole = len(data) + shift - (len(data) + shift) % 3
        yield encoded[-(-shift * 8 // 6) : whole * 4 // 3]


def _plain(text: str) -> list[_Mark]:
    """The letters and digits of `text`, escapes read, in lower case."""
    marks = [_Mark(character, at, at + 1) for at, character in enumerate(text)]
    for _ in range(_MOST_ESCAPED):
        read = "".join(mark.character for mark in marks)
        if not _ESCAPE.search(read):
            break
        marks = list(_unescaped(read, marks))
    folded = (mark._replace(character=mark.character.lower()[:1]) for mark in marks)
    return [mark for mark in folded if mark.character.isalnum()]


def _unescaped(read: str, marks: list[_Mark]) -> Iterator[_Mark]:
    at = 0
    for found in _ESCAPE.finditer(read):
        yield from marks[at : found.start()]
        at = found.end()
        for character in _character(found):
            yield _Mark(character, marks[found.start()].start, marks[at - 1].end)
    yield from marks[at:]


def _character(found: re.Match[str]) -> str:
    *codes, octal, html_hex, html_decimal, name = found.groups()
    if name:
        return html.unescape(f"&{name};")
    for digits, radix in ((octal, 8), (html_decimal, 10), (html_hex, 16), *((code, 16) for code in codes)):
        if digits:
            return chr(min(int(digits, radix), 0x10FFFF))
    return ""
