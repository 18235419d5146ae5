"""How an answer is kept within what its reader takes in at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

LIMIT = 8000
"""Characters of an answer, its last newline included."""
TEXT = 400
"""Characters of one text in an answer: an error, a path."""
_ROWS = (80, 60, 45, 34, 26, 20, 15, 11, 8, 6, 4, 3, 2, 1, 0)

T = TypeVar("T")


class Omitted(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """How many of each were left out, and the command that gives them."""

    spans: int = 0
    runs: int = 0
    rows: dict[str, int] = {}
    """By the member that was cut, such as ``flows[0].steps``."""
    texts: int = 0
    """Texts that were cut; each ends in ``…`` where it was."""
    how: str


def size(document: object) -> int:
    """Characters of a document as it is printed."""
    return len(msgspec.json.encode(document).decode()) + 1


def fullest(make: Callable[[int], T], limit: int = LIMIT) -> T:
    """The answer with the most rows that fits. `make` gives it for at most so many rows a list; with 0 it is
    the summary alone, which has to fit."""
    for rows in _ROWS:
        answer = make(rows)
        if size(answer) <= limit:
            return answer
    return answer


def bounded(document: object, how: str, limit: int = LIMIT) -> dict[str, Any]:
    """Any document. One that does not fit loses members that are null or empty; then lists inside of rows
    are shortened, and only if that is not enough the other lists, each from its end: a ranked list keeps its
    head.

    `omitted` counts what was left out; `how` is the command that gives the rest.
    """
    if size(document) <= limit:
        whole: dict[str, Any] = msgspec.to_builtins(document)
        return whole
    texts = [0]
    tree: dict[str, Any] = _plain(msgspec.to_builtins(document), texts)

    def shortened(inner: int, outer: int | None) -> dict[str, Any]:
        rows: dict[str, int] = {}
        answer = _shortened(tree, "", (outer, inner), rows)
        return {**answer, "omitted": msgspec.to_builtins(Omitted(rows=rows, texts=texts[0], how=how))}

    if size(shortened(0, None)) <= limit:
        return fullest(lambda most: shortened(most, None), limit)
    return fullest(lambda most: shortened(0, most), limit)


def _shortened(value: Any, name: str, most: tuple[int | None, int], rows: dict[str, int]) -> Any:  # noqa: ANN401
    """A copy in which lists have at most `most` items: (those of the document, those inside of other lists);
    `rows` counts what was left out, by the member's name.
    """
    if isinstance(value, dict):
        return {
            key: _shortened(item, f"{name}.{key}" if name else key, most, rows) for key, item in value.items()
        }
    if not isinstance(value, list):
        return value
    limit, inner = most
    if limit is not None and len(value) > limit and (name.count("[") == 0 or isinstance(value[0], dict)):
        rows[name] = len(value) - limit
        value = value[:limit]
    return [_shortened(item, f"{name}[{at}]", (inner, inner), rows) for at, item in enumerate(value)]


def cut(text: str, most: int = TEXT) -> str:
    """`text`, or its beginning and end: of a path the end tells most."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"


def number(value: float | None, places: int = 3) -> float | int | None:
    """A figure without float noise: rounded, and whole where it is whole."""
    if value is None:
        return None
    rounded = round(value, places)
    return int(rounded) if rounded == int(rounded) else rounded


def _plain(value: Any, texts: list[int]) -> Any:  # noqa: ANN401  whatever a document holds
    """Without what is null or empty, texts cut, figures without noise."""
    if isinstance(value, dict):
        plain = {key: _plain(item, texts) for key, item in value.items()}
        return {key: item for key, item in plain.items() if item is not None and item != [] and item != {}}
    if isinstance(value, list):
        return [_plain(item, texts) for item in value]
    if isinstance(value, str) and len(value) > TEXT:
        texts[0] += 1
        return cut(value)
    return number(value, 6) if isinstance(value, float) else value
