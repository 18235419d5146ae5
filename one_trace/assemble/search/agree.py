"""What do all readings say that nothing contradicts? Where one of them says something else, that is not
certain."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.ground.choices import AT_ONCE, Candidate, Choice, Key, Picks
from one_trace.assemble.ground.executions import Execution, loud_around
from one_trace.assemble.ground.ground import EXACT, LINES, Ground
from one_trace.assemble.reading.expected import SURE
from one_trace.assemble.reading.standing import Learned
from one_trace.assemble.search.doubts import doubt_what_differs, is_belied, reported
from one_trace.assemble.search.exchange import Arms, arms, exchange, renamed
from one_trace.assemble.search.instead import MEETINGS, TRIALS, instead
from one_trace.assemble.search.readings import Reading
from one_trace.assemble.search.search import solve
from one_trace.assemble.search.union_find import UnionFind
from one_trace.assemble.search.within import (
    Covered,
    after,
    apart,
    behind,
    below,
    going_on,
    loud_blocks,
)
from one_trace.assemble.sizes.measured import Measured
from one_trace.assemble.sizes.views import Views

PLACES = ("iteration", "path", "parentSpanId")


def agree(ground: Ground, best: Reading) -> None:
    """Where another reading says something else, that is not certain. Where something contradicts this
    one, nothing is that it chose."""
    if best.choices and not ground.bare:
        _Agreement(ground, best).seek()


class _Agreement:
    """`before`: the choices up to the one that is looked at; `last`: up to how many lines may be replayed."""

    def __init__(self, ground: Ground, best: Reading) -> None:
        self._ground, self._best = ground, best
        near = ground.facts.exact and best.mode.times != EXACT  # where times are exact, that is not right
        self._stands, self._size = best.conflict is None and not near, ground.size
        self._last = ground.replayed + (LINES if self._stands else 0)
        self._below = below(best.executions)
        self._before: dict[Key, str] = {}
        self._exchanged: dict[Arms, int] = {}
        """Arms that may as well be each other's, and from which line on."""
        self._relabelled = UnionFind()
        """Arms that were each other's for good: which is which is but a name."""
        self._covered = Covered()
        self._began: dict[tuple[str, float], list[Execution]] = defaultdict(list)
        for each in best.executions:
            self._began[each.node.id, each.start].append(each)
        self._measured = Measured(ground.record)
        self._alike: set[tuple[str, float]] = set()
        """Steps and times of which any may be any."""
        self._unlooked: set[str] = set()
        self._standing: deque[Reading] = deque(maxlen=MEETINGS)
        """The last that stand as well."""

    def seek(self) -> None:
        by_result = _by_result(self._best.choices)
        for choice in self._best.choices:
            if choice.key.kind == "believed" and choice.chosen.label == "True":
                self._seek_owner(choice, by_result.get(_result_of(choice), ()))
                if choice.chosen.of.path in self._best.learned:
                    self._seek_alike(choice.chosen.of)
            for each in self._to_look_at(choice):
                trial = partial(self._otherwise, choice.key, each.label)
                self._look(choice.key.at, trial, (each.of, choice.chosen.of))
            self._before[choice.key] = choice.chosen.label
        self._doubt_guessed()
        self._share_doubts()
        self._doubt_together()

    @property
    def _is_spent(self) -> bool:
        """Too few lines are left of the budget to replay the log once more."""
        return self._last - self._ground.replayed < self._size

    def _to_look_at(self, choice: Choice) -> Iterator[Candidate]:
        """The candidates that may be as right: one of those that are each other's, and none that is the
        chosen one's."""
        if not self._stands:
            yield from choice.others
            return
        seen = [choice.chosen.of]
        for each in choice.as_good:
            if is_belied(self._ground, each.of, choice) or self._is_one_of(seen, each.of, choice.key.at):
                continue
            yield each
            if len(seen) <= TRIALS and not self._is_spent:
                seen.append(each.of)

    def _is_one_of(self, seen: list[Execution], of: Execution, at: int) -> bool:
        """Another reading in which the one is looked at is one of the other as well, by other names."""
        return bool(self._relabelled) and any(
            both is not None and renamed(one.path, *both) == of.path and self._relabelled.joined(*both)
            for one in seen
            if one is not of
            for both in (arms(one, of, at), arms(one, of))
        )

    def _doubt_together(self) -> None:
        """Of those alike of which some were over at once, none is certain where one is not."""
        alike: dict[tuple[int, Node], set[Execution]] = {}
        for choice in self._best.choices:
            if choice.key.kind == "over":
                alike.setdefault((choice.key.at, choice.chosen.of.node), set()).add(choice.chosen.of)
        for (_, node), found in alike.items():
            starts = {each.start for each in found}
            began = (self._began[node.id, start] for start in starts)
            group = [each for together in began for each in together if each.node is node]
            if any(_is_doubted(each, PLACES[:1]) for each in group):
                for each in group:
                    each.doubt(*PLACES[:1])

    def _otherwise(self, key: Key, label: str) -> Picks:
        """The choices up to one, that made otherwise; where it is whether something was over at once, others
        may have been. There may be many: they are put together where they are tried."""
        before = self._before
        if key.kind in AT_ONCE:
            before = {each: at for each, at in before.items() if (each.kind, each.at) != (key.kind, key.at)}
        return {**before, key: label}

    def _share_doubts(self) -> None:
        """What is not certain of one is not of what stands in its place where the two are exchanged."""
        paths = _Paths(self._best.executions if self._exchanged else [])
        pairs = [pair for both, line in self._exchanged.items() for pair in paths.pairs(both, line)]
        shared = True
        while shared:  # until nothing is news to any
            shared = False
            for one, other in pairs:
                both = _shared(one, other)
                for each in (each for each in (one, other) if both and not _is_doubted(each, both)):
                    shared = True
                    each.doubt(*both)

    def _doubt_guessed(self) -> None:
        """Blocks that began together, of which only guesses tell which ended when: what the state has of one
        would be the other's as well."""
        guessed: set[tuple[object, float]] = set()
        for choice in self._best.choices:
            if choice.key.kind == "believed":
                block = loud_around(choice.chosen.of)
                if block is not None and (block.expected is None or block.expected.level < SURE):
                    guessed.add((block.node, block.start))
        alike: dict[tuple[object, float], list[Execution]] = {}
        for each in self._best.executions if guessed else ():
            if not each.where.silent and (each.node, each.start) in guessed:
                alike.setdefault((each.node, each.start), []).append(each)
        for blocks in alike.values():
            if len({reported(each)[1:] for each in blocks}) > 1:
                for pair in itertools.pairwise(blocks):
                    for each in after(pair, pair[0].lines[0], self._below):
                        each.doubt("iteration")

    def _seek_owner(self, choice: Choice, others: Iterable[Choice]) -> None:
        """The result that a silent step is taken to have left may be another's, with all around the two that
        began with them."""
        of = choice.chosen.of
        alike = (other for other in others if _may_be_its(other.chosen.of, of))
        for number, other in enumerate(alike):
            pair = loud_blocks(other.chosen.of, of)
            if number >= 2 * MEETINGS:
                self._doubt(pair, choice.key.at)
                continue
            self._look(choice.key.at, partial(self._other_owner, choice.key, other.key), pair)

    def _other_owner(self, not_its: Key, its: Key) -> Picks:
        at = min(not_its.at, its.at)
        before = {key: label for key, label in self._before.items() if key.at < at}
        return {**before, not_its: "False", its: "True"}

    def _seek_alike(self, of: Execution) -> None:
        """What the state turned out to say of a silent step may be what another has left of which it says
        nothing."""
        best, node = self._best, of.node
        if self._is_spent:
            self._doubt_silent(node)
            return
        silent = (each for each in best.executions if each.node is node and each.result is None)
        alike = (loud_blocks(each, of) for each in silent if each is not of and _may_be_its(each, of))
        for number, pair in enumerate(alike):
            both = arms(*pair)
            if both is None:
                continue
            if number >= MEETINGS or self._is_spent:
                self._doubt(pair, max(0, pair[0].lines[0]))
                continue
            learned = {renamed(path, *both): result for path, result in best.learned.items()}
            picks = dict(exchange(choice, both) for choice in best.choices)
            self._compare(picks, learned, _names(pair))

    def _doubt_silent(self, node: Node) -> None:
        """Nobody has looked whose result any of them has left."""
        if node.id not in self._unlooked:
            self._unlooked.add(node.id)
            for each in self._best.executions:
                if each.node is node:
                    each.doubt(*PLACES[:1])

    def _doubt(self, pair: tuple[Execution, Execution], at: int) -> None:
        """Nobody has looked whether the one may be the other."""
        names = _names(pair)
        tops = self._uncovered(pair, at, names)
        for each in (inner for top in tops for inner in going_on(top, at, self._below)):
            each.doubt(*names)
        self._covered.add(tops, at, names)

    def _uncovered(
        self, pair: tuple[Execution, Execution], at: int, names: tuple[str, ...]
    ) -> list[Execution]:
        return [each for each in apart(pair, self._below) if not self._covered.has(each, at, names)]

    def _look(self, at: int, trial: Callable[[], Picks], pair: tuple[Execution, Execution]) -> None:
        """Whether the one may be the other, from line `at` on. What differs then is marked, and all that may
        if nobody has found out."""
        names, one = _names(pair), pair[0]
        spent = self._is_spent
        if one is pair[1]:
            tops = [one, *behind(one, self._below)]
            tops = [each for each in tops if not (spent and self._covered.has(each, at, names))]
            certain = [one, *(each for top in tops for each in going_on(top, at, self._below))]
        else:
            tops = self._uncovered(pair, at, names)
            inner = (each for top in tops for each in going_on(top, at, self._below))
            certain = [each for each in inner if not _is_doubted(each, names)]
        if certain and not spent and self._is_settled(at, trial(), pair, certain):
            return
        for each in certain:
            each.doubt(*names)
        self._covered.add(tops, at, names)
        if one is pair[1]:
            self._doubt_alike(one, names)

    def _is_settled(
        self, at: int, trial: Picks, pair: tuple[Execution, Execution], certain: list[Execution]
    ) -> bool:
        """Another reading was found, and what differs in it is marked; or there is none."""
        best, names = self._best, _names(pair)
        loud = [each for each in certain if not each.where.silent] or certain
        refuted = True
        others = 0
        for both, full, other in instead(self._ground, best, trial, pair):
            best.runs += other.runs
            if other.conflict is None:
                others += 1
                self._doubt_what_differs(other, names)
                self._standing.append(other)
                if both is not None:
                    self._exchanged.setdefault(both, at)
                    if full:
                        self._relabelled.join(*both)
                if full:
                    return True  # what else there is with one in the other's place is there without as well
                if pair[0] is pair[1]:
                    self._exchange_alike(pair[0], other, at, trial)
            if pair[0] is not pair[1] and any(_is_doubted(each, names) for each in loud):
                return True
            refuted = other.conflict is None or other.is_last
            if self._ground.replayed > self._last + LINES:
                return False
        if refuted and not others and pair[0] is not pair[1]:
            self._look_elsewhere(trial, pair)
        if others and pair[0] is pair[1] and (not refuted or list(trial)[-1].kind in AT_ONCE):
            self._doubt_alike(pair[0], names)
        return refuted

    def _look_elsewhere(self, trial: Picks, pair: tuple[Execution, Execution]) -> None:
        """What cannot be the one may, in another reading, be a third that goes on there in its place."""
        key = list(trial)[-1]
        for other in self._standing:
            here = next((index for index, choice in enumerate(other.choices) if choice.key == key), None)
            if here is None:
                continue
            before = {choice.key: choice.chosen.label for choice in other.choices[:here]}
            for each in other.choices[here].as_good:
                if each.label != trial[key] and not self._is_spent:
                    self._compare({**before, key: each.label}, self._best.learned, _names(pair))

    def _exchange_alike(self, one: Execution, other: Reading, at: int, trial: Picks) -> None:
        """Of those that began with it, another was over at once instead: what follows may be its own."""
        theirs = {each.path: each for each in other.executions if each.node is one.node}
        for each in self._began[one.node.id, one.start]:
            if each.node is one.node and each is not one:
                there, both = theirs.get(each.path), arms(one, each)
                if both is None or there is None or reported(there) == reported(each):
                    continue
                if both not in self._exchanged and not self._is_spent:
                    picks = {**dict(exchange(choice, both) for choice in self._best.choices), **trial}
                    self._compare(picks, self._best.learned, PLACES[:1])
                self._exchanged.setdefault(both, at)

    def _compare(self, picks: Picks, learned: Learned, names: tuple[str, ...]) -> None:
        """What differs in the reading with these choices, if nothing contradicts it, is not certain."""
        other = solve(self._ground, picks, 1, learned)
        if other.conflict is None:
            self._doubt_what_differs(other, names)

    def _doubt_what_differs(self, other: Reading, names: tuple[str, ...]) -> None:
        doubt_what_differs(self._best.executions, other.executions, names, self._went_in)

    def _went_in(self, each: Execution) -> int | None:
        if not self._measured.any:
            return None
        views = Views(self._ground.stored)
        found = self._measured.bytes_of(views.of(each))
        views.close()
        return found

    def _doubt_alike(self, one: Execution, names: tuple[str, ...]) -> None:
        """Any that began with it may be it, with all that goes on there."""
        if (one.node.id, one.start) in self._alike:
            return
        self._alike.add((one.node.id, one.start))
        for each in self._began[one.node.id, one.start]:
            if each is not one:
                for other in after((one, each), one.lines[0], self._below):
                    other.doubt(*names)


def _names(pair: tuple[Execution, Execution]) -> tuple[str, ...]:
    """What is not certain where it may be the one or the other."""
    return PLACES[:1] if pair[0].node is pair[1].node else PLACES


class _Paths:
    """Executions by their paths, in order."""

    def __init__(self, executions: list[Execution]) -> None:
        self._found = {each.path: each for each in executions}
        self._sorted = sorted(self._found)

    def pairs(self, both: Arms, line: int) -> Iterator[tuple[Execution, Execution]]:
        """What stands in the one, and in its place in the other, as far as both end after a line."""
        for path in itertools.islice(self._sorted, bisect_left(self._sorted, both[0]), None):
            if not path.startswith(both[0]):
                return
            one, other = self._found[path], self._found.get(renamed(path, *both))
            if other is None or other is one or any(0 <= each.lines[1] < line for each in (one, other)):
                continue
            yield one, other


def _may_be_its(one: Execution, other: Execution) -> bool:
    """What the one has left may be what the other is taken to have left: both ran at some time, or the one
    after the run was resumed."""
    return one.where.go > other.where.go or all(
        a.end is None or b.start <= a.end for a, b in ((one, other), (other, one))
    )


def _by_result(choices: list[Choice]) -> dict[object, list[Choice]]:
    """The silent ones whose result is not taken to be the one that stands where theirs would, by that."""
    found: dict[object, list[Choice]] = {}
    for choice in choices:
        if choice.key.kind == "believed" and choice.chosen.label == "False":
            found.setdefault(_result_of(choice), []).append(choice)
    return found


def _result_of(choice: Choice) -> object:
    expected = choice.chosen.of.expected
    known = expected is not None and expected.raw is not None
    return id(expected.raw) if known else choice.chosen.of.node


def _is_doubted(each: Execution, names: tuple[str, ...]) -> bool:
    return each.doubts is not None and each.doubts.issuperset(names)


def _shared(one: Execution, other: Execution) -> tuple[str, ...]:
    """What is not certain of one of two that stand in each other's place, and so of neither."""
    silent = one.where.silent or other.where.silent
    names = PLACES if silent else (*PLACES, "durationMs")
    return tuple(name for name in names if _is_doubted(one, (name,)) or _is_doubted(other, (name,)))
