"""Other readings, in which a choice is made otherwise: with what of the rest?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from one_trace.assemble.ground.choices import Choice, Key, Picks
from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.ground import LINES, Ground
from one_trace.assemble.search.exchange import Arms, arms, exchange, insides, may_exchange, renamed, scopes
from one_trace.assemble.search.readings import Reading
from one_trace.assemble.search.search import solve

MEETINGS = 3
"""So many of the choices at which two that were exchanged may be exchanged again are tried."""
SWAPS = 10, 1_500
"""Runs that come no further for each of the choices that may as well be made otherwise, and more where the
log is so short that they are of no more lines."""
SHARE = 4
"""What part of all lines that may be replayed one of them takes at most."""
TRIALS = 20
"""Where it is not this one: so many of the next are tried."""


def instead(
    ground: Ground, best: Reading, trial: Picks, pair: tuple[Execution, Execution]
) -> Iterator[tuple[Arms | None, bool, Reading]]:
    """Other readings, with these choices, and what is exchanged in them; the rest made anew at last."""
    if pair[0] is pair[1]:
        yield from ((None, False, other) for other in _one_by_one(ground, best, trial))
    for both, full, each in _rests(best, trial, pair):
        yield both, full, solve(ground, {**each, **trial}, 1, best.learned)
    both = arms(*pair)
    doubtful = [key for key in map(_believed, best.choices) if key is not None and _is_in(key, both)]
    if both is not None and doubtful:  # what the state has there may be of another, or of another go
        each = dict(exchange(choice, both) for choice in best.choices)
        picks = {**each, **trial, **dict.fromkeys(doubtful, "False")}
        yield both, False, solve(ground, picks, 1, best.learned)
    most = max(SWAPS[0], SWAPS[1] // max(1, len(ground.record.lines)))
    yield None, False, solve(ground, trial, most, best.learned, LINES // SHARE, widely=False)


def _believed(choice: Choice) -> Key | None:
    """Where a result is taken to be of what is silent."""
    return choice.key if choice.key.kind == "believed" and choice.chosen.label == "True" else None


def _is_in(key: Key, both: Arms | None) -> bool:
    return both is not None and renamed(str(key.which), *both) != key.which


def _one_by_one(ground: Ground, best: Reading, trial: Picks) -> Iterator[Reading]:
    """Where it is not this one, it may be the next, or the one after that."""
    rest = {choice.key: choice.chosen.label for choice in best.choices}
    last = list(trial)[-1]
    for _ in range(TRIALS):
        other = solve(ground, {**rest, **trial}, 1, best.learned)
        yield other
        if other.conflict is not None and last.kind == "over":
            yield solve(ground, trial, SWAPS[0], best.learned, LINES // SHARE, widely=False)
        alike = (choice for choice in other.choices if choice.key[:2] == last[:2] and choice.as_good)
        following = next((choice for choice in alike if choice.key not in trial), None)
        if following is None:
            return
        trial = {**trial, following.key: following.as_good[0].label}


def _rests(
    best: Reading, trial: Picks, pair: tuple[Execution, Execution]
) -> Iterator[tuple[Arms | None, bool, Picks]]:
    """The other choices, with the two exchanged: for good, or until they can be exchanged again; or as they
    are."""
    rest = {choice.key: choice.chosen.label for choice in best.choices}
    at = max(key.at for key in trial)
    after = [choice for choice in best.choices if choice.key not in trial]
    alike = [both for both in dict.fromkeys((arms(*pair, at), arms(*pair))) if both is not None]
    # Then what is narrower, the widest first; the two alone are exchanged in the trial itself.
    within = [*insides(*pair), *reversed(list(scopes(*pair))[1:])] if alike else []
    for both in dict.fromkeys((*alike, *within)):
        yield both, True, dict(exchange(choice, both) for choice in best.choices)
    for both in alike:
        until = (index for index, choice in enumerate(after) if may_exchange(choice, both))
        for index in itertools.islice(until, MEETINGS):
            yield both, False, rest | dict(exchange(choice, both) for choice in after[:index])
    yield None, False, rest
