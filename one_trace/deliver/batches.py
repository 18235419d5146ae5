"""Many small things in few requests: at most so many, at most so large, and half of it where that is too
much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from one_trace.deliver.retry import DeliveryError, TooLarge


def send_all(
    items: Iterable[bytes], send: Callable[[Sequence[bytes]], None], *, most: int, most_bytes: int
) -> None:
    """Hand `items` to `send` in order. A batch that raises TooLarge goes again in two halves.

    Raises DeliveryError (``rejected``) where a single item is too large.
    """
    for batch in batches(items, most=most, most_bytes=most_bytes):
        todo = [batch]
        while todo:
            part = todo.pop()
            try:
                send(part)
            except TooLarge as error:
                if len(part) == 1:
                    raise DeliveryError(
                        "rejected", f"{error}: {len(part[0]):,} bytes are too large"
                    ) from error
                half = len(part) // 2
                todo += [part[half:], part[:half]]


def batches(items: Iterable[bytes], *, most: int, most_bytes: int) -> Iterator[list[bytes]]:
    """`items` in order, no batch with more than `most` of them or more bytes; one that is larger stands
    alone.
    """
    batch: list[bytes] = []
    size = 0
    for item in items:
        if batch and (len(batch) == most or size + len(item) + 1 > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item) + 1
    if batch:
        yield batch
