"""Which of all readings is one that nothing contradicts, and what do all such readings say?"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

from one_trace.assembler.choices import Choice, Choices
from one_trace.assembler.drive import Drive, Learned
from one_trace.assembler.executions import Execution, outwards
from one_trace.assembler.ground import Ground
from one_trace.assembler.script import Conflict
from one_trace.assembler.settle import Settling
from one_trace.model.trace import RunStatus

Picks = tuple[int, ...]
ROUNDS = 3
RUNS = 60
"""Runs of a record at most, until one is found that nothing contradicts."""
SWAPS = 8
"""The same for each of the choices that may as well be made otherwise."""
LINES = 40_000
"""Lines replayed at most for all such choices of a record; each is replayed once more in any case."""


@dataclass
class Reading:
    executions: list[Execution]
    choices: list[Choice]
    picks: Picks
    reached: tuple[int, int]
    conflict: str | None = None
    blamed: list[Execution] = field(default_factory=list)
    runs: int = 1
    learned: Learned = field(default_factory=dict)
    outcome: RunStatus | None = None


def read(ground: Ground, picks: Picks, learned: Learned) -> Reading:
    """A reading; once more where the state tells in the end how long something silent took."""
    reading = _read(ground, picks, learned)
    for _ in range(ROUNDS):
        known = reading.learned
        if all(known.get(path) == learned.get(path) for path in known):
            break
        learned = {**learned, **known}
        again = _read(ground, picks, learned)
        if again.reached < reading.reached:
            break
        reading = again
    return reading


def _read(ground: Ground, picks: Picks, learned: Learned) -> Reading:
    choices = Choices(picks)
    drive = Drive(ground, choices, learned)
    reading = Reading([], choices.made, picks, (0, 0))
    try:
        drive.run()
    except Conflict as why:
        reading.conflict, reading.blamed = str(why), why.blamed
    reading.outcome = drive.outcome
    state = ground.record.state
    unlike = 0
    if reading.conflict is None and state is not None and state.context is not None:
        settling = Settling(drive.forced, drive.script.slack)
        settling.settle(drive.kept, state.context.steps)
        unlike = len(settling.unlike)
        reading.learned = settling.learned
        if unlike:
            reading.conflict = settling.unlike[0].why
            reading.blamed = [each.of for each in settling.unlike if each.of is not None]
    drive.close()
    reading.reached = (drive.script.cursor, -unlike)
    reading.executions = drive.executions
    reading.learned = {**learned, **reading.learned}
    return reading


def search(ground: Ground) -> Reading:
    """The first reading without a conflict, else the one that came furthest."""
    best = _solve(ground, (), RUNS, {})
    if best.conflict is None:
        _agree(ground, best)
    return best


def _solve(ground: Ground, fixed: Picks, most: int, learned: Learned) -> Reading:
    """Choices after the `fixed` ones may be made otherwise."""
    best = read(ground, fixed, learned)
    numbers = itertools.count()
    heap = [(_order(best), next(numbers), best)]
    runs, seen = 1, {fixed}
    while heap and runs < most and best.conflict is not None:
        _, _, reading = heapq.heappop(heap)
        for trial in _otherwise(reading, len(fixed)):
            if trial in seen or runs >= most:
                continue
            seen.add(trial)
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


def _order(reading: Reading) -> tuple[int, int]:
    return -reading.reached[0], -reading.reached[1]


def _otherwise(reading: Reading, fixed: int) -> list[Picks]:
    """The choices that one of the blamed had a part in come first, then the latest."""
    made = [choice.picked for choice in reading.choices]
    blamed = {each.number for each in reading.blamed}
    around = {above.number for each in reading.blamed for above in outwards(each)}
    trials: list[tuple[bool, Picks]] = []
    for number in reversed(range(fixed, len(made))):
        choice = reading.choices[number]
        part = any(
            each.number in blamed or each.number in around or any(above.number in blamed for above in outwards(each))
            for each in choice.among
        )
        for option in range(len(choice.candidates)):
            if option != choice.picked:
                trials.append((not part, (*made[:number], option)))
    if blamed:
        trials.sort(key=lambda each: each[0])
    return [picks for _, picks in trials]


def _agree(ground: Ground, best: Reading) -> None:
    """Where another reading says something else, that is not certain."""
    made = tuple(choice.picked for choice in best.choices)
    left = LINES + len(ground.record.lines)
    for number, choice in enumerate(best.choices):
        for option in range(choice.equal if choice.picked < choice.equal else 0):
            if option == choice.picked:
                continue
            pair = choice.among[option], choice.among[choice.picked]
            if all(each.doubts and "iteration" in each.doubts for each in pair):
                continue
            if left <= 0:
                for each in pair:
                    each.doubt("iteration")
                continue
            other = _solve(ground, (*made[:number], option), SWAPS, best.learned)
            best.runs += other.runs
            left -= other.runs * len(ground.record.lines)
            if other.conflict is None:
                _doubt(best.executions, other.executions)


def _doubt(ours: list[Execution], others: list[Execution]) -> None:
    theirs: dict[str, list[Execution]] = {}
    for each in others:
        theirs.setdefault(each.path, []).append(each)
    for each in ours:
        alike = theirs.get(each.path)
        other = alike.pop(0) if alike else None
        if other is None or _told(each) != _told(other):
            each.doubt("iteration")


def _told(each: Execution) -> tuple[object, ...]:
    start = None if each.where.silent else each.start
    return each.lines, start, each.status, each.attempts
