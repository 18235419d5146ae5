"""`--cursor`: which rows of a document's lists a page has, and where the next page begins.

For each list that was cut, a cursor has the number of rows on the pages before and the identity of the
last one: rows that were added since do not shift the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from one_trace.errors import WrongUsage

Place = tuple[int, str | None]
"""How many rows came before, and the identity of the last of them."""
_IDENTITY = (
    "started_at",
    "run_id",
    "span_id",
    "rule",
    "event",
    "path",
    "flow_key",
    "project",
    "key",
    "check",
    "agent",
    "session_id",
)
"""Members that distinguish the rows of a list."""
_SHORT = 300
_S = TypeVar("_S", bound=Struct)


def encode_cursor(places: Mapping[str, Place]) -> str:
    """A cursor for the lists of these names."""
    import base64  # only long answers have pages

    return base64.urlsafe_b64encode(msgspec.json.encode(places)).decode().rstrip("=")


def decode_cursor(cursor: str) -> dict[str, Place]:
    """The places of a cursor. Raises WrongUsage."""
    import base64

    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        places = msgspec.json.decode(data, type=dict[str, Place])
    except (ValueError, msgspec.MsgspecError) as error:
        raise wrong_cursor() from error
    if not places or any(seen < 0 for seen, _ in places.values()):
        raise wrong_cursor()
    return places


def wrong_cursor() -> WrongUsage:
    return WrongUsage(
        "--cursor is not from an answer of this command", hint="Copy `omitted.cursor` of the answer before."
    )


def identity(row: Struct) -> str:
    """A text that distinguishes a row from the others of its list."""
    parts = [str(getattr(row, name)) for name in _IDENTITY if hasattr(row, name)]
    text = "\n".join(parts)
    if len(text) <= _SHORT and text.isascii():
        return text
    from one_trace.model.digest import blake2b

    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


class PagedDocument:
    """The part of a document's lists that a cursor asks for, at most `most` rows a list.

    Lists that count are those of the document, and those inside the row of a list with one row. A list
    that the cursor does not name was printed whole before, and is empty here.
    """

    def __init__(
        self, document: Struct, cursor: str | None, most: int | None, unread: Mapping[str, int]
    ) -> None:
        self._wanted = decode_cursor(cursor) if cursor is not None else None
        self._most = most
        self._before: dict[str, int] = {}
        self._rows: dict[str, Sequence[Struct]] = {}
        self._after = dict(unread)
        self.document = self._part(document, "")
        if self._wanted is not None and not self._wanted.keys() <= self._rows.keys():
            raise wrong_cursor()

    def left(self, name: str, shown: int) -> int:
        """How many rows of a list follow if `shown` of the page's are printed; 0 for any other list."""
        if name not in self._rows:
            return 0
        return len(self._rows[name]) - shown + self._after.get(name, 0)

    def place(self, name: str, shown: int) -> Place:
        """Where the next page of a list begins."""
        rows = self._rows[name]
        return self._before[name] + shown, identity(rows[shown - 1]) if shown else None

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def _part(self, holder: _S, lead: str) -> _S:
        part = msgspec.structs.replace(holder)
        for field, name in zip(holder.__struct_fields__, holder.__struct_encode_fields__, strict=True):
            rows = getattr(holder, field)
            if isinstance(rows, list) and (
                f"{lead}{name}" in self._after or any(isinstance(row, Struct) for row in rows[:1])
            ):
                setattr(part, field, self._page(rows, f"{lead}{name}"))
        return part

    def _page(self, rows: list[Any], name: str) -> list[Any]:
        if len(rows) == 1:
            rows = [self._part(rows[0], f"{name}[0].")]
        start = 0
        if self._wanted is not None:
            if any(other.startswith(f"{name}[") for other in self._wanted):
                return rows
            if name not in self._wanted:
                return []
            start = _start(rows, *self._wanted[name])
        page = rows[start:] if self._most is None else rows[start : start + self._most]
        self._before[name], self._rows[name] = start, page
        self._after[name] = self._after.get(name, 0) + len(rows) - start - len(page)
        return page


def _start(rows: list[Struct], seen: int, last: str | None) -> int:
    """The index after the row with this identity, or the old one if it is gone. Of several, the nearest."""
    found = [at + 1 for at, row in enumerate(rows) if identity(row) == last]
    return min(found, key=lambda at: abs(at - seen), default=min(seen, len(rows)))
