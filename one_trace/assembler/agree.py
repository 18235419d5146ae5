"""What do all readings say that nothing contradicts? Where one of them says something else, that is not
certain."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from one_trace.assemble.sizes.measured import Measured
from one_trace.assembler.choices import AT_ONCE, Candidate, Choice, Key, Picks
from one_trace.assembler.classes import Classes
from one_trace.assembler.doubts import doubt_what_differs, reported
from one_trace.assembler.executions import Execution
from one_trace.assembler.expected import SURE, UNLIKELY
from one_trace.assembler.ground import EXACT, LINES, Ground
from one_trace.assembler.readings import Reading
from one_trace.assembler.search import arms, exchange, may_exchange, renamed, solve
from one_trace.assembler.views import Views
from one_trace.assembler.within import after, behind, below, going_on, loud_around, loud_blocks

MEETINGS = 3
"""So many of the choices at which two that were exchanged may be exchanged again are tried."""
SWAPS = 20, 4_000
"""Runs that come no further for each of the choices that may as well be made otherwise, and more where the
log is so short that they are of no more lines."""
SHARE = 4
"""What part of all lines that may be replayed one of them takes at most."""
TRIALS = 20
"""Where it is not this one: so many of the next are tried."""
PLACES = ("iteration", "path", "parentSpanId")
Arms: TypeAlias = tuple[str, str]


def agree(ground: Ground, best: Reading) -> None:
    """Where another reading says something else, that is not certain. Where something contradicts this
    one, nothing is that it chose."""
    if best.choices and not ground.bare:
        _Agreement(ground, best).seek()


class _Agreement:
    """`before`: the choices up to the one that is looked at; `left`: how many lines may be replayed yet."""

    def __init__(self, ground: Ground, best: Reading) -> None:
        self._ground, self._best = ground, best
        near = ground.facts.exact and best.mode.times != EXACT  # where times are exact, that is not right
        self._stands, self._size = best.conflict is None and not near, len(ground.record.lines)
        self._left = LINES if self._stands else 0
        self._below = below(best.executions)
        self._before: dict[Key, str] = {}
        self._exchanged: dict[Arms, int] = {}
        """Arms that may as well be each other's, and from which line on."""
        self._relabelled = Classes()
        """Arms that were each other's for good: which is which is but a name."""
        self._measured = Measured(ground.record)
        self._alike: set[tuple[str, float]] = set()
        """Steps and times of which any may be any."""

    def seek(self) -> None:
        by_result = _by_result(self._best.choices)
        for choice in self._best.choices:
            if choice.key.kind == "believed" and choice.chosen.label == "True":
                self._seek_owner(choice, by_result.get(_result_of(choice), ()))
                if choice.chosen.of.path in self._best.learned:
                    self._seek_alike(choice.chosen.of)
            for each in self._to_look_at(choice):
                trial = {**self._before_it(choice.key), choice.key: each.label}
                self._look(choice.key.at, trial, (each.of, choice.chosen.of))
            self._before[choice.key] = choice.chosen.label
        self._doubt_guessed()
        self._share_doubts()
        self._doubt_together()

    def _to_look_at(self, choice: Choice) -> Iterator[Candidate]:
        """The candidates that may be as right: one of those that are each other's, and none that is the
        chosen one's."""
        if not self._stands:
            yield from choice.others
            return
        seen = [choice.chosen.of]
        for each in choice.as_good:
            if self._is_belied(each.of, choice.key) or self._is_one_of(seen, each.of, choice.key.at):
                continue
            yield each
            seen.append(each.of)

    def _is_belied(self, of: Execution, key: Key) -> bool:
        """What the state was found to have of it, in a place of its own, is not what the line says."""
        line, result = self._ground.record.lines[key.at], of.result
        if key.kind != "end" or line.event != "step:complete" or result is None:
            return False
        known = of.expected is not None and of.expected.level > UNLIKELY
        return known and (result.status, result.duration_ms) != (line.status, line.reported_ms)

    def _is_one_of(self, seen: list[Execution], of: Execution, at: int) -> bool:
        """Another reading in which the one is looked at is one of the other as well, by other names."""
        return any(
            both is not None and renamed(one.path, *both) == of.path and self._relabelled.joined(*both)
            for one in seen
            if one is not of
            for both in (arms(one, of, at), arms(one, of))
        )

    def _doubt_together(self) -> None:
        """Of those alike of which some were over at once, none is certain where one is not."""
        alike: dict[tuple[int, object], set[Execution]] = {}
        for choice in self._best.choices:
            if choice.key.kind == "over":
                alike.setdefault((choice.key.at, choice.chosen.of.node), set()).add(choice.chosen.of)
        for (_, node), found in alike.items():
            starts = {each.start for each in found}
            group = [each for each in self._best.executions if each.node is node and each.start in starts]
            if any(_is_doubted(each, PLACES[:1]) for each in group):
                for each in group:
                    each.doubt(*PLACES[:1])

    def _before_it(self, key: Key) -> Picks:
        """The choices before one; where it is whether something was over at once, others may have been."""
        if key.kind not in AT_ONCE:
            return self._before
        return {each: at for each, at in self._before.items() if (each.kind, each.at) != (key.kind, key.at)}

    def _share_doubts(self) -> None:
        """What is not certain of one is not of what stands in its place where the two are exchanged."""
        paths = _Paths(self._best.executions if self._exchanged else [])
        pairs = [pair for both, line in self._exchanged.items() for pair in paths.pairs(both, line)]
        shared = True
        while shared:  # until nothing is news to any
            shared = False
            for one, other in pairs:
                ours, theirs = (_shared(each) for each in (one, other))
                if ours != theirs:
                    shared = True
                    one.doubt(*theirs)
                    other.doubt(*ours)

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
            at = min(choice.key.at, other.key.at)
            before = {key: label for key, label in self._before.items() if key.at < at}
            trial = {**before, choice.key: "False", other.key: "True"}
            self._look(choice.key.at, trial, pair)

    def _seek_alike(self, of: Execution) -> None:
        """What the state turned out to say of a silent step may be what another has left of which it says
        nothing."""
        best, node = self._best, of.node
        silent = (each for each in best.executions if each.node is node and each.result is None)
        alike = (loud_blocks(each, of) for each in silent if each is not of and _may_be_its(each, of))
        for number, pair in enumerate(alike):
            both, replayed = arms(*pair), self._ground.replayed
            if both is None:
                continue
            if number >= MEETINGS or self._left < self._size:
                self._doubt(pair, max(0, pair[0].lines[0]))
                continue
            learned = {renamed(path, *both): result for path, result in best.learned.items()}
            picks = dict(exchange(choice, both) for choice in best.choices)
            other = solve(self._ground, picks, 1, learned)
            self._left += replayed - self._ground.replayed
            if other.conflict is None:
                doubt_what_differs(best.executions, other.executions, _names(pair), self._went_in)

    def _doubt(self, pair: tuple[Execution, Execution], at: int) -> None:
        """Nobody has looked whether the one may be the other."""
        for each in after(pair, at, self._below):
            each.doubt(*_names(pair))

    def _look(self, at: int, trial: Picks, pair: tuple[Execution, Execution]) -> None:
        """Whether it may be so."""
        names = _names(pair)
        later = [pair[0], *behind(pair[0], self._below)]
        certain = [pair[0], *(each for one in later for each in going_on(one, at, self._below))]
        if pair[0] is not pair[1]:
            certain = [each for each in after(pair, at, self._below) if not _is_doubted(each, names)]
        if certain and (self._left < self._size or not self._is_settled(at, trial, pair, certain)):
            for each in certain:
                each.doubt(*names)
            if pair[0] is pair[1]:
                self._doubt_alike(pair[0], names)

    def _is_settled(
        self, at: int, trial: Picks, pair: tuple[Execution, Execution], certain: list[Execution]
    ) -> bool:
        """Another reading was found, and what differs in it is marked; or there is none."""
        best, names = self._best, _names(pair)
        loud = [each for each in certain if not each.where.silent] or certain
        refuted = True
        others = 0
        replayed = self._ground.replayed
        for both, full, other in _instead(self._ground, best, trial, pair):
            others += other.conflict is None
            if other.conflict is None and both is not None:
                self._exchanged.setdefault(both, at)
                if full:
                    self._relabelled.join(*both)
            self._left += replayed - self._ground.replayed
            replayed = self._ground.replayed
            best.runs += other.runs
            if other.conflict is None:
                doubt_what_differs(best.executions, other.executions, names, self._went_in)
            if other.conflict is None and full:
                return True  # what else there is with the one in the other's place is there without as well
            if other.conflict is None and pair[0] is pair[1]:
                self._exchange_alike(pair[0], other, at, trial)
            if pair[0] is not pair[1] and any(_is_doubted(each, names) for each in loud):
                return True
            refuted = other.conflict is None or other.is_last
        if others and pair[0] is pair[1] and (not refuted or list(trial)[-1].kind in AT_ONCE):
            self._doubt_alike(pair[0], names)
        return refuted

    def _exchange_alike(self, one: Execution, other: Reading, at: int, trial: Picks) -> None:
        """Of those that began with it, another was over at once instead: what follows may be its own."""
        theirs = {each.path: each for each in other.executions if each.node is one.node}
        for each in self._best.executions:
            if each.node is one.node and each.start == one.start and each is not one:
                there, both = theirs.get(each.path), arms(one, each)
                if both is None or there is None or reported(there) == reported(each):
                    continue
                if both not in self._exchanged and self._left >= self._size:
                    self._exchange_all(both, trial)
                self._exchanged.setdefault(both, at)

    def _exchange_all(self, both: Arms, trial: Picks) -> None:
        best, replayed = self._best, self._ground.replayed
        picks = {**dict(exchange(choice, both) for choice in best.choices), **trial}
        other = solve(self._ground, picks, 1, best.learned)
        self._left += replayed - self._ground.replayed
        if other.conflict is None:
            doubt_what_differs(best.executions, other.executions, PLACES[:1], self._went_in)

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
        for each in self._best.executions:
            if each.node.id == one.node.id and each.start == one.start and each is not one:
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


def _shared(each: Execution) -> set[str]:
    """What is not certain of it that it would not be of what stands in its place either."""
    names = PLACES if each.where.silent else (*PLACES, "durationMs")
    return {name for name in names if _is_doubted(each, (name,))}


def _instead(
    ground: Ground, best: Reading, trial: Picks, pair: tuple[Execution, Execution]
) -> Iterator[tuple[Arms | None, bool, Reading]]:
    """Other readings, with these choices, and what is exchanged in them; the rest made anew at last."""
    if pair[0] is pair[1]:
        yield from ((None, False, other) for other in _one_by_one(ground, best, trial))
    for both, full, each in _rests(best, trial, pair):
        yield both, full, solve(ground, {**each, **trial}, 1, best.learned)
    both = arms(*pair)
    doubtful = [key for key in map(_believed, best.choices) if key is not None and _is_in(key, both)]
    if both is not None and doubtful:  # what the state has there may be of another, or of another go
        each = dict(exchange(choice, both) for choice in best.choices)
        picks = {**each, **trial, **dict.fromkeys(doubtful, "False")}
        yield both, False, solve(ground, picks, 1, best.learned)
    most = max(SWAPS[0], SWAPS[1] // max(1, len(ground.record.lines)))
    yield None, False, solve(ground, trial, most, best.learned, LINES // SHARE)


def _believed(choice: Choice) -> Key | None:
    """Where a result is taken to be of what is silent."""
    return choice.key if choice.key.kind == "believed" and choice.chosen.label == "True" else None


def _is_in(key: Key, both: Arms | None) -> bool:
    return both is not None and renamed(str(key.which), *both) != key.which


def _one_by_one(ground: Ground, best: Reading, trial: Picks) -> Iterator[Reading]:
    """Where it is not this one, it may be the next, or the one after that."""
    rest = {choice.key: choice.chosen.label for choice in best.choices}
    last = list(trial)[-1]
    for _ in range(TRIALS):
        other = solve(ground, {**rest, **trial}, 1, best.learned)
        yield other
        if other.conflict is not None and last.kind == "over":
            yield solve(ground, trial, SWAPS[0], best.learned, LINES // SHARE)
        alike = (choice for choice in other.choices if choice.key[:2] == last[:2] and choice.as_good)
        following = next((choice for choice in alike if choice.key not in trial), None)
        if following is None:
            return
        trial = {**trial, following.key: following.as_good[0].label}


def _rests(
    best: Reading, trial: Picks, pair: tuple[Execution, Execution]
) -> Iterator[tuple[Arms | None, bool, Picks]]:
    """The other choices, with the two exchanged: for good, or until they can be exchanged again; or as they
    are."""
    rest = {choice.key: choice.chosen.label for choice in best.choices}
    at = max(key.at for key in trial)
    after = [choice for choice in best.choices if choice.key not in trial]
    alike = [both for both in dict.fromkeys((arms(*pair, at), arms(*pair))) if both is not None]
    for both in alike:
        yield both, True, dict(exchange(choice, both) for choice in best.choices)
    for both in alike:
        until = (index for index, choice in enumerate(after) if may_exchange(choice, both))
        for index in itertools.islice(until, MEETINGS):
            yield both, False, rest | dict(exchange(choice, both) for choice in after[:index])
    yield None, False, rest
