"""Where a figure changed over the runs, and whether what it is now is more than what it was.

The test is the Wilcoxon-Mann-Whitney rank test, tried at every place where the series may be cut in two
(binary segmentation: Scott and Knott 1974, Vostrikova 1981; once it is cut, in windows too), the least
p-value corrected by Bonferroni for the cuts that could have reached it at all (Tarone 1990). It supposes
that runs of one level are exchangeable (no run depends on the one before) and nothing of how their times are
distributed: an odd run, two modes or a long tail are no change. Small groups have their exact p-value,
larger ones the normal approximation with its corrections for ties and continuity.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from math import ceil, comb, erfc, sqrt
from typing import NamedTuple

from one_trace.analyse.figures import median, quantile

ALPHA = 0.01
"""How seldom, in the middle of nothing, a series may be said to have changed."""
LEAST_RUNS = 3
"""Of a level."""
_EXACT = 10
"""Up to this size of the smaller group the p-value is counted out."""
_EXACT_RANK_SUM = 3_000
_LOOKED_AT = 2.0
"""Nearer to the middle than so many standard deviations nothing is counted out."""
_ALIKE = 0.1
"""Levels nearer to each other than this part are one."""
RECURS = 2
"""What was there so often before, with less in between, comes and goes."""
_MOST_LEVELS = 24


class Level(NamedTuple):
    """Consecutive runs that are alike: from the place `start` up to `end`, which is not of it."""

    start: int
    end: int
    middle: float


class Rise(NamedTuple):
    """A figure is more than it was: `since` is the place from which on, `gradual`: in several steps."""

    before: float
    now: float
    since: int
    gradual: bool
    levels: list[Level]

    @property
    def change(self) -> float | None:
        """By what part; null where there was nothing before."""
        return self.now / self.before - 1 if self.before > 0 else None


def levels(values: Sequence[float], least: float = 0.0) -> list[Level]:
    """The levels of a series, oldest first; two neighbours that are nearer than a tenth or `least` are
    one."""
    cuts = [0, len(values)]
    todo = [(0, len(values))]
    while todo and len(cuts) < _MOST_LEVELS:
        start, end = todo.pop()
        cut = _cut(values[start:end], ALPHA)
        if not cut and len(cuts) > 2:
            cut = _cut_inside(values[start:end])
        if cut:
            cuts.append(start + cut)
            todo += [(start, start + cut), (start + cut, end)]
    cuts.sort()
    found: list[Level] = []
    for start, end in itertools.pairwise(cuts):
        level = _level(values, start, end)
        while found and _alike(found[-1].middle, level.middle, least):
            level = _level(values, found.pop().start, end)
        found.append(level)
    return found


def rise(values: Sequence[float], *, part: float, least: float) -> Rise | None:
    """Whether the last level is above the one that it rose from by `part` of it and by `least`, and beyond
    what that one varied by (its p75). What comes and goes is no rise.
    """
    found = levels(values, least)
    first = len(found) - 1
    while first > 0 and found[first - 1].middle < found[first].middle:
        first -= 1
    if first == len(found) - 1 or not found:
        return None
    base, now = found[first], found[-1]
    more = now.middle - base.middle
    usual = quantile(sorted(values[base.start : base.end]), 0.75) or 0.0
    if more < max(least, part * base.middle) or now.middle <= usual:
        return None
    if sum(level.middle >= (base.middle + now.middle) / 2 for level in found[:first]) >= RECURS:
        return None
    steps = found[first:]
    jumps = [later.middle - before.middle for before, later in itertools.pairwise(steps)]
    largest = jumps.index(max(jumps))
    gradual = jumps[largest] < 0.6 * more
    since = steps[1 if gradual else largest + 1].start
    return Rise(base.middle, now.middle, since, gradual, found)


def _level(values: Sequence[float], start: int, end: int) -> Level:
    return Level(start, end, median(values[start:end]) or 0.0)


def _alike(one: float, other: float, least: float) -> bool:
    return abs(one - other) < max(least, _ALIKE * max(one, other)) or one == other


def _cut_inside(values: Sequence[float]) -> int:
    """The same in halves and quarters that overlap (seeded intervals: Kovács and others 2023): levels that
    alternate hide one another when all are looked at together."""
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
    """Where a series is cut best, if it is to be cut: the place of the first value behind; else 0."""
    count = len(values)
    if count < 2 * LEAST_RUNS or 2 / comb(count, count // 2) > alpha:
        return 0
    ranks, ties = _ranks(values)
    spread = (count + 1 - ties / (count * (count - 1))) / 12
    if spread <= 0:
        return 0
    total, far, at = 0.0, 0.0, 0
    small: list[tuple[int, int, float]] = []
    for size, rank in enumerate(ranks[: count - LEAST_RUNS], 1):
        total += rank
        if size < LEAST_RUNS:
            continue
        product = size * (count - size)
        u = total - size * (size + 1) / 2
        z = (abs(u - product / 2) - 0.5) / sqrt(product * spread)
        low = ceil(min(u, product - u))
        if z > _LOOKED_AT and min(size, count - size) <= _EXACT and low <= _EXACT_RANK_SUM:
            small.append((size, low, z))
        elif z > far:
            far, at = z, size
    found = [(erfc(far / sqrt(2)), -far, at)]
    for size, low, z in small:
        least = min(size, count - size)
        if 2 / comb(count, least) <= found[0][0]:  # else it cannot be the least
            found.append((2 * _exact(least, count - least, low), -z, size))
    p, _, place = min(found)
    return place if p * _possible(count, p) < alpha else 0


def _ranks(values: Sequence[float]) -> tuple[list[float], float]:
    """The rank of each value (equal ones share theirs), and the sum of t³ - t over what is equal."""
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
    """P(U <= u) where all orders of the runs are as likely: Gauss' binomial coefficients, summed up."""
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
