"""The few numbers that all answers are made of: quantiles, trends, growth and spread. Pure functions."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from msgspec import Struct

SLICES = 12
"""Points of a sparkline: as many as fit beside a row of figures on 100 columns."""
RECENT = 20
"""At most so many runs are "the last ones" that a trend holds against those before."""


class Trend(Struct, rename="camel", frozen=True, kw_only=True):
    """How a figure went over the runs, oldest first.

    `values` has at most 12 points, each the median of consecutive runs (null: nothing was measured in
    them). `recent` is the median of the last runs (a quarter of them, 20 at most), `before` that of all
    runs before; `change` is ``recent / before - 1``, null where there was nothing before: then `delta`,
    ``recent - before``, tells. All four are null with fewer than four runs.
    """

    values: list[float | None] = []
    recent: float | None = None
    before: float | None = None
    change: float | None = None
    delta: float | None = None


def quantile(ordered: Sequence[float], q: float) -> float | None:
    """The `q` quantile (0..1) of values in ascending order, between two neighbours by straight line; null
    if none.
    """
    if not ordered:
        return None
    place = (len(ordered) - 1) * q
    low = int(place)
    if low + 1 >= len(ordered):
        return float(ordered[-1])
    return ordered[low] + (ordered[low + 1] - ordered[low]) * (place - low)


def median(values: Sequence[float]) -> float | None:
    """The middle of values in any order; null if there are none."""
    return quantile(sorted(values), 0.5)


def unpack(blobs: Sequence[bytes | None]) -> list[float]:
    """The numbers of several packed columns, as the store keeps them (see `store.migrations`), ascending."""
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


def change(recent: float | None, before: float | None) -> float | None:
    """By what part `recent` is above `before`; null where that is no number: see `delta`."""
    if recent is None or before is None or before <= 0:
        return None
    return recent / before - 1


def delta(recent: float | None, before: float | None) -> float | None:
    """By how much `recent` is above `before`."""
    return None if recent is None or before is None else recent - before


def slices(count: int, wanted: int = SLICES) -> list[tuple[int, int]]:
    """`count` things in order, cut into at most `wanted` even parts: (from, to) each."""
    parts = min(count, wanted)
    return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def split_recent(count: int) -> int:
    """Where the last runs begin: index of the first of them; 0 with too few runs to tell."""
    if count < 4:
        return 0
    return count - min(RECENT, max(1, count // 4))


def packed_trend(series: Sequence[bytes | None]) -> tuple[list[float], Trend]:
    """All values of a packed column per run (oldest first), ascending, and their trend."""
    parts = [unpack(series[start:end]) for start, end in slices(len(series))]
    everything = [value for part in parts for value in part]
    # The parts are sorted runs, and merging sorted runs is what Python's sort is best at.
    everything.sort()
    values = [quantile(part, 0.5) for part in parts]
    cut = split_recent(len(series))
    if not cut:
        return everything, Trend(values=values)
    recent, before = quantile(unpack(series[cut:]), 0.5), quantile(unpack(series[:cut]), 0.5)
    return everything, _trend(values, recent, before)


def trend(series: Sequence[float | None]) -> Trend:
    """The trend of one number per run (oldest first); null where a run has none."""

    def middle(start: int, end: int) -> float | None:
        return median([value for value in series[start:end] if value is not None])

    values = [middle(start, end) for start, end in slices(len(series))]
    cut = split_recent(len(series))
    if not cut:
        return Trend(values=values)
    recent, before = middle(cut, len(series)), middle(0, cut)
    return _trend(values, recent, before)


def _trend(values: list[float | None], recent: float | None, before: float | None) -> Trend:
    return Trend(
        values=values,
        recent=recent,
        before=before,
        change=change(recent, before),
        delta=delta(recent, before),
    )
