"""What runs in what, and what goes on there after a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from one_trace.assemble.ground.executions import Execution, lineage, loud_around

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
    for top in apart(pair, below):
        yield from going_on(top, at, below)


def apart(pair: tuple[Execution, Execution], below: Below) -> Iterator[Execution]:
    """The outermost that the two do not share."""
    around = [list(lineage(each)) for each in pair]
    shared = {each.number for each in around[0]} & {each.number for each in around[1]}
    for inner in around:
        tops = [each for each in inner if each.number not in shared]
        yield from [tops[-1]] if tops else inside(inner[0], below)  # one is around the other


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
        todo = [
            each
            for each in below.get((where.above.number, ALL if _one_by_one(top) else where.iteration), ())
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


def _one_by_one(top: Execution) -> bool:
    node = top.where.above.node if top.where.above is not None else None
    return node is not None and (node.type == "while" or (node.type == "loop" and node.concurrency == 1))


class Covered:
    """Where all that goes on after a line is known to be uncertain: it need not be looked through again."""

    def __init__(self) -> None:
        self._since: dict[tuple[object, ...], tuple[int, int]] = {}

    def add(self, tops: list[Execution], at: int, names: tuple[str, ...]) -> None:
        for top in tops:
            reach, first = _reach(top)
            self._since.setdefault((*reach, names), (first, at))

    def has(self, top: Execution, at: int, names: tuple[str, ...]) -> bool:
        reach, first = _reach(top)
        since = self._since.get((*reach, names))
        return since is not None and since[0] <= first and since[1] <= at


def _reach(top: Execution) -> tuple[tuple[int | None, ...], int]:
    """What `going_on` goes through: itself, its iteration, or all iterations from the one returned on."""
    where = top.where
    if where.iteration is None or where.above is None:
        return (top.number,), 0
    if _one_by_one(top):
        return (where.above.number, where.attempt), where.iteration
    return (where.above.number, where.attempt, where.iteration), 0
