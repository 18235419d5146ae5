"""Which of all readings is one that nothing contradicts, and what do all such readings say?"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from one_trace.assembler.choices import Choice, Choices, Key, Picks
from one_trace.assembler.doubts import close
from one_trace.assembler.drive import Drive
from one_trace.assembler.executions import Execution, duration_of, is_late, outwards
from one_trace.assembler.ground import ANY, EXACT, NEAR, Ground
from one_trace.assembler.script import Conflict
from one_trace.assembler.settle import Settling, Unlike
from one_trace.assembler.standing import Learned
from one_trace.engine.failures import StepFailure
from one_trace.model.trace import RunStatus

MODES = ((EXACT, False), (EXACT, True), (NEAR, False), (NEAR, True), (ANY, False))
"""How well times have to fit, and whether leaves that took no time were over in the turn in which they began;
what is likelier first."""
UNSETTLED = ("path", "parentSpanId", "iteration", "status", "durationMs", "attempts", "retries", "late")
ROUNDS = 3
BLAMED = 8
SILENT_MS = 15
"""How much longer or shorter a silent step may be than the lines around it."""
RUNS = 60
"""Runs of a record at most, until one is found that nothing contradicts."""
SWAPS = 8
"""The same for each of the choices that may as well be made otherwise."""
LINES = 40_000
"""Lines replayed at most for all such choices of a record, and to find a reading; a record is replayed once
in any case."""


@dataclass
class Reading:
    executions: list[Execution]
    choices: list[Choice]
    picks: Picks
    reached: tuple[int, int]
    conflict: str | None = None
    blamed: list[Execution] = field(default_factory=list)
    twins: list[tuple[Execution, Execution]] = field(default_factory=list)
    """Pairs of which one is, by the state, what the other is reported to be."""
    runs: int = 1
    learned: Learned = field(default_factory=dict)
    outcome: RunStatus | None = None
    failure: StepFailure | None = None
    """What ended the flow."""
    guessed: bool = False
    """Which silent step threw that is not known."""
    whole: bool = False
    """The log is as it should be, whatever the state is."""
    placed: int = 0
    """How many lines had to be placed by the flow files alone."""


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


def _read(ground: Ground, picks: Picks, learned: Learned, *, lenient: bool = False) -> Reading:
    choices = Choices(picks)
    drive = Drive(ground, choices, learned, lenient=lenient)
    reading = Reading([], choices.made, picks, (0, 0))
    try:
        drive.run()
    except Conflict as why:
        reading.conflict, reading.blamed = str(why), why.blamed
    reading.outcome = drive.outcome
    reading.failure = drive.failure
    reading.guessed = drive.failure in drive.at.notes.guessed
    reading.placed = drive.tolerant.placed
    state = ground.record.state
    unlike, reading.whole = 0, reading.conflict is None
    if reading.conflict is None and state is not None and state.context is not None:
        merging = any(each.node.type == "loop" and each.node.concurrency > 1 for each in drive.at.executions)
        settling = Settling(
            drive.at.notes.forced, merging, 0 if ground.times == EXACT and ground.facts.exact else SILENT_MS
        )
        settling.settle(drive.at.notes.kept, state.context.steps)
        unlike = len(settling.unlike)
        reading.learned = settling.learned
        if unlike:
            reading.conflict = settling.unlike[0].why
            reading.blamed = [each.of for each in settling.unlike if each.of is not None]
            reading.twins = list(_twins(settling.unlike, drive.at.executions))
    close(drive.at)
    reading.reached = (drive.at.script.cursor, -unlike)
    reading.executions = drive.at.executions
    reading.learned = {**learned, **reading.learned}
    return reading


def _twins(unlike: list[Unlike], executions: list[Execution]) -> Iterator[tuple[Execution, Execution]]:
    for each in unlike[:BLAMED]:
        if each.of is None or each.instead is None:
            continue
        for other in executions:
            if (
                other.node is each.of.node
                and other is not each.of
                and each.instead.status in (other.status, "failed")
                and duration_of(other) == each.instead.duration_ms
            ):
                yield each.of, other


def search(ground: Ground) -> Reading:
    """The first reading without a conflict, else the one that came furthest."""
    if ground.bare:
        return _read(ground, {}, {}, lenient=True)
    best: Reading | None = None
    for times, at_once in MODES:
        ground.times, ground.at_once = times, at_once
        try:
            reading = _solve(ground, {}, RUNS if times != ANY else 1, {})
        except (ArithmeticError, RecursionError):  # numbers and depths in a flow file that no host has run
            ground.bare = True
            return _read(ground, {}, {}, lenient=True)
        if best is None or reading.conflict is None or reading.reached > best.reached:
            best = reading
        if reading.conflict is None:
            _agree(ground, reading)
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
    again = _read(ground, best.picks, best.learned, lenient=True)
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


def _solve(ground: Ground, fixed: Picks, most: int, learned: Learned) -> Reading:
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
    trials = [picks for pair in reading.twins if (picks := _exchanged(reading, *pair)) is not None]
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


def _exchanged(reading: Reading, one: Execution, other: Execution) -> Picks | None:
    """All choices, with two of the same steps in each other's place."""
    arms = _arms(one, other)
    if arms is None:
        return None
    return {choice.key: _renamed(choice.chosen.label, *arms) for choice in reading.choices}


def _arms(one: Execution, other: Execution) -> tuple[str, str] | None:
    """The paths of the two, without what is the same at their ends."""
    first, second = one.path.split(" > "), other.path.split(" > ")
    while first and second and first[-1] == second[-1]:
        first.pop()
        second.pop()
    arms = " > ".join(first), " > ".join(second)
    return arms if all(arms) and arms[0] != arms[1] else None


def _renamed(label: str, one: str, other: str) -> str:
    for here, there in ((one, other), (other, one)):
        at = label.find(here)
        if at >= 0 and label[at + len(here) :][:3] in ("", " > "):
            return label[:at] + there + label[at + len(here) :]
    return label


def _agree(ground: Ground, best: Reading) -> None:
    """Where another reading says something else, that is not certain."""
    left, size = LINES, len(ground.record.lines)
    below = _below(best.executions)
    before: dict[Key, str] = {}
    for choice in best.choices:
        for option in range(choice.equal if choice.picked < choice.equal else 0):
            if option == choice.picked:
                continue
            pair = choice.candidates[option].of, choice.chosen.of
            alike = pair[0].node is pair[1].node
            names = ("iteration",) if alike else ("iteration", "path", "parentSpanId")
            concerned = [pair[0]] if pair[0] is pair[1] else _after(pair, choice.key.at, below)
            certain = [each for each in concerned if not _is_doubted(each, names)]
            if not certain:
                continue
            if left < size:
                for each in certain:
                    each.doubt(*names)
                continue
            trial = {**before, choice.key: choice.candidates[option].label}
            other = _instead(ground, best, trial, pair)
            left -= other.runs * size
            best.runs += other.runs
            if other.conflict is None:
                _doubt(best.executions, other.executions, names)
        before[choice.key] = choice.chosen.label


def _is_doubted(each: Execution, names: tuple[str, ...]) -> bool:
    return each.doubts is not None and each.doubts.issuperset(names)


def _below(executions: list[Execution]) -> dict[int, list[Execution]]:
    found: dict[int, list[Execution]] = {}
    for each in executions:
        if each.where.above is not None:
            found.setdefault(each.where.above.number, []).append(each)
    return found


def _after(
    pair: tuple[Execution, Execution], at: int, below: dict[int, list[Execution]]
) -> Iterator[Execution]:
    """What goes on after a line in what the two do not share: it may be the other's."""
    around = [[each, *outwards(each)] for each in pair]
    shared = {each.number for each in around[0]} & {each.number for each in around[1]}
    for inner in around:
        tops = [each for each in inner if each.number not in shared]
        todo = tops[-1:]
        turn = tops[-1].where.iteration if tops else None
        if turn is not None and tops[-1].where.above is not None:
            beside = below[tops[-1].where.above.number]
            todo = [each for each in beside if each.where.iteration == turn]
        while todo:
            each = todo.pop()
            if each.lines[1] < 0 or each.lines[1] >= at:
                yield each
            todo += below.get(each.number, ())


def _instead(ground: Ground, best: Reading, trial: Picks, pair: tuple[Execution, Execution]) -> Reading:
    """Another reading, with these choices: the rest with the two exchanged, or as it is, or anew."""
    rest = {choice.key: choice.chosen.label for choice in best.choices}
    arms = _arms(*pair)
    tries = [{**rest, **trial}, trial]
    if arms is not None:
        tries.insert(0, {**{key: _renamed(label, *arms) for key, label in rest.items()}, **trial})
    other, runs = best, 0
    for each in tries:
        other = _solve(ground, each, SWAPS if each is trial else 1, best.learned)
        runs += other.runs
        if other.conflict is None:
            break
    other.runs = runs
    return other


def _doubt(ours: list[Execution], others: list[Execution], names: tuple[str, ...]) -> None:
    theirs: dict[str, list[Execution]] = {}
    for each in others:
        theirs.setdefault(each.path, []).append(each)
    for each in ours:
        alike = theirs.get(each.path)
        other = alike.pop(0) if alike else None
        if other is None or _reported(each) != _reported(other):
            each.doubt(*names)
        elif _output(each) != _output(other):
            each.doubt("outputBytes")


def _reported(each: Execution) -> tuple[object, ...]:
    when = None if each.where.silent else each.start
    return (
        when,
        each.end if when is not None else None,
        duration_of(each),
        each.status,
        each.attempts,
        is_late(each),
    )


def _output(each: Execution) -> bytes | None:
    return bytes(each.result.output) if each.result is not None else None
