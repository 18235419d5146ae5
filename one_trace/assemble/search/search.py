"""Which of all readings is one that nothing contradicts?"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Iterator

from one_trace.assemble.ground.choices import Candidate, Key, Picks
from one_trace.assemble.ground.executions import lineage, outwards
from one_trace.assemble.ground.ground import ANY, EXACT, LINES, NEAR, Ground, Mode
from one_trace.assemble.reading.standing import Learned
from one_trace.assemble.search.exchange import exchanged
from one_trace.assemble.search.readings import Reading, read, read_once

MODES = (Mode(EXACT, at_once=True), Mode(EXACT), Mode(NEAR), Mode(NEAR, at_once=True), Mode(ANY))
"""What is likelier first."""
RUNS = 100
"""Runs of a record at most that come no further, until one is found that nothing contradicts."""
FURTHER = 2
"""So many times as many lines are replayed for the first reading as for all others."""
UNSETTLED = ("path", "parentSpanId", "iteration", "status", "durationMs", "attempts", "retries", "late")
"""What of a span may be otherwise where no reading was found that nothing contradicts."""


def find_reading(ground: Ground) -> Reading:
    """The first reading without a conflict, else the one that came furthest."""
    if ground.bare:
        return read_once(ground, {}, {}, lenient=True)
    try:
        best, reached = _best_of_modes(ground)
    except (ArithmeticError, RecursionError):  # numbers and depths in a flow file that no host has run
        ground.bare = True
        return read_once(ground, {}, {}, lenient=True)
    if best.conflict is None:
        if ground.facts.exact and best.mode.times != EXACT and best.choices:
            _doubt_from(best, reached)
        return best
    if best.whole and not best.choices:  # it is the state that is not of this run
        for each in best.blamed:
            if each.where.silent:
                each.doubt(*UNSETTLED)
        return best
    return _tolerate(ground, best)


def _best_of_modes(ground: Ground) -> tuple[Reading, int]:
    """The best reading, and the line that was come to where times have to be exact."""
    best: Reading | None = None
    reached = 0
    for mode in MODES:
        if ground.facts.exact and _is_in_vain(mode, best):
            break
        ground.mode = mode
        reading = _promptly(ground, _in_mode(ground, RUNS if mode.times != ANY else 1))
        if mode.times == EXACT:
            reached = max(reached, reading.reached[0])
        if best is None or reading.conflict is None or _is_nearer(ground, reading, best):
            best = reading
        if reading.conflict is None or ground.replayed > FURTHER * LINES:
            break
    assert best is not None
    return best, reached


def _promptly(ground: Ground, reading: Reading) -> Reading:
    """One in which no line is late, if there is one: then none is in any."""
    if not ground.facts.exact or reading.conflict is not None or reading.mode.times != EXACT:
        return reading
    loose, ground.mode = ground.mode, ground.mode._replace(prompt=True)
    again = solve(ground, {}, RUNS, {}, LINES) if reading.late else reading
    if again.conflict is None:
        return again
    ground.mode = loose
    return reading


def _is_nearer(ground: Ground, reading: Reading, best: Reading) -> bool:
    """It comes further, and not by taking times for others that are exact, where other choices may help."""
    by_times = ground.facts.exact and reading.mode.times != EXACT and best.choices
    return reading.reached > best.reached and not by_times


def _is_in_vain(mode: Mode, best: Reading | None) -> bool:
    """Where all times are exact, and it is not those that contradict, or durations would not matter."""
    if mode.times == EXACT or best is None or not best.choices:
        return False
    return best.whole or mode.times == ANY


def _in_mode(ground: Ground, most: int) -> Reading:
    """The best reading; where it does not go on after a step, the run may have been to stop there."""
    best = solve(ground, {}, most, {}, FURTHER * LINES - ground.replayed)
    if best.conflict is None or best.conflict.ended is None or ground.stop_after is not None:
        return best
    ground.mode = ground.mode._replace(stop_after=best.conflict.ended)
    stopped = solve(ground, {}, most, {}, FURTHER * LINES - ground.replayed)
    return stopped if stopped.reached > best.reached else best


def _tolerate(ground: Ground, best: Reading) -> Reading:
    """The reading that came furthest, and from there on what fits. Where it chose, all from there on may be
    otherwise; where nothing was to choose, the log or the flow files are not what they were."""
    ground.mode = best.mode
    again = best
    if not best.whole:
        again = read_once(ground, best.picks, best.learned, lenient=True)
        again.conflict, again.runs = best.conflict, best.runs
    if not best.choices:
        return again
    # Where it is the state that contradicts, any choice may be the one that is wrong.
    line = best.choices[0].key.at if best.whole else best.reached[0]
    _doubt_from(again, line, {each.path for each in best.blamed})
    return again


def _doubt_from(reading: Reading, line: int, blamed: Collection[str] = ()) -> None:
    """What ends from a line on, and the blamed with all in them, may be otherwise."""
    for each in reading.executions:
        if each.result is not None:
            each.doubt("outputBytes")
        after = each.lines[1] < 0 or each.lines[1] >= line
        if after or any(around.path in blamed for around in lineage(each)):
            each.doubt(*UNSETTLED)


def solve(
    ground: Ground, fixed: Picks, most: int, learned: Learned, lines: int = 0, *, widely: bool = True
) -> Reading:
    """Choices other than the `fixed` ones may be made otherwise, in `most` runs that come no further and
    replay no more than so many lines. `widely`: also those that none of the blamed had a part in."""
    best = read(ground, fixed, learned)
    numbers = itertools.count()
    heap = [(_order(best), False, next(numbers), best)]
    runs, gained, seen = 1, 0, {_as_set(fixed)}
    passed_over = False
    last = ground.replayed + lines
    while heap and runs < gained + most and ground.replayed < last and best.conflict is not None:
        _, far, _, reading = heapq.heappop(heap)
        for trial in _others(reading, fixed) if far else _blamed(reading, fixed):
            if runs >= gained + most or ground.replayed >= last:
                break
            if _as_set(trial) in seen:
                continue
            seen.add(_as_set(trial))
            again = read(ground, trial, reading.learned)
            runs += 1
            heapq.heappush(heap, (_order(again), False, next(numbers), again))
            if again.reached > best.reached or again.conflict is None:
                best, gained = again, runs
            if again.reached > reading.reached or again.conflict is None:
                heapq.heappush(heap, (_order(reading), far, next(numbers), reading))
                break
        else:
            if far or next(_others(reading, fixed), None) is None:
                continue
            if widely:
                heapq.heappush(heap, (_order(reading), True, next(numbers), reading))
            else:
                passed_over = True
    best.runs, best.is_last = runs, not (heap or passed_over)
    return best


def _as_set(picks: Picks) -> frozenset[tuple[Key, str]]:
    return frozenset(picks.items())


def _order(reading: Reading) -> tuple[int, int]:
    return -reading.reached[0], -reading.reached[1]


def _blamed(reading: Reading, fixed: Picks) -> Iterator[Picks]:
    """Two that are each other's are exchanged; then the choices that one of the blamed had a part in are made
    otherwise, the latest first. Made one by one: there may be many, of which few are tried."""
    for pair in reading.twins:
        for picks in exchanged(reading.choices, *pair):
            yield {**picks, **fixed}
    yield from _otherwise(reading, fixed, blamed=True)


def _others(reading: Reading, fixed: Picks) -> Iterator[Picks]:
    """The choices that none of the blamed had a part in."""
    return _otherwise(reading, fixed, blamed=False)


def _otherwise(reading: Reading, fixed: Picks, *, blamed: bool) -> Iterator[Picks]:
    numbers = {each.number for each in reading.blamed}
    around = {above.number for each in reading.blamed for above in outwards(each)}
    for index in range(len(reading.choices) - 1, -1, -1):
        choice = reading.choices[index]
        if choice.key in fixed:
            continue
        chosen_has_part = not numbers or _has_part(choice.chosen, numbers, around)
        before: Picks | None = None
        for option in range(len(choice.candidates) - 1, -1, -1):
            other = choice.candidates[option]
            if option == choice.picked or (chosen_has_part or _has_part(other, numbers, around)) != blamed:
                continue
            if before is None:
                before = {
                    each.key: each.chosen.label
                    for each in reading.choices[:index]
                    if each.picked or each.key in reading.picks
                }
            yield {**reading.picks, **before, choice.key: other.label}


def _has_part(candidate: Candidate, blamed: set[int], around: set[int]) -> bool:
    return candidate.of.number in around or any(inner.number in blamed for inner in lineage(candidate.of))
