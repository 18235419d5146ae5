"""Batching for every sink: limited by number and by size, and halved where the server still refuses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
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
    start: int = 0,
) -> None:
    """Hand `items`, but for the first `start`, to `send` in order. A batch that raises TooLarge is sent again
    in two halves.

    Raises DeliveryError, with the number of items that need not be sent again, where `send` does or where a
    single item is too large.
    """
    accepted = start
    for batch in batches(islice(items, start, None), most=most, most_bytes=most_bytes, size=size):
        todo: list[Sequence[T]] = [batch]
        while todo:
            part = todo.pop()
            try:
                send(part)
                accepted += len(part)
            except TooLarge as error:
                if len(part) == 1:
                    count = size(part[0])
                    reason = f": {count:,} bytes are too large" if count else ""
                    raise DeliveryError(error.kind, error.message + reason, accepted=accepted) from error
                half = len(part) // 2
                todo += [part[half:], part[:half]]
            except DeliveryError as error:
                error.accepted = accepted
                raise


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
