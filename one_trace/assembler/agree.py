"""What do all readings say that nothing contradicts? Where one of them says something else, that is not
certain."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.assembler.choices import Key, Picks
from one_trace.assembler.executions import Execution, duration_of, is_late, outwards
from one_trace.assembler.ground import Ground
from one_trace.assembler.readings import Reading
from one_trace.assembler.search import LINES, arms, renamed, solve

SWAPS = 8
"""Runs for each of the choices that may as well be made otherwise."""


def agree(ground: Ground, best: Reading) -> None:
    """Where another reading says something else, that is not certain."""
    if best.conflict is not None or ground.bare:
        return
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
    both = arms(*pair)
    tries = [{**rest, **trial}, trial]
    if both is not None:
        tries.insert(0, {**{key: renamed(label, *both) for key, label in rest.items()}, **trial})
    other, runs = best, 0
    for each in tries:
        other = solve(ground, each, SWAPS if each is trial else 1, best.learned)
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
