"""How an answer is kept within what its reader takes in at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    """Any document. One that does not fit loses members that are null or empty, and is then cut until it
    fits: the list that takes most goes first, from its end, so a ranked list keeps its head.

    What was cut is counted in `omitted`; `how` is the command that gives the rest.
    """
    if size(document) <= limit:
        whole: dict[str, Any] = msgspec.to_builtins(document)
        return whole
    texts = [0]
    tree: dict[str, Any] = _plain(msgspec.to_builtins(document), texts)
    rows: dict[str, int] = {}
    while True:
        omitted = Omitted(rows=rows, texts=texts[0], how=how)
        answer = {**tree, "omitted": msgspec.to_builtins(omitted)}
        if size(answer) <= limit or not _cut(tree, rows):
            return answer


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


def _cut(tree: dict[str, Any], rows: dict[str, int]) -> bool:
    """Halve the list that takes most. False where there is none left to cut."""
    lists = [(size(found), name, found) for name, found in _lists(tree, "") if found]
    if not lists:
        return False
    _, name, longest = max(lists, key=lambda each: (each[0], each[1]))
    keep = len(longest) // 2
    rows[name] = rows.get(name, 0) + len(longest) - keep
    del longest[keep:]
    for gone in [other for other in rows if other.startswith(f"{name}[") and _index(other, name) >= keep]:
        del rows[gone]
    return True


def _index(name: str, above: str) -> int:
    return int(name[len(above) + 1 :].partition("]")[0])


def _lists(tree: object, name: str) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _lists(value, f"{name}.{key}" if name else key)
    elif isinstance(tree, list):
        yield name, tree
        for index, value in enumerate(tree):
            if isinstance(value, dict | list):
                yield from _lists(value, f"{name}[{index}]")


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
