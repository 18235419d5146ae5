"""The line of a JSON file on which the value at a JSON pointer (RFC 6901) begins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # in typeshed it has no name

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder(strict=False)


def line_of(text: str, pointer: str) -> int | None:
    """The line, from 1; None if there is no such value."""
    at = _skip(text, 0)
    try:
        for part in pointer.split("/")[1:]:
            at = _inside(text, at, part.replace("~1", "/").replace("~0", "~"))
    except (LookupError, ValueError, RecursionError):
        return None
    return text.count("\n", 0, at) + 1


def _inside(text: str, at: int, part: str) -> int:
    """Where the member `part` of the object or array at `at` begins. Of members with one name the last
    counts, as in any JSON reader. Raises LookupError."""
    members = _members(text, at) if text[at] == "{" else _elements(text, at)
    return [start for name, start in members if name == part][-1]


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    at = _skip(text, at + 1)
    while text[at] == '"':
        name, at = scanstring(text, at + 1, False)
        start = _skip(text, _skip(text, at) + 1)
        yield name, start
        at = _after(text, start)


def _elements(text: str, at: int) -> Iterator[tuple[str, int]]:
    if text[at] != "[":
        return
    at, number = _skip(text, at + 1), 0
    while text[at] != "]":
        yield str(number), at
        at, number = _after(text, at), number + 1


def _after(text: str, start: int) -> int:
    """Where the next member may begin: after the value at `start` and its comma."""
    _, end = _decoder.raw_decode(text, start)
    end = _skip(text, end)
    return _skip(text, end + 1) if text[end] == "," else end


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
