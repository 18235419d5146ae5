"""Which line may end what which line has begun, by times alone: each end of a step has a start of its own.

A step's own clock starts after its first line is written and before the next line is, and stops before the
line of its end is written (`Clocks`). So the starts that an end may be of lie side by side, and whether all
ends find one can be told for a log as a whole (F. Glover, 1967: matching in a convex bipartite graph). A
reading that gives a start to an end by which another end is left without one is wrong, long before the log
gets there (`Pairing`).
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from one_trace.assemble.flowtree.tree import LEAVES
from one_trace.assemble.ground.facts import Facts
from one_trace.assemble.ground.script import FINAL, Lines
from one_trace.record.log import LogLine

MOST = 2_000
"""So many starts are looked at to find others for the ends that lost theirs; then nothing is ruled out."""


class Paired(Struct, frozen=True, eq=False):
    """The starts and ends of one step in the lines of a log. `ranks`: the number of each start, by line;
    `between`: the starts that an end may be of, from the first to before the last, by the line of the end;
    `start_of`: one start for each end that suits all."""

    ranks: dict[int, int]
    between: dict[int, tuple[int, int]]
    start_of: dict[int, int]


class Clocks:
    """What the steps' own clocks tell in a log as a whole."""

    def __init__(self, facts: Facts, lines: Lines) -> None:
        self._facts, self._lines = facts, lines
        self._paired: dict[str, Paired | None] = {}

    def delay(self, line: LogLine, *, leaf: bool) -> float:
        """How much later than a step's own clock stopped the line of its end may be written, in ms. What ends
        in the tick in which it began, and what ends with all that runs in it, may wait until the thread has
        done all that is to be done then; what has waited for the world is written at once."""
        if self._facts.exact:
            return 0.0
        least, busy = self._delays.get(id(line), (0.0, 0.0))
        return max(1.0, least, busy if not leaf or (line.duration_ms or 0) <= busy else 0.0)

    @cached_property
    def _delays(self) -> dict[int, tuple[float, float]]:
        """By the id of each line with a duration: how late it is at least, whichever start was its own; and
        how long the thread may have been busy before it."""
        found: dict[int, tuple[float, float]] = {}
        begun: dict[str | None, list[int]] = {}
        lines = self._facts.lines
        for index, line in enumerate(lines):
            if line.event == "step:start":
                begun.setdefault(line.step_id, []).append(index)
            elif line.duration_ms is not None:
                began, starts = line.at - line.duration_ms, begun.get(line.step_id, [])
                before = bisect_right(starts, began, key=lambda each: lines[each].at)
                least = began - lines[starts[before - 1] + 1].at if before else 0
                found[id(line)] = max(0.0, least), self._facts.busy_ms(index)
        return found

    def paired(self, step_id: str) -> Paired | None:
        """None where one runs after another, or where an end has no start: lines are missing, or times are
        not what they were."""
        if step_id not in self._lines.concurrent:
            return None
        if step_id not in self._paired:
            self._paired[step_id] = None if self._says_which(step_id) else self._pair(step_id)
        return self._paired[step_id]

    def _says_which(self, step_id: str) -> bool:
        """Whether each end says by its time of which starts it may be."""
        lines = self._facts.lines
        ends = (lines[index] for index in self._lines.ends[step_id] if lines[index].event in FINAL)
        return self._facts.exact and all(line.duration_ms is not None for line in ends)

    def _pair(self, step_id: str) -> Paired | None:
        lines, starts = self._facts.lines, self._lines.starts[step_id]
        soonest = [lines[index].at for index in starts]
        latest = soonest
        if not self._facts.exact:
            latest = [lines[min(index + 1, len(lines) - 1)].at for index in starts]
        leaf = lines[starts[0]].type in LEAVES
        between: dict[int, tuple[int, int]] = {}
        for end in self._lines.ends[step_id]:
            line = lines[end]
            if line.event == "step:complete" and line.duration_ms is not None:
                began = line.at - line.duration_ms
                last = min(bisect_right(soonest, began), bisect_left(starts, end))
                between[end] = bisect_left(latest, began - self.delay(line, leaf=leaf)), last
        start_of = _matched(between)
        if start_of is None:
            return None
        return Paired({index: rank for rank, index in enumerate(starts)}, between, start_of)


def _matched(between: dict[int, tuple[int, int]]) -> dict[int, int] | None:
    """A start for each end: of those that a start suits, it goes to the one with the fewest left."""
    waiting: list[tuple[int, int]] = []
    coming = sorted(((first, last, end) for end, (first, last) in between.items()), reverse=True)
    found: dict[int, int] = {}
    rank = 0
    while coming or waiting:
        rank = rank if waiting else max(rank, coming[-1][0])
        while coming and coming[-1][0] <= rank:
            _, last, end = coming.pop()
            heapq.heappush(waiting, (last, end))
        last, end = heapq.heappop(waiting)
        if last <= rank:
            return None
        found[end] = rank
        rank += 1
    return found


class Pairings:
    """Those of a reading. `clocks`: None where ends may come as late as they like, and nothing is ruled
    out."""

    def __init__(self, clocks: Clocks | None) -> None:
        self._clocks = clocks
        self._of: dict[str, Pairing | None] = {}

    def of(self, step_id: str) -> Pairing | None:
        if step_id not in self._of:
            known = self._clocks.paired(step_id) if self._clocks is not None else None
            self._of[step_id] = Pairing(known) if known is not None else None
        return self._of[step_id]

    def may_end(self, step_id: str, start: int, end: int) -> bool:
        pairing = self.of(step_id)
        return pairing is None or pairing.may_end(start, end)


class Pairing:
    """In a reading, of one step: what has ended, and a start for each end that comes yet."""

    __slots__ = ("_end_of", "_ended", "_given_up", "_known", "_start_of")

    def __init__(self, known: Paired) -> None:
        self._known = known
        self._start_of = dict(known.start_of)
        self._end_of = {rank: end for end, rank in known.start_of.items()}
        self._ended: set[int] = set()
        self._given_up = False

    def may_end(self, start: int, end: int) -> bool:
        """Whether line `end` may be of what line `start` has begun, so that all others have a start yet."""
        return self._moves(start, end) is not None

    def take(self, start: int, end: int) -> bool:
        """It is. False if it cannot be."""
        moves = self._moves(start, end)
        rank = self._known.ranks.get(start)
        if moves is None or rank is None:
            return moves is not None
        given = self._start_of.pop(end, None)
        if given is not None:
            del self._end_of[given]
        for other, to in moves:
            self._start_of[other], self._end_of[to] = to, other
        if given != rank:
            self._end_of.pop(rank, None)
        self._ended.add(rank)
        return True

    def _moves(self, start: int, end: int) -> list[tuple[int, int]] | None:
        """The ends that get other starts then, each with its new one."""
        rank, given = self._known.ranks.get(start, -1), self._start_of.get(end)
        bereft = self._end_of.get(rank)
        if rank == given or bereft is None or self._given_up:
            return []
        between, found = self._known.between, {rank: end}
        first, last = between[bereft]
        if given is not None and first <= given < last:  # they change places
            return [(bereft, given)]
        coming = [bereft]
        looked = 0
        for other in coming:
            first, last = between[other]
            looked += last - first
            if looked > MOST:
                self._given_up = True
                return []
            for each in range(first, last):
                if each in found or each in self._ended:
                    continue
                found[each] = other
                if each != given and each in self._end_of:
                    coming.append(self._end_of[each])
                else:
                    return list(self._back(each, bereft, found))
        return None

    def _back(self, free: int, bereft: int, found: dict[int, int]) -> Iterator[tuple[int, int]]:
        """The way to a start that is free, from there on."""
        while (end := found[free]) != bereft:
            yield end, free
            free = self._start_of[end]
        yield end, free
