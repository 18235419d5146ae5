"""Quantiles, and how the store packs durations. Pure functions."""

from __future__ import annotations

from array import array
from collections.abc import Sequence


def quantile(ordered: Sequence[float], q: float) -> float | None:
    """The `q` quantile (0..1) of values in ascending order, interpolated linearly; null if there are none."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * q
    low = int(place)
    if low + 1 >= len(ordered):
        return float(ordered[-1])
    return ordered[low] + (ordered[low + 1] - ordered[low]) * (place - low)


def median(values: Sequence[float]) -> float | None:
    """The median of values in any order; null if there are none."""
    return quantile(sorted(values), 0.5)


def unpack(blobs: Sequence[bytes | None]) -> list[float]:
    """The numbers of several packed columns (see `store.migrations`), ascending."""
    column = array("d")
    column.frombytes(b"".join([blob[1:] for blob in blobs if blob and len(blob) & 3]))
    values = column.tolist()
    old = b"".join([blob for blob in blobs if blob and not len(blob) & 3])
    if old:
        singles = array("f")
        singles.frombytes(old)
        values += singles.tolist()
    values.sort()
    return values
