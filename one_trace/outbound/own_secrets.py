"""Our own keys taken out of the answers of servers, however they spell them.

A key may come back as it was sent, escaped for JSON, HTML or a URL, in base64 or hex, in other letters,
wrapped, backwards, or in part. So the text and the keys are brought to one form (escapes decoded, lower case,
letters and digits alone) and compared there, eight characters at a time.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from one_trace.outbound.redact.encodings import Range, replaced, views

HIDDEN = "[key]"
WINDOW = 8
"""This many characters of a secret in a row are treated as the secret."""
SHORTEST = 4
"""Shorter secrets look like any word. Those shorter than `WINDOW` must appear whole."""
_LONGEST_TEXT = 16_384
_SCHEME = re.compile(r"[A-Za-z]+\s+")


class Secrets:
    """The values that must never be shown; `hide` takes them out of a text."""

    def __init__(self, values: Iterable[str]) -> None:
        self._raw = {value for value in values if len(value) >= SHORTEST}
        self._windows: dict[int, set[str]] = {}
        for value in self._raw:
            for spelling in _spellings(value):
                for view in views(spelling):
                    self._learn(_normalized(view.text)[0])

    def _learn(self, normalized: str) -> None:
        size = min(len(normalized), WINDOW)
        if size >= SHORTEST:
            windows = self._windows.setdefault(size, set())
            windows.update(normalized[at : at + size] for at in range(len(normalized) - size + 1))

    def hide(self, text: str) -> str:
        """`text` with each secret, and each part of one, replaced by ``[key]``."""
        if len(text) > _LONGEST_TEXT:
            # Without the last word: a secret may have been cut there.
            text = " ".join(text[:_LONGEST_TEXT].rsplit(maxsplit=1)[:-1])
        for value in self._raw:
            text = text.replace(value, HIDDEN)
        return replaced(
            text, (view.origin(hit) for view in views(text) for hit in self._find(view.text)), HIDDEN
        )

    def _find(self, text: str) -> Iterator[Range]:
        normalized, places = _normalized(text)
        for size, windows in self._windows.items():
            for at in range(len(normalized) - size + 1):
                if normalized[at : at + size] in windows:
                    yield places[at], places[at + size - 1] + 1


def secret_parts(value: str) -> set[str]:
    """The secrets in a header's value: all but the scheme's name, and the password in a Basic one."""
    parts = {value.strip(), _SCHEME.sub("", value.strip(), count=1)}
    for part in list(parts):
        decoded = _base64_text(part)
        if ":" in decoded:
            parts |= {decoded, decoded.partition(":")[2]}
    return parts


def _base64_text(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


def _spellings(value: str) -> Iterator[str]:
    data = value.encode("utf-8", "surrogateescape")
    yield from (value, value[::-1], data.decode("latin-1"), data.hex(), data[::-1].hex())
    for shift in range(3):  # base64 depends on where in its groups of three bytes the secret begins
        encoded = base64.b64encode(bytes(shift) + data).decode()
        whole = len(data) + shift - (len(data) + shift) % 3
        yield encoded[-(-shift * 8 // 6) : whole * 4 // 3]


def _normalized(text: str) -> tuple[str, list[int]]:
    """The letters and digits of `text` in lower case, and the position of each in it."""
    places = [at for at, character in enumerate(text) if character.isalnum()]
    return "".join(text[at].lower()[:1] for at in places), places
