"""What the texts of a step's configuration resolve to, told on raw JSON: selectors, and {{ }} tokens with
their pipes, as executors have them. Only the size of the outcome is of interest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Raw

from one_trace.assemble.sizes.compact import compact_bytes
from one_trace.record.tolerant import ABSENT, UNREADABLE, present, raw_items, raw_members

_OPERAND = re.compile(r"\{\{\s*(q\s+)?\$\.")
_TOKEN = re.compile(r"\{\{\s*(q\s+)?(\$\.[^}\s|]+)(?:\s*\|\s*([a-zA-Z]+))?\s*\}\}")
_STEP = re.compile(r"[.\[]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKDOWN = re.compile(r"[\\`*_{}\[\]()#+\-!|]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
T = TypeVar("T")

Lookup = Callable[[str], Raw]
"""The value of a selector: `ABSENT` for undefined. Raises Unknown."""
Path = tuple[str, ...]


class Unknown(Exception):
    """The record does not tell."""


def selectors(text: str) -> list[str]:
    """Those that stand in one text of a configuration that is no code."""
    if is_selector(text):
        return [text]
    return [found[2] for found in _TOKEN.finditer(text)] if _OPERAND.search(text) else []


def literal_tail(text: str) -> str:
    """What stands behind the last value that is put into `text`; all of it, where there is none."""
    if is_selector(text):
        return ""
    ends = [found.end() for found in _TOKEN.finditer(text)]
    return text[ends[-1] :] if ends else text


def is_selector(text: str) -> bool:
    return text.startswith("$.") and "{{" not in text


def path_of(selector: str) -> Path:
    return tuple(part.removesuffix("]") for part in _STEP.split(selector[2:]))


def select(raw: Raw, path: Path) -> Raw:
    """Follow the rest of a selector. On an array, a name that is no index is looked up in every element."""
    for part in path:
        kind = memoryview(raw)[:1].tobytes()
        if kind == b"{":
            raw = _known(raw_members(raw)).get(part, ABSENT)
        elif kind != b"[":
            return ABSENT
        elif part.isdecimal():
            items = _known(raw_items(raw))
            raw = items[int(part)] if int(part) < len(items) else ABSENT
        elif part != "*":
            found = [bytes(select(item, (part,))) or b"null" for item in _known(raw_items(raw))]
            raw = Raw(b"[" + b",".join(found) + b"]")
    return raw


def _known(found: T | None) -> T:
    if found is None:
        raise Unknown
    return found


def size(value: Any, lookup: Lookup) -> int:  # noqa: ANN401 - any JSON
    """Bytes of a resolved value as compact JSON."""
    return sum(
        len(piece) if isinstance(piece, bytes) else compact_bytes(piece) or 0
        for piece in _pieces(value, lookup)
    )


def resolved(value: Any, lookup: Lookup) -> Raw:  # noqa: ANN401 - any JSON
    """A resolved value."""
    pieces = _pieces(value, lookup)
    return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], Raw) else Raw(b"".join(map(bytes, pieces)))


def _pieces(value: Any, lookup: Lookup) -> list[bytes | Raw]:  # noqa: ANN401 - any JSON
    """The text of a resolved value; nothing where it is undefined."""
    if isinstance(value, str):
        if is_selector(value):
            found = lookup(value)
            return [found] if present(found) else []
        if _OPERAND.search(value):
            value = _TOKEN.sub(lambda token: _token(token, lookup), value)
        return [to_json(value)]
    if isinstance(value, list):
        return _joined(b"[", [_pieces(item, lookup) or [b"null"] for item in value], b"]")
    if isinstance(value, dict):
        members = [(name, _pieces(item, lookup)) for name, item in value.items()]
        return _joined(b"{", [[to_json(name) + b":", *found] for name, found in members if found], b"}")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    return [json.dumps(value).encode()]


def _joined(opening: bytes, parts: list[list[bytes | Raw]], closing: bytes) -> list[bytes | Raw]:
    pieces = [opening]
    for position, part in enumerate(parts):
        pieces += [b",", *part] if position else part
    return [*pieces, closing]


def to_json(text: str) -> bytes:
    """As JSON.stringify."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted).encode()


def _token(token: re.Match[str], lookup: Lookup) -> str:
    quoted, selector, pipe = token.groups()
    raw = lookup(selector)
    if pipe == "json" and not quoted:
        return _compact(raw) if present(raw) else "null"
    nothing = not present(raw) or bytes(raw) == b"null"
    text = "" if nothing else plain(raw)
    if pipe is None:
        return _shell(text) if quoted else text
    if quoted or pipe not in _PIPES:
        raise Unknown  # it throws
    return _PIPES[pipe](text)


def plain(raw: Raw) -> str:
    """A value as text: of a string its content, of anything else its JSON."""
    text = _compact(raw)
    return str(json.loads(text)) if text.startswith('"') else text


def _compact(raw: Raw) -> str:
    try:
        return msgspec.json.format(bytes(raw), indent=-1).decode()
    except UNREADABLE:
        raise Unknown from None


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


_PIPES: dict[str, Callable[[str], str]] = {
    "shell": _shell,
    "url": lambda text: quote(text, safe="!'()*-._~", errors="replace"),
    "md": lambda text: _MARKDOWN.sub(r"\\\g<0>", text),
    "html": lambda text: "".join(_ENTITIES.get(one, one) for one in text),
}
