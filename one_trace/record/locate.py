"""In which line of a JSON file a value stands that a JSON pointer (RFC 6901) names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # in typeshed it has no name

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder(strict=False)


def line_of(text: str, pointer: str) -> int | None:
    """The line (from 1) in which the value at `pointer` begins; None where there is none."""
    at = _skip(text, 0)
    try:
        for part in pointer.split("/")[1:]:
            at = _inside(text, at, part.replace("~1", "/").replace("~0", "~"))
    except (LookupError, ValueError, RecursionError):
        return None
    return text.count("\n", 0, at) + 1


def _inside(text: str, at: int, part: str) -> int:
    """Where in the object or array at `at` the member `part` begins. Of members of one name the last counts,
    as to any JSON reader. Raises LookupError."""
    members = _members(text, at) if text[at] == "{" else _elements(text, at)
    found = [start for name, start in members if name == part]
    if not found:
        raise LookupError(part)
    return found[-1]


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
    """Where the next member may begin, behind the value at `start` and its comma."""
    _, end = _decoder.raw_decode(text, start)
    end = _skip(text, end)
    return _skip(text, end + 1) if text[end] == "," else end


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
