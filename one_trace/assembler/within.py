"""What runs in what, and what goes on there after a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from one_trace.assembler.executions import Execution, outwards

ALL = -1
"""Of all iterations."""
Below: TypeAlias = dict[tuple[int, int | None], list[Execution]]
"""What runs in an execution, by its number and the iteration."""


def below(executions: list[Execution]) -> Below:
    found: Below = defaultdict(list)
    for each in executions:
        if each.where.above is not None:
            found[each.where.above.number, each.where.iteration].append(each)
            if each.where.iteration is not None:
                found[each.where.above.number, ALL].append(each)
    return found


def inside(each: Execution, below: Below) -> list[Execution]:
    return [*below.get((each.number, None), ()), *below.get((each.number, ALL), ())]


def after(pair: tuple[Execution, Execution], at: int, below: Below) -> Iterator[Execution]:
    """What goes on after a line in what the two do not share: it may be the other's."""
    around = [[each, *outwards(each)] for each in pair]
    shared = {each.number for each in around[0]} & {each.number for each in around[1]}
    for inner in around:
        tops = [each for each in inner if each.number not in shared]
        beside = [tops[-1]] if tops else inside(inner[0], below)  # one is around the other
        for each in beside:
            yield from going_on(each, at, below)


def behind(one: Execution, below: Below) -> list[Execution]:
    """What came after it in its list."""
    if one.where.above is None:
        return []
    beside = below.get((one.where.above.number, one.where.iteration), ())
    return [
        each
        for each in beside
        if each.where.attempt == one.where.attempt
        and (each.where.index or 0) > (one.where.index or 0)
        and (one.end is None or each.start >= one.end)
    ]


def going_on(top: Execution, at: int, below: Below) -> Iterator[Execution]:
    """It, or all of its iteration and of those that come one after another behind it, as far as it ends after
    a line."""
    todo, where = [top], top.where
    if where.iteration is not None and where.above is not None:
        node = where.above.node
        one_by_one = node.type == "while" or (node.type == "loop" and node.concurrency == 1)
        todo = [
            each
            for each in below.get((where.above.number, ALL if one_by_one else where.iteration), ())
            if each.where.attempt == where.attempt and (each.where.iteration or 0) >= where.iteration
        ]
    while todo:
        each = todo.pop()
        if each.lines[1] < 0 or each.lines[1] >= at:
            yield each
        todo += inside(each, below)


def loud_blocks(one: Execution, other: Execution) -> tuple[Execution, Execution]:
    """What has events around the two, where that is of one step as well."""
    around = [loud_around(one) or one, loud_around(other) or other]
    apart = around[0] is not around[1] and around[0].node is around[1].node
    return (around[0], around[1]) if apart else (one, other)


def loud_around(silent: Execution) -> Execution | None:
    """The innermost around it that has events."""
    return next((each for each in outwards(silent) if not each.where.silent), None)
