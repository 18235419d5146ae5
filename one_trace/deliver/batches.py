"""Batching for every sink: limited by number and by size, and halved where the server still refuses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import TypeVar

from one_trace.deliver.retry import DeliveryError, TooLarge

T = TypeVar("T")
Size = Callable[[T], int]
"""The bytes of an item."""


def _unlimited(item: object) -> int:
    return 0


def send_all(
    items: Iterable[T],
    send: Callable[[Sequence[T]], None],
    *,
    most: int,
    most_bytes: float = inf,
    size: Size[T] = _unlimited,
) -> None:
    """Hand `items` to `send` in order. A batch that raises TooLarge is sent again in two halves.

    Raises DeliveryError where a single item is too large.
    """
    for batch in batches(items, most=most, most_bytes=most_bytes, size=size):
        todo: list[Sequence[T]] = [batch]
        while todo:
            part = todo.pop()
            try:
                send(part)
            except TooLarge as error:
                if len(part) == 1:
                    count = size(part[0])
                    reason = f": {count:,} bytes are too large" if count else ""
                    raise DeliveryError(error.kind, error.message + reason) from error
                half = len(part) // 2
                todo += [part[half:], part[:half]]


def batches(
    items: Iterable[T], *, most: int, most_bytes: float = inf, size: Size[T] = _unlimited
) -> Iterator[list[T]]:
    """`items` in order, at most `most` and `most_bytes` a batch. A larger item gets a batch of its own."""
    batch: list[T] = []
    total = 0
    for item in items:
        count = size(item) + 1  # a comma
        if batch and (len(batch) == most or total + count > most_bytes):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += count
    if batch:
        yield batch
