"""Which of all readings is one that nothing contradicts?"""

from __future__ import annotations

import heapq
import itertools

from one_trace.assembler.choices import Key, Picks
from one_trace.assembler.executions import Execution, outwards
from one_trace.assembler.ground import ANY, EXACT, NEAR, Ground, Mode
from one_trace.assembler.readings import Reading, read, read_once
from one_trace.assembler.standing import Learned

MODES = (Mode(EXACT), Mode(EXACT, at_once=True), Mode(NEAR), Mode(NEAR, at_once=True), Mode(ANY))
"""What is likelier first."""
UNSETTLED = ("path", "parentSpanId", "iteration", "status", "durationMs", "attempts", "retries", "late")
RUNS = 60
"""Runs of a record at most, until one is found that nothing contradicts."""
LINES = 40_000
"""Lines replayed at most for all such choices of a record, and to find a reading; a record is replayed once
in any case."""


def search(ground: Ground) -> Reading:
    """The first reading without a conflict, else the one that came furthest."""
    if ground.bare:
        return read_once(ground, {}, {}, lenient=True)
    best: Reading | None = None
    for mode in MODES:
        ground.mode = mode
        try:
            reading = solve(ground, {}, RUNS if mode.times != ANY else 1, {})
        except (ArithmeticError, RecursionError):  # numbers and depths in a flow file that no host has run
            ground.bare = True
            return read_once(ground, {}, {}, lenient=True)
        if best is None or reading.conflict is None or reading.reached > best.reached:
            best = reading
        if reading.conflict is None:
            break
    assert best is not None
    if best.conflict is None:
        return best
    if best.whole and not best.choices:
        for each in best.blamed:
            each.doubt(*UNSETTLED)
        return best
    return _tolerate(ground, best)


def _tolerate(ground: Ground, best: Reading) -> Reading:
    """The reading that came furthest, and from there on what fits. All from there on may be otherwise."""
    again = read_once(ground, best.picks, best.learned, lenient=True)
    again.conflict, again.runs, again.whole = best.conflict, best.runs, best.whole
    blamed = {each.path for each in best.blamed}
    for each in again.executions:
        if each.path in blamed or any(above.path in blamed for above in outwards(each)):
            each.doubt(*UNSETTLED)
    for each in again.executions:
        if each.lines[1] < 0 or each.lines[1] >= best.reached[0]:
            each.doubt(*UNSETTLED)
    for choice in again.choices:
        for candidate in choice.candidates[: choice.equal] if choice.equal > 1 else ():
            candidate.of.doubt(*UNSETTLED)
    return again


def solve(ground: Ground, fixed: Picks, most: int, learned: Learned) -> Reading:
    """Choices other than the `fixed` ones may be made otherwise."""
    best = read(ground, fixed, learned)
    numbers = itertools.count()
    heap = [(_order(best), next(numbers), best)]
    runs, seen = 1, {_as_set(fixed)}
    most = min(most, 1 + LINES // max(1, len(ground.record.lines)))
    while heap and runs < most and best.conflict is not None:
        _, _, reading = heapq.heappop(heap)
        for trial in _otherwise(reading, fixed):
            if _as_set(trial) in seen or runs >= most:
                continue
            seen.add(_as_set(trial))
            again = read(ground, trial, reading.learned)
            runs += 1
            heapq.heappush(heap, (_order(again), next(numbers), again))
            if again.reached > best.reached or again.conflict is None:
                best = again
            if again.reached > reading.reached or again.conflict is None:
                heapq.heappush(heap, (_order(reading), next(numbers), reading))
                break
    best.runs = runs
    return best


def _as_set(picks: Picks) -> frozenset[tuple[Key, str]]:
    return frozenset(picks.items())


def _order(reading: Reading) -> tuple[int, int]:
    return -reading.reached[0], -reading.reached[1]


def _otherwise(reading: Reading, fixed: Picks) -> list[Picks]:
    """Two that are each other's are exchanged; then the choices that one of the blamed had a part in are made
    otherwise, then the others; the latest first."""
    trials = [picks for pair in reading.twins if (picks := exchanged(reading, *pair)) is not None]
    blamed = {each.number for each in reading.blamed}
    around = {above.number for each in reading.blamed for above in outwards(each)}
    others: list[tuple[bool, Picks]] = []
    before: dict[Key, str] = {}
    for choice in reading.choices:
        if choice.key not in fixed:
            part = any(
                each.of.number in blamed
                or each.of.number in around
                or any(above.number in blamed for above in outwards(each.of))
                for each in choice.candidates
            )
            for option, each in enumerate(choice.candidates):
                if option != choice.picked:
                    others.append((not part, {**reading.picks, **before, choice.key: each.label}))
        if choice.picked or choice.key in reading.picks:
            before[choice.key] = choice.chosen.label
    others.reverse()
    if blamed:
        others.sort(key=lambda each: each[0])
    return [*trials, *(picks for _, picks in others)]


def exchanged(reading: Reading, one: Execution, other: Execution) -> Picks | None:
    """All choices, with two of the same steps in each other's place."""
    both = arms(one, other)
    if both is None:
        return None
    return {choice.key: renamed(choice.chosen.label, *both) for choice in reading.choices}


def arms(one: Execution, other: Execution) -> tuple[str, str] | None:
    """The paths of the two, without what is the same at their ends."""
    first, second = one.path.split(" > "), other.path.split(" > ")
    while first and second and first[-1] == second[-1]:
        first.pop()
        second.pop()
    arms = " > ".join(first), " > ".join(second)
    return arms if all(arms) and arms[0] != arms[1] else None


def renamed(label: str, one: str, other: str) -> str:
    for here, there in ((one, other), (other, one)):
        at = label.find(here)
        if at >= 0 and label[at + len(here) :][:3] in ("", " > "):
            return label[:at] + there + label[at + len(here) :]
    return label
