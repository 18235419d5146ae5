"""Which of all readings is one that nothing contradicts?"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

from one_trace.assembler.choices import Choice, Choices
from one_trace.assembler.drive import Drive
from one_trace.assembler.executions import Execution
from one_trace.assembler.ground import Ground
from one_trace.assembler.script import Conflict

RUNS = 60


@dataclass
class Reading:
    executions: list[Execution]
    choices: list[Choice]
    reached: int
    conflict: str | None = None
    runs: int = 1
    drive: Drive | None = field(default=None, repr=False)


def read(ground: Ground, picks: tuple[int, ...]) -> Reading:
    choices = Choices(picks)
    drive = Drive(ground, choices)
    conflict = None
    try:
        drive.run()
    except Conflict as why:
        conflict = str(why)
    return Reading(drive.executions, choices.made, drive.script.cursor, conflict, drive=drive)


def search(ground: Ground) -> Reading:
    """The first reading without a conflict, else the one that came furthest."""
    best = read(ground, ())
    if best.conflict is None:
        return best
    numbers = itertools.count()
    heap = [(-best.reached, next(numbers), (), best)]
    runs = 1
    seen: set[tuple[int, ...]] = {()}
    while heap and runs < RUNS:
        _, _, picks, reading = heapq.heappop(heap)
        for trial in _otherwise(picks, reading):
            if trial in seen or runs >= RUNS:
                continue
            seen.add(trial)
            again = read(ground, trial)
            runs += 1
            if again.conflict is None:
                again.runs = runs
                return again
            if again.reached > best.reached:
                best = again
            heapq.heappush(heap, (-again.reached, next(numbers), trial, again))
            if again.reached > reading.reached:
                heapq.heappush(heap, (-reading.reached, next(numbers), picks, reading))
                break
    best.runs = runs
    return best


def _otherwise(picks: tuple[int, ...], reading: Reading) -> list[tuple[int, ...]]:
    made = [choice.picked for choice in reading.choices]
    trials = []
    for number in reversed(range(len(made))):
        choice = reading.choices[number]
        for option in range(len(choice.candidates)):
            if option != choice.picked:
                trials.append((*made[:number], option))
    return trials
