"""A text as it is, and with its escapes decoded, layer by layer.

A rule is written once, for plain text. A secret that is percent-encoded, JSON-escaped (also JSON in JSON), in a
repr, in HTML or in base64 is found by the same rule in a decoded view, which maps each of its characters to
the part of the original that it comes from.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

Range = tuple[int, int]
MOST_LAYERS = 5
"""JSON in JSON in a shell command in JSON. Escapes double with every layer."""

_ESCAPE = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<bytes>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|(?P<octal>(?:\\[0-3][0-7]{2})+)"
    r"|(?P<unicode>(?:\\u[0-9A-Fa-f]{4})+|\\u\{[0-9A-Fa-f]{1,6}\}|\\U[0-9A-Fa-f]{8})"
    r"|(?P<quote>'\\''|'\"'\"')"
    r"|\\(?P<single>[nrtbfv\"'`/\\ $!&;|()<>*?#~=:@%,{}\[\]+^-]|\r?\n)"
    r"|(?P<entity>&(?:quot|apos|amp|lt|gt|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,5});)"
    r"|(?P<nothing>\x1b\[[0-9;?]{0,20}[A-Za-z]|[\u00ad\u200b-\u200d\u2060\ufeff])"
)
_SINGLE = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "\n": "", "\r\n": ""}
_MARKS = ("%", "\\", "&", "\x1b", "'\"'", "\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}")
_PAIR = re.compile(r"[\w.@+$|\\-]{1,64}:[\x21-\x7e]{3,}\Z")


class View(Struct, frozen=True):
    """A decoded text, and for each place in it (one more than it has characters) the place in the original;
    None if they are the same.
    """

    text: str
    places: list[int] | None = None

    def origin(self, found: Range) -> Range:
        """The range of the original that a range of this view comes from."""
        if self.places is None:
            return found
        return self.places[found[0]], self.places[found[1]]


def views(text: str) -> Iterator[View]:
    """`text` itself, then with each layer of its escapes decoded; if it may be the body of a form, once more
    with its pluses as spaces.
    """
    yield from _layers(text)
    if "+" in text and (text.count("+") > 1 or " " not in text or _PERCENT.search(text)):
        yield from _layers(text.replace("+", " "))


def _layers(text: str) -> Iterator[View]:
    view: View | None = View(text)
    for _ in range(MOST_LAYERS):
        if view is None:
            return
        yield view
        view = _decoded_view(view)


def _decoded_view(view: View) -> View | None:
    """The next layer; None if nothing is escaped."""
    text = view.text
    if not any(mark in text for mark in _MARKS):
        return None
    parts: list[str] = []
    places: list[int] = []
    at = 0
    for escape in _ESCAPE.finditer(text):
        plain = _plain(escape)
        parts += (text[at : escape.start()], plain)
        places += range(at, escape.start())
        places += _spread(len(plain), escape)
        at = escape.end()
    if not parts:
        return None
    parts.append(text[at:])
    places += range(at, len(text) + 1)
    if view.places is not None:
        places = [view.places[place] for place in places]
    return View("".join(parts), places)


def _spread(count: int, escape: re.Match[str]) -> list[int]:
    """Where each character of a decoded escape begins."""
    start, end = escape.span()
    return [start + (end - start) * number // count for number in range(count)]


def _plain(escape: re.Match[str]) -> str:
    kind, raw = escape.lastgroup, escape[0]
    if kind == "percent":
        return _decoded_bytes(bytes.fromhex(raw.replace("%", "")))
    if kind == "bytes":
        return _decoded_bytes(bytes.fromhex(raw.replace("\\x", "")))
    if kind == "octal":
        return _decoded_bytes(bytes(int(digits, 8) for digits in raw[1:].split("\\")))
    if kind == "unicode":
        return _units(raw)
    if kind == "quote":
        return "'"
    if kind == "single":
        return _SINGLE.get(escape["single"], escape["single"])
    return html.unescape(raw) if kind == "entity" else ""


def _decoded_bytes(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _units(raw: str) -> str:
    if raw[2] == "{" or raw[1] == "U":
        number = int(raw[3:-1] if raw[2] == "{" else raw[2:], 16)
        return chr(number) if number < 0x110000 else raw
    data = bytes.fromhex(raw.replace("\\u", ""))
    return data.decode("utf-16-be", "surrogatepass" if len(data) > 2 else "replace")


def encoded(text: str) -> Iterator[tuple[Range, str]]:
    """The runs of base64 in `text` that decode to readable text, each with that text."""
    for run in _BASE64.finditer(text):
        for candidate in _pieces(run[0]):
            plain = decoded(candidate)
            if plain is not None:
                yield run.span(), plain


def _pieces(run: str) -> list[str]:
    """A run may carry a path or a name before its base64: ``auth/dXNlcjpw…``."""
    tail = re.split(r"[/_-]", run)[-1]
    return [run, tail] if tail != run and len(tail) >= 16 else [run]


def decoded(run: str) -> str | None:
    """The readable text in base64, without an incomplete last group."""
    bare = run.rstrip("=").translate(_STANDARD)
    whole = bare[: len(bare) // 4 * 4] if len(bare) % 4 == 1 else bare + "=" * (-len(bare) % 4)
    try:
        text = base64.b64decode(whole).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if text and all(c.isprintable() or c in "\n\r\t" for c in text) else None


def is_pair(text: str) -> bool:
    """Whether decoded base64 is ``user:password``, as Basic authentication and registries send it."""
    return _PAIR.match(text) is not None


def replaced(text: str, found: Iterable[Range], mark: str) -> str:
    """`text` with `mark` in the place of each range; ranges that overlap or touch are one."""
    parts: list[str] = []
    at = 0
    for start, end in _merged(found):
        if text[start:end].replace(mark, "") == "":
            continue
        parts += (text[at:start], mark)
        at = end
    return "".join((*parts, text[at:]))


def _merged(found: Iterable[Range]) -> Iterator[Range]:
    last: Range | None = None
    for start, end in sorted(found):
        if last is not None and start <= last[1]:
            last = last[0], max(last[1], end)
            continue
        if last is not None:
            yield last
        last = start, end
    if last is not None:
        yield last


_STANDARD = str.maketrans("-_", "+/")
