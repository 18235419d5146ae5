"""Fits a document into what an agent reads at once: one mechanism for every command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from one_trace.answers.fields import Selection
from one_trace.answers.pages import PagedDocument, encode_cursor
from one_trace.guard.text import cut_middle, json_bytes, shell_word

LIMIT = 8000
"""Characters of an answer, its final newline included."""
TEXT = 400
"""Characters of one text in an answer: an error, a path."""
_TAG = 60
"""Characters of a tag's value."""
MOST_ROWS = 400
"""Rows of a list that can fit at most."""
_FRAMES = r"(?:\n    at [^\n]*)+(?:\n\nNode\.js v[\d.]+)?"
_INDEX = r"\[\d+\]"


class Bounds(NamedTuple):
    """The values of `--full`, `--limit`, `--cursor`, `--fields` and `--from`. `rerun` gives the command line
    with options added, which prints what was left out."""

    rerun: Callable[..., str]
    full: bool = False
    limit: int | None = None
    cursor: str | None = None
    fields: str | None = None
    source: str | None = None
    """The history that `--from` names, for commands in the answer."""

    def reading(self, command: str) -> str:
        """A command, reading the history that the answer comes from."""
        option = f" --from {shell_word(self.source)}" if self.source is not None else ""
        ours = command.startswith("one --agent trace ") and not command.endswith(option)
        return f"{command}{option}" if ours else command

    @property
    def whole(self) -> bool:
        """Whether nothing is left out at all."""
        return self.full and not (self.limit or self.cursor or self.fields)

    @property
    def most_rows(self) -> int | None:
        """Rows that a list may have; a limit of 0 means no limit."""
        most = None if self.full else MOST_ROWS
        return min(self.limit, most or self.limit) if self.limit else most


class Omitted(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """How much was left out, and the command that prints it."""

    spans: int = 0
    rows: dict[str, int] = {}
    """Rows that follow, by the list that was cut, such as ``flows[0].steps``."""
    texts: int = 0
    """Texts that were cut; each has a ``…`` where it was."""
    cursor: str | None = None
    """For ``--cursor``: the next page, where the lists that were cut continue."""
    how: str


def size(document: object) -> int:
    """Characters of a document as it is printed."""
    return len(json_bytes(document).decode()) + 1


def fit(document: Struct, bounds: Bounds, unread: Mapping[str, int] | None = None) -> object:
    """A document as it is printed: the page, rows and fields that were asked for, within LIMIT characters
    unless it is to be whole.

    A document that does not fit loses members that are null or empty, and then rows, from the end of
    lists: a ranked list keeps its head. `unread` counts, by list, rows that follow those of the document.
    Raises WrongUsage.
    """
    if bounds.source is not None and isinstance(commands := getattr(document, "next", None), list):
        commands[:] = map(bounds.reading, commands)
    if bounds.whole and not unread:
        return document
    selection = Selection(type(document), bounds.fields)
    page = PagedDocument(document, bounds.cursor, bounds.most_rows, unread or {})
    tree = selection.of(msgspec.to_builtins(page.document))
    texts, cut = [0], dict[str, int]()
    if not bounds.full and size(tree) > LIMIT:
        tree = _compact(tree, texts)
    while True:
        answer = {**tree, **_omitted(page, tree, cut, texts[0], bounds)}
        over = size(answer) - LIMIT
        if bounds.full or over <= 0 or not _cut(tree, over, cut):
            return answer


def shrink(tree: dict[str, Any]) -> dict[str, Any]:
    """A document with long texts, cut to LIMIT characters: first members that are null or empty and the
    texts, then rows from the end of lists."""
    tree, cut = _compact(tree, [0]), dict[str, int]()
    while (over := size(tree) - LIMIT) > 0 and _cut(tree, over, cut):
        pass
    return tree


def _omitted(
    page: PagedDocument, tree: dict[str, Any], cut: dict[str, int], texts: int, bounds: Bounds
) -> dict[str, Omitted]:
    lists = dict(_lists(tree))
    rest = {name: left for name, rows in lists.items() if (left := page.left(name, len(rows)))}
    rows = {**{name: count for name, count in cut.items() if name in lists}, **rest}
    if not rows and not texts:
        return {}
    cursor = encode_cursor({name: page.place(name, len(lists[name])) for name in rest}) if rest else None
    how = bounds.rerun("--cursor", cursor) if bounds.full and cursor else bounds.rerun("--full")
    return {"omitted": Omitted(rows=rows, texts=texts, cursor=cursor, how=how)}


def cut_text(text: str, most: int = TEXT) -> str:
    """`text`, or its beginning and end: the end of a path says most."""
    return cut_middle(text, most)


def without_frames(error: str) -> str:
    """An error's text without the frames of a stack of JavaScript: they hide its message when it is cut."""
    return re.sub(_FRAMES, "", error)


def cut_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a run, of which there are few, with long values cut."""
    return {key: cut_text(value, _TAG) for key, value in tags.items()}


def number(value: float | None, places: int = 3) -> float | int | None:
    """A figure without float noise: rounded, and whole where it is whole."""
    if value is None:
        return None
    rounded = round(value, places)
    return int(rounded) if rounded == int(rounded) else rounded


def _cut(tree: dict[str, Any], over: int, cut: dict[str, int]) -> bool:
    """Shorten some lists: those inside of rows first, and of several the one that takes the most space.
    False if there is none."""
    groups: dict[str, list[tuple[str, list[Any]]]] = {}
    for name, rows in _lists(tree):
        groups.setdefault(re.sub(_INDEX, "[]", name), []).append((name, rows))
    lengths = {kind: max(len(rows) for _, rows in lists) for kind, lists in groups.items()}
    weights = {kind: sum(size(rows) for _, rows in lists) for kind, lists in groups.items()}
    kind = max(groups, key=lambda kind: (min(lengths[kind], 2), kind.count("["), weights[kind]), default=None)
    if kind is None or not lengths[kind]:
        return False
    share = max(0.5, 1 - over / weights[kind])
    keep = min(int(lengths[kind] * share), lengths[kind] - 1)
    for name, rows in groups[kind]:
        if len(rows) > keep:
            cut[name] = cut.get(name, 0) + len(rows) - keep
            del rows[keep:]
    return True


def _lists(value: object, name: str = "") -> Iterator[tuple[str, list[Any]]]:
    """The lists of a document by name: its own, and those with rows inside of rows."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _lists(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        if "[" not in name or any(isinstance(row, dict) for row in value[:1]):
            yield name, value
        for at, item in enumerate(value):
            yield from _lists(item, f"{name}[{at}]")


def _compact(value: Any, texts: list[int]) -> Any:  # noqa: ANN401  whatever a document holds
    """Without members that are null or empty, texts cut, figures without noise."""
    if isinstance(value, dict):
        compact = {key: _compact(item, texts) for key, item in value.items()}
        return {key: item for key, item in compact.items() if item is not None and item not in ([], {})}
    if isinstance(value, list):
        return [_compact(item, texts) for item in value]
    if isinstance(value, str) and len(value) > TEXT:
        texts[0] += 1
        return cut_text(value)
    return number(value, 6) if isinstance(value, float) else value
