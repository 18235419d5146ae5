"""Change points: where the level of a figure changed over the runs.

Numbers: the Wilcoxon-Mann-Whitney rank test at every cut of the series, repeated on both parts (binary
segmentation: Scott and Knott 1974, Vostrikova 1981) and, once there is a cut, in overlapping windows (seeded
intervals: Kovács et al. 2023). The smallest p-value is corrected for the cuts that could have reached it
(Bonferroni, restricted as by Tarone 1990). It is exact for small groups, else the normal approximation with
corrections for ties and continuity. Assumed: runs of one level are exchangeable. Nothing is assumed about
the distribution: an outlier, two modes or a long tail are no change. Long series are compared by the medians
of consecutive batches of equal size.

Outcomes: Fisher's exact test at the cut where the failure rates differ most, corrected for all cuts
(Bonferroni). Assumed: at one rate, runs fail independently of one another.

Both call a change what chance alone shows in at most 1 of 100 series. With fewer than `FEWEST` runs no cut
can reach that: too few.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from math import ceil, comb, erfc, exp, lgamma, sqrt
from typing import NamedTuple

from one_trace.analyse.quantiles import median, quantile

ALPHA = 0.01
FEWEST = 10
"""2 / C(10, 5) is the first below ALPHA."""
SMALLEST = 0.1
"""Levels that differ by less than this part are one level."""
LEAST_MS = 10.0
"""A smaller change of a time is no change: the host counts whole milliseconds, and starts a few late."""
LEAST_USD = 0.0005
LEAST_RUNS = 3
"""Of a level."""
RECURS = 2
"""A level that was there this often before, with others in between, comes and goes: it is no change."""
_MOST_BATCHES = 240
_MOST_LEVELS = 24
_EXACT = 10
"""Up to this size of the smaller group the p-value is exact,"""
_EXACT_RANK_SUM = 3_000
_EXACT_FROM_SIGMAS = 2.0
"""and only for cuts at least this far from what is expected."""


class Level(NamedTuple):
    """Consecutive values from the place `start` up to `end` (exclusive) that do not differ by more than
    chance."""

    start: int
    end: int
    median: float


class Change(NamedTuple):
    """The last change of a figure. `since` is the place of its first value; `gradual`: in several steps."""

    before: float
    now: float
    since: int
    gradual: bool
    levels: list[Level]

    @property
    def ratio(self) -> float | None:
        """0.2: a fifth more; null where it was zero before."""
        return self.now / self.before - 1 if self.before > 0 else None


class RateChange(NamedTuple):
    """The last change of a failure rate: failures and runs before it and from the place `since` on."""

    since: int
    failed_before: int
    runs_before: int
    failed: int
    runs: int


def last_change(values: Sequence[float], *, least: float, smallest: float = SMALLEST) -> Change | None:
    """The last change of a series, oldest value first, by at least `least` and at least the part `smallest`
    of the level before, and to outside of its middle half. Steps in one direction are one change. None if
    there is none, or if the level comes and goes.
    """
    series = levels(values, least)
    if len(series) < 2:
        return None
    sign = 1 if series[-1].median > series[-2].median else -1
    first = len(series) - 2
    while first > 0 and sign * (series[first].median - series[first - 1].median) > 0:
        first -= 1
    base, now = series[first], series[-1]
    size = sign * (now.median - base.median)
    quartile = quantile(sorted(values[base.start : base.end]), 0.75 if sign > 0 else 0.25) or 0.0
    if size < max(least, smallest * base.median) or sign * (now.median - quartile) <= 0:
        return None
    between = (base.median + now.median) / 2
    if sum(sign * (level.median - between) >= 0 for level in series[:first]) >= RECURS:
        return None
    steps = [sign * (later.median - level.median) for level, later in itertools.pairwise(series[first:])]
    largest = steps.index(max(steps))
    gradual = steps[largest] < 0.6 * size
    since = series[first + 1 if gradual else first + largest + 1].start
    return Change(base.median, now.median, since, gradual, series)


def last_rate_change(failed: Sequence[bool]) -> RateChange | None:
    """The last change of the failure rate of runs, oldest first; None where there is none."""
    start, change = 0, None
    while cut := _rate_cut(failed[start:]):
        before, after = failed[start : start + cut], failed[start + cut :]
        start += cut
        change = RateChange(start, sum(before), len(before), sum(after), len(after))
    return change


def levels(values: Sequence[float], least: float = 0.0) -> list[Level]:
    """The levels of a series, oldest first; neighbours that differ by less than a tenth or `least` are
    one."""
    merged: list[Level] = []
    for start, end in itertools.pairwise([0, *_cuts(tuple(values)), len(values)]):
        level = _level(values, start, end)
        while merged and _alike(merged[-1].median, level.median, least):
            level = _level(values, merged.pop().start, end)
        merged.append(level)
    return merged


@lru_cache(maxsize=256)
def _cuts(values: tuple[float, ...]) -> list[int]:
    """The places where a series is cut, in order. Remembered: statistics and two rules ask for one series."""
    size = ceil(len(values) / _MOST_BATCHES)
    if size <= 1:
        return _segment(values)
    offset = len(values) % size
    medians = [median(values[at : at + size]) or 0.0 for at in range(offset, len(values), size)]
    cuts = [offset + cut * size for cut in _segment(medians)]
    bounds = [0, *cuts, len(values)]
    return [_refined(values, bounds[n], cut, bounds[n + 2], size) for n, cut in enumerate(cuts)]


def _refined(values: Sequence[float], start: int, cut: int, end: int, size: int) -> int:
    """The place within a batch of `cut` with the least absolute deviations from both medians."""
    before, after = median(values[start : cut - size]) or 0.0, median(values[cut + size : end]) or 0.0
    near = values[cut - size : cut + size]
    gains = itertools.accumulate((abs(value - after) - abs(value - before) for value in near), initial=0.0)
    return cut - size + max(enumerate(gains), key=lambda each: each[1])[0]


def _level(values: Sequence[float], start: int, end: int) -> Level:
    return Level(start, end, median(values[start:end]) or 0.0)


def _alike(one: float, other: float, least: float) -> bool:
    return abs(one - other) < max(least, SMALLEST * max(one, other)) or one == other


def _segment(values: Sequence[float]) -> list[int]:
    """Binary segmentation: the places of all cuts, in order."""
    cuts: list[int] = []
    todo = [(0, len(values))]
    while todo and len(cuts) < _MOST_LEVELS:
        start, end = todo.pop()
        cut = _cut(values[start:end], ALPHA)
        if not cut and cuts:
            cut = _cut_in_windows(values[start:end])
        if cut:
            cuts.append(start + cut)
            todo += [(start, start + cut), (start + cut, end)]
    return sorted(cuts)


def _cut_in_windows(values: Sequence[float]) -> int:
    """A cut within overlapping halves and quarters: alternating levels hide one another in the whole."""
    count = len(values)
    windows = [
        (start, start + size)
        for size in (count // 2, count // 4)
        if size >= 4 * LEAST_RUNS
        for start in range(0, count - size + 1, size // 2)
    ]
    for start, end in windows:
        cut = _cut(values[start:end], ALPHA / len(windows))
        if cut:
            return start + cut
    return 0


def _cut(values: Sequence[float], alpha: float) -> int:
    """The place of the first value behind the most significant cut; 0 if none is below `alpha`."""
    count = len(values)
    if count < 2 * LEAST_RUNS or 2 / comb(count, count // 2) > alpha:
        return 0
    ranks, ties = _ranks(values)
    variance = (count + 1 - ties / (count * (count - 1))) / 12
    if variance <= 0:
        return 0
    farthest, place = 0.0, 0
    small: list[tuple[int, int, float]] = []
    sums = list(itertools.accumulate(ranks))
    for size in range(LEAST_RUNS, count - LEAST_RUNS + 1):
        product = size * (count - size)
        u = sums[size - 1] - size * (size + 1) / 2
        z = (abs(u - product / 2) - 0.5) / sqrt(product * variance)
        if z > _EXACT_FROM_SIGMAS and min(size, count - size) <= _EXACT:
            low = ceil(min(u, product - u))
            if low <= _EXACT_RANK_SUM:
                small.append((size, low, z))
                continue
        if z > farthest:
            farthest, place = z, size
    candidates = [(erfc(farthest / sqrt(2)), -farthest, place)]
    for size, low, z in small:
        least = min(size, count - size)
        if 2 / comb(count, least) <= candidates[0][0]:  # else it cannot be the smallest
            candidates.append((2 * _exact(least, count - least, low), -z, size))
    p, _, place = min(candidates)
    return place if p * _possible(count, p) < alpha else 0


def _ranks(values: Sequence[float]) -> tuple[list[float], float]:
    """The rank of each value (equal ones share theirs), and the sum of t³ - t over the sizes of ties."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    ties = 0.0
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for at in order[start:end]:
            ranks[at] = (start + end + 1) / 2
        ties += (end - start) ** 3 - (end - start)
        start = end
    return ranks, ties


@lru_cache(maxsize=4096)
def _exact(small: int, large: int, u: int) -> float:
    """P(U <= u) if all orders are equally likely: the Gaussian binomial coefficients, summed up."""
    counts = [1] + [0] * u
    for i in range(1, small + 1):
        for at in range(u, large + i - 1, -1):
            counts[at] -= counts[at - large - i]
        for at in range(i, u + 1):
            counts[at] += counts[at - i]
    return sum(counts) / comb(small + large, small)


def _possible(count: int, p: float) -> int:
    """How many cuts can have a p-value as small as this."""
    size = LEAST_RUNS
    while size < count - size and 2 / comb(count, size) > p and size < _EXACT:
        size += 1
    return max(1, count - 2 * size + 1)


def _rate_cut(failed: Sequence[bool]) -> int:
    """The same as `_cut` for failures: where their rates differ most, by Fisher's exact test."""
    count, total = len(failed), sum(failed)
    if count < FEWEST or total in (0, count):
        return 0
    sums = list(itertools.accumulate(failed))
    place = max(
        range(1, count),
        key=lambda size: (sums[size - 1] * count - total * size) ** 2 / (size * (count - size)),
    )
    p = _fisher(sums[place - 1], place, total, count)
    return place if p * (count - 1) < ALPHA else 0


def _fisher(hits: int, size: int, total: int, count: int) -> float:
    """The two-sided p-value (twice the smaller tail) of `hits` among `size` of `count`, `total` in all."""

    def log_choose(n: int, k: int) -> float:
        return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)

    def probability(k: int) -> float:
        return exp(log_choose(total, k) + log_choose(count - total, size - k) - log_choose(count, size))

    low, high = max(0, size - (count - total)), min(size, total)
    tail = range(hits, high + 1) if hits * count > total * size else range(low, hits + 1)
    return min(1.0, 2 * sum(map(probability, tail)))
