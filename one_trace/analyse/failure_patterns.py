"""Patterns of failures in the order of runs: broken, flaky, over, or too few to say. A rate does not tell
these apart.

* *broken*: the last runs failed, at least three, where the failure rate before, of all runs and of the last
  20, would give a streak this long in at most 1 % of cases (geometric distribution).
* *over*: no failure since, in at least three runs, where the failure rate of that time would give so many
  good runs in a row in at most 2 % of cases (20 % if another version of the flow has run since). That rate is
  (f - 1) / (n - 1) of the runs from the first to the last failure: Haldane's estimator for inverse sampling.
* *flaky*: two failures or more, not all in one stretch, in eight runs or more, with the lower bound of
  Wilson's 95 % interval of the rate at 1 % or more. Otherwise *too-few*.

Assumed: while a rate holds, runs fail independently of one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Literal, NamedTuple

STREAK = 3
FEW_RUNS = 8
FEW_FAILURES = 2
LEAST_RATE = 0.01
_BROKEN_BY_CHANCE = 0.01
_OVER_BY_CHANCE = 0.02
_OVER_BY_CHANCE_WITH_NEW_VERSION = 0.2
_RECENT = 20
_Z = 1.96

Kind = Literal["none", "broken", "flaky", "over", "too-few"]


class FailurePattern(NamedTuple):
    """`since` is the position of the first run concerned; `runs` and `failed` count from there. `streak` is
    the number of failed runs at the end."""

    kind: Kind
    since: int = 0
    runs: int = 0
    failed: int = 0
    streak: int = 0

    @property
    def rate(self) -> float:
        return self.failed / self.runs if self.runs else 0.0


NONE = FailurePattern("none")


def classify(failed: Sequence[bool], versions: Sequence[str | None]) -> FailurePattern:
    """The pattern of a step's runs, oldest first; `versions` are those of the flow."""
    failures = [index for index, bad in enumerate(failed) if bad]
    if not failures:
        return FailurePattern("none", runs=len(failed))
    first, last, count = failures[0], failures[-1], len(failures)
    good_since = len(failed) - 1 - last
    streak = 0 if good_since else next((n for n, bad in enumerate(reversed(failed)) if not bad), len(failed))
    if streak >= STREAK and _is_unusual(streak, failed[:-streak]):
        return FailurePattern("broken", len(failed) - streak, streak, streak, streak)
    rate = (count - 1) / (last - first) if count >= FEW_FAILURES else 0.0
    by_chance = _OVER_BY_CHANCE_WITH_NEW_VERSION if _has_new_version(versions, last) else _OVER_BY_CHANCE
    if good_since >= STREAK and rate and (1 - rate) ** good_since <= by_chance:
        return FailurePattern("over", first, len(failed), count, streak)
    since = first if rate and (1 - rate) ** first <= _OVER_BY_CHANCE else 0
    runs = len(failed) - since
    # All in one stretch: an outage, of which it is not certain that it is over.
    flaky = last - first + 1 > count >= FEW_FAILURES and runs >= FEW_RUNS
    if flaky and wilson(count, runs)[0] >= LEAST_RATE:
        return FailurePattern("flaky", since, runs, count, streak)
    return FailurePattern("too-few", since, len(failed), count, streak)


def classify_spans(
    failed: Sequence[int], succeeded: Sequence[int], versions: Sequence[str | None]
) -> FailurePattern:
    """The pattern of a step that may run several times in a run, from counts of its spans in each run. It is
    broken if all spans of a run fail; if some of each run do, it is flaky."""
    entirely = [bad > 0 and not good for bad, good in zip(failed, succeeded, strict=True)]
    pattern = classify(entirely, versions)
    if pattern.kind == "broken":
        return pattern
    pattern = classify([bad > 0 for bad in failed], versions)
    if pattern.kind != "broken":
        return pattern
    enough = pattern.runs >= STREAK and sum(failed) + sum(succeeded) >= 2 * FEW_RUNS
    return pattern._replace(kind="flaky" if enough else "too-few")


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion; valid for few runs and for proportions of 0 and 1 too."""
    if count <= 0:
        return 0.0, 1.0
    rate, square = hits / count, _Z * _Z
    middle = (rate + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * sqrt(rate * (1 - rate) / count + square / (4 * count * count))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == count else min(1.0, middle + half)


def _is_unusual(streak: int, before: Sequence[bool]) -> bool:
    """Whether the failure rate before would seldom give such a streak."""
    if not before:
        return True
    rate = max((sum(runs) + 0.5) / (len(runs) + 1) for runs in (before, before[-_RECENT:]))
    return float(rate) ** streak < _BROKEN_BY_CHANCE


def _has_new_version(versions: Sequence[str | None], last: int) -> bool:
    """Whether each run since the last failure is of another version than that."""
    failed = versions[last]
    return failed is not None and all(version not in (None, failed) for version in versions[last + 1 :])
