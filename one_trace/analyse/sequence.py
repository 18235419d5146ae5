"""What the order of good and bad runs says: broken since when, failing now and then, over, or too few to say.

A rate alone does not tell these apart. The questions asked of the sequence, and where they come from:
* *broken*: the last runs failed, at least three, and a rate like that of all before, or of the 20 before,
  would seldom (1 %) fail so often in a row.
* *over*: there were so many good runs since the last failure, three at least, that the rate of then would
  seldom (2 %; 20 % where another version of the flow has come since) show none. The rate is (f - 1) / (n - 1)
  of the runs from the first failure to the last: Haldane's estimate for counting up to a failure.
* *now and then*: two failures with a good run between them, in eight runs or more, and at least 1 run of 100
  fails by the lower end of Wilson's interval (95 %). Fewer are too few.
They suppose that, as long as a rate holds, runs do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Literal, NamedTuple

STREAK = 3
FEW_RUNS = 8
FEW_FAILURES = 2
LEAST_RATE = 0.01
_BY_CHANCE = 0.01
_OVER = 0.02
_OVER_VERSION = 0.2
_OF_LATE = 20
_Z = 1.96

Kind = Literal["none", "broken", "now-and-then", "over", "too-few"]


class Verdict(NamedTuple):
    """`since`: the place of the first run in question. `runs` and `bad` count from there on, `streak` the bad
    runs at the end, `good_since` the good ones since the last bad one."""

    kind: Kind
    since: int = 0
    runs: int = 0
    bad: int = 0
    streak: int = 0
    good_since: int = 0

    @property
    def rate(self) -> float:
        return self.bad / self.runs if self.runs else 0.0


NONE = Verdict("none")


def judge(bad: Sequence[bool], versions: Sequence[str | None]) -> Verdict:
    """What became of a step in the runs in which it ran, oldest first, by the version of the flow."""
    failures = [place for place, failed in enumerate(bad) if failed]
    if not failures:
        return Verdict("none", runs=len(bad))
    first, last = failures[0], failures[-1]
    good_since = len(bad) - 1 - last
    streak = _streak(bad)
    counts = {"bad": len(failures), "runs": len(bad), "streak": streak, "good_since": good_since}
    if streak >= STREAK and _unlike(streak, bad[:-streak]):
        start = len(bad) - streak
        return Verdict("broken", since=start, runs=streak, bad=streak, streak=streak)
    if good_since >= STREAK and _is_over(
        first, last, len(failures), good_since, _new_version(versions, last)
    ):
        return Verdict("over", since=first, **counts)
    since = first if _began(first, last, len(failures)) else 0
    runs = len(bad) - since
    if len(failures) < FEW_FAILURES or runs < FEW_RUNS or wilson(len(failures), runs)[0] < LEAST_RATE:
        return Verdict("too-few", since=since, **counts)
    if failures == list(range(first, last + 1)):
        # One stretch: something was down for a while, and is not over for certain.
        return Verdict("too-few", since=since, **counts)
    return Verdict("now-and-then", since, runs, len(failures), streak, good_since)


def judge_spans(failed: Sequence[int], good: Sequence[int], versions: Sequence[str | None]) -> Verdict:
    """The same of a step that may run several times in a run, from how many of its spans failed and did not.
    It is broken where none of a run works; where some of each run fail, it fails now and then."""
    whole = judge([bad > 0 and not well for bad, well in zip(failed, good, strict=True)], versions)
    if whole.kind == "broken":
        return whole
    found = judge([bad > 0 for bad in failed], versions)
    if found.kind != "broken":
        return found
    enough = found.runs >= STREAK and sum(failed) + sum(good) >= 2 * FEW_RUNS
    return found._replace(kind="now-and-then" if enough else "too-few")


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion: it holds for few runs and for none or all of them too."""
    if count <= 0:
        return 0.0, 1.0
    rate, square = hits / count, _Z * _Z
    middle = (rate + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * sqrt(rate * (1 - rate) / count + square / (4 * count * count))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == count else min(1.0, middle + half)


def _streak(bad: Sequence[bool]) -> int:
    count = 0
    for failed in reversed(bad):
        if not failed:
            break
        count += 1
    return count


def _unlike(streak: int, before: Sequence[bool]) -> bool:
    """Whether failures as before, in all or of late, would seldom make such a streak; with nothing before,
    nothing else is known."""
    if not before:
        return True
    rate = max((sum(runs) + 0.5) / (len(runs) + 1) for runs in (before, before[-_OF_LATE:]))
    return float(rate) ** streak < _BY_CHANCE


def _is_over(first: int, last: int, failures: int, good_since: int, new_version: bool) -> bool:
    if failures < FEW_FAILURES:
        return False
    rate = (failures - 1) / (last - first)
    return float((1 - rate) ** good_since) <= (_OVER_VERSION if new_version else _OVER)


def _began(first: int, last: int, failures: int) -> bool:
    """Whether the runs before the first failure are too many for the rate since."""
    return failures >= FEW_FAILURES and float((1 - (failures - 1) / (last - first)) ** first) <= _OVER


def _new_version(versions: Sequence[str | None], last: int) -> bool:
    """Whether each run since the last failure is of another version than that."""
    of_then = versions[last]
    return of_then is not None and all(other not in (None, of_then) for other in versions[last + 1 :])
