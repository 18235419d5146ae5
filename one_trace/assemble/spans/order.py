"""The order of spans, and the ids that come of it, whatever a span is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from one_trace.model.digest import blake2b


class Began(Protocol):
    """An execution of a step."""

    @property
    def number(self) -> int: ...

    @property
    def start(self) -> float:
        """Epoch ms."""

    @property
    def path(self) -> str: ...


Each = TypeVar("Each", bound=Began)


def in_order(spans: Sequence[Each], owner_of: Callable[[Each], Each | None]) -> list[Each]:
    """By start, but never a child before its parent: clocks jump, and damaged lines lie. `spans` has parents
    before children."""
    keys: dict[int, float] = {}
    for span in spans:
        owner, start = owner_of(span), span.start
        above = keys.get(owner.number, start) if owner is not None else start
        keys[span.number] = start if start >= above else above
    return sorted(spans, key=lambda span: keys[span.number])


def span_ids(ordered: Sequence[Began], trace: str) -> dict[int, str]:
    """16 hex digits a span, by its number: spans of one path are told apart by their order of start."""
    ids: dict[int, str] = {}
    seen: dict[str, int] = {}
    for span in ordered:
        nth = seen[span.path] = seen.get(span.path, 0) + 1
        text = f"{trace}|{span.path}|{nth}".encode("utf-8", "replace")
        ids[span.number] = blake2b(text, digest_size=8).hexdigest()
    return ids


def to_microsecond(ms: float) -> float:
    """A time to the microsecond: what is behind that comes of the subtraction."""
    return ms if ms == int(ms) else round(ms, 3)
