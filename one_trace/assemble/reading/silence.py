"""What is silent: children of parallel blocks have no lines. Where the state does not say when they ended,
what comes after them does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from one_trace.assemble.ground.choices import Candidate
from one_trace.assemble.ground.executions import Execution, child_around, lineage, outwards
from one_trace.assemble.ground.script import CROWD
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.acts import choose, end_leaf, fire
from one_trace.assemble.reading.decisions import Decisions
from one_trace.assemble.reading.fit import TIMED_OUT, Fit
from one_trace.assemble.reading.pending import NEVER, UNKNOWN, Timer, Waiting
from one_trace.assemble.reading.standing import Standing
from one_trace.engine.failures import StepFailure
from one_trace.record.log import LogLine


class HeldUp(NamedTuple):
    """A container that may go on when all that waits in an attempt of it has ended. `rank`: the less, the
    likelier."""

    rank: float
    container: Execution
    waiting: list[Waiting]


class Silence:
    """Ends what has no lines where the state does not say when it ended."""

    def __init__(self, at: Standing, fit: Fit, decisions: Decisions) -> None:
        self._at, self._fit, self._decisions = at, fit, decisions
        self._going_on: tuple[int, str] = -1, ""
        """The line that something silent was last taken to lead to, and what it is in."""

    def keep_promise(self, until: float, before: float | None, *, surely: bool = False) -> bool:
        """What waits in a silent container ends when the state says that the container did, which may have
        begun later than it seems; `surely`: whenever that was."""
        for each in sorted(self._at.pending.promised, key=lambda each: (each[0], -each[1].number)):
            due, container, failed = each
            if due + surely * container.slack >= until or (before is not None and before <= due):
                return False
            self._at.pending.promised.remove(each)
            inside = [waiting for waiting in self._undated() if container in outwards(waiting.of)]
            if container.over is None and inside:
                self._at.clock.at = max(self._at.clock.at, due)
                if not failed:
                    self._at.pending.promised.append(each)
                self.choose_silent(inside, failed, container)
                return True
        return False

    def _undated(self) -> list[Waiting]:
        """The silent leaves that run and may end at any time, for all that the state says."""
        return [each for each in self._at.pending.silent if each.due is None and not each.never]

    def choose_silent(self, inside: list[Waiting], failed: bool, container: Execution) -> None:
        if not failed:
            self.end_all(inside)
            return
        reaching = [each for each in inside if not is_absorbed(each.of, container)]
        choose(
            self._at,
            "silence",
            [
                Candidate(
                    (weights.FITS, 0), each.of, f"throws {each.of.path}", partial(self.throw, each, None)
                )
                for each in reversed(reaching or inside)
            ],
        )

    def ended_before(self, timer: Timer) -> bool:
        """Whether what was not seen to end in a silent step has ended in time, and is let go on now."""
        of = timer.of
        inside = [each for each in self._undated() if of in lineage(each.of)]
        if not inside:
            return False
        node = of.node
        if node.retries >= timer.attempt:
            until = timer.due + self._at.script.slack + 1
            ahead = (line for _, line in self._at.script.ahead(until) if line.event == "step:retry")
            timed_out = any(line.step_id == node.id and line.attempt == timer.attempt + 1 for line in ahead)
        else:
            timed_out = self._at.choices.whether("timed out", of, likely=True, either=True)
        if timed_out:
            self._at.notes.forced.add(of)
            return False
        self.end_all(inside)
        return True

    def by_silence(self, line: LogLine) -> bool:
        options = self.options(line)
        if options:
            choose(self._at, "silence", options)
        return bool(options)

    def ends_with(self, line: LogLine) -> list[Candidate]:
        """Blocks that the line may be the end of, where a leaf has the same id."""
        nodes = self._at.known.ground.flows.with_id(line.step_id or "")
        if len(nodes) < 2 or all(node.type != "parallel" for node in nodes):
            return []
        found = [each for each in self.held_up(line) if each.container.node.id == line.step_id]
        return self._options(found, line) if found else []

    def options(self, line: LogLine) -> list[Candidate]:
        inside = self.held_up(line)
        return (self.timed_out_inside(inside, line) or self._options(inside, line)) if inside else []

    def _options(self, inside: list[HeldUp], line: LogLine) -> list[Candidate]:
        threw = line.event in ("step:error", "step:retry", "flow:error") or line.status == "failed"
        own = line.event != "step:retry" or any(each.container.node.id == line.step_id for each in inside)
        threw = threw and own
        options: list[Candidate] = []
        for each in inside:
            options += self.in_container(*each, line, threw=threw)
        return options

    def in_container(
        self, rank: float, container: Execution, waiting: list[Waiting], line: LogLine, *, threw: bool
    ) -> list[Candidate]:
        """What may have happened in a silent container that goes on with this line: something in it was over,
        or threw. `threw`: the line is that of a failure."""
        error = line.error or ""
        later = TIMED_OUT in error and not any(each.of.node.has_timed_out(error) for each in waiting)
        options: list[Candidate] = []
        if waiting:
            cost = weights.FITS + rank + (weights.FAILURE if threw and not later else 0)
            path = _attempt_path(container, waiting[0].of)
            act = partial(self.go_on, path, waiting)
            again = self._going_on == (self._at.choices.at, path)  # more in it may have to be over
            label = f"goes on {path}"
            options.append(Candidate((cost, -2 if threw else 0), container, label, act, (-again, 0)))
        if threw and waiting:
            options += self.timed_out_later(rank, container, waiting, line)
        kinds: set[tuple[object, ...]] = set()
        for each in sorted(waiting, key=lambda each: f'"{each.of.node.id}"' not in error):
            where, node = each.of.where, each.of.node
            kind = where.above, where.attempt, node.goes_on, node.retries
            if kind in kinds or not (threw or is_absorbed(each.of, container)):
                continue  # which of those beside it threw makes no difference
            kinds.add(kind)
            named = f'"{each.of.node.id}"' in error
            act = partial(self.throw, each, line, sure=named or len(waiting) == 1)
            cost = weights.FITS + rank + (0 if threw else weights.NO_FAILURE)
            options.append(Candidate((cost, -named), each.of, f"throws {each.of.path}", act))
        return options

    def timed_out_inside(self, inside: list[HeldUp], line: LogLine) -> list[Candidate]:
        """The silent steps whose time-out the line's error is."""
        if TIMED_OUT not in (line.error or ""):
            return []
        containers = {each.container for each in inside}
        return [
            Candidate(
                (weights.FITS, 0), timer.of, f"times out {timer.of.path}", partial(self.time_out, timer)
            )
            for timer in self._at.pending.timers
            if timer.limit
            and timer.of.where.silent
            and timer.of.node.has_timed_out(line.error)
            and containers.intersection(outwards(timer.of))
        ]

    def timed_out_later(
        self, rank: float, container: Execution, waiting: list[Waiting], line: LogLine
    ) -> Iterator[Candidate]:
        """What waits may have been over so long before the line that a step of the next batch was timed out
        with it."""
        inside = child_around(waiting[0].of, container)
        together = container.node.concurrency
        first = ((inside.where.index or 0) // together + 1) * together
        for node in container.node.silent_steps[first : first + together]:
            begun = line.at - (node.timeout or 0)
            if node.timeout and begun >= max(each.of.start for each in waiting):
                act = partial(self.time_out_next, waiting, begun, node.id)
                label = f"times out {_attempt_path(container, inside)} > {node.id}"
                yield Candidate((weights.FITS + rank + 1, 0), container, label, act)

    def time_out_next(self, waiting: list[Waiting], begun: float, step_id: str) -> None:
        at, now = self._at, self._at.clock.at
        before = {id(timer) for timer in at.pending.timers}
        at.clock.at = begun
        self.end_all(waiting)
        at.clock.at = max(at.clock.at, now)
        for timer in [each for each in at.pending.timers if each.limit and id(each) not in before]:
            if timer.of.node.id == step_id and timer in at.pending.timers:
                at.notes.forced.add(timer.of)
                fire(at, timer)

    def time_out(self, timer: Timer) -> None:
        """Now, whenever it was seen to begin: its time is certain."""
        of, begun = timer.of, self._at.clock.at - (timer.of.node.timeout or 0)
        if of.again:
            of.again = (*of.again[:-1], (of.again[-1][0], begun))
        else:
            of.start = begun
        fire(self._at, timer)

    def go_on(self, path: str, waiting: list[Waiting]) -> None:
        self._going_on = self._at.choices.at, path
        self.end_all(waiting)

    def end_all(self, waiting: list[Waiting]) -> None:
        """A block waits for all that runs in it."""
        for each in sorted(waiting, key=lambda each: (each.due or 0, each.of.number)):
            if each in self._at.pending.silent:
                self._at.notes.forced.add(each.of)
                end_leaf(self._at, each, None)

    def throw(self, waiting: Waiting, line: LogLine | None, *, sure: bool = False) -> None:
        self._at.notes.forced.add(waiting.of)
        error = (line.error if line is not None else None) or UNKNOWN
        timeout = TIMED_OUT in error
        failure = StepFailure(error, code="TIMEOUT" if timeout else None, timeout=timeout)
        if not sure:
            self._at.notes.guessed.add(failure)
        end_leaf(self._at, waiting, failure)

    def held_up(self, line: LogLine) -> list[HeldUp]:
        """The containers that may go on with this line when what waits in them has ended, the likeliest
        first."""
        if len(self._at.pending.silent) > CROWD:
            self._at.script.compared += len(self._at.pending.silent)
        by_attempt: dict[tuple[Execution, int | None], list[Waiting]] = {}
        begins = line.event in ("step:start", "flow:start", "flow:mock-start")
        for waiting in self._undated():
            within = waiting.of
            for above in _blocks_around(waiting.of):
                if not begins and not self._fit.waits_for(above, within.where.attempt):
                    break
                by_attempt.setdefault((above, within.where.attempt), []).append(waiting)
                within = above
        ranked = [
            HeldUp(rank, container, inside)
            for (container, _), inside in by_attempt.items()
            if (rank := self.rank(container, line)) < NEVER
        ]
        ranked.sort(key=lambda each: (each.rank, len(each.waiting), -each.container.number))
        return ranked

    def leads_to(self, silent: Execution, line: LogLine) -> tuple[float, Execution | None]:
        """The container that it is in and that fits best to go on with this line."""
        ranks = ((self.rank(above, line), above) for above in _blocks_around(silent))
        found = min(ranks, key=lambda each: each[0], default=(NEVER, silent))
        return found if found[0] < NEVER else (NEVER, None)

    def rank(self, container: Execution, line: LogLine) -> float:
        if line.event in ("step:start", "flow:start", "flow:mock-start"):
            return self.rank_start(container, line)
        if line.event in ("step:retry", "step:retry-success") and line.step_id != container.node.id:
            return self.rank_later(container, line)
        if container.over is not None:
            return NEVER
        if container.node.id != line.step_id or not self._may_be_end(container, line):
            return NEVER
        return self._fit.apart(container, line) + (0 if self._fit.goes_on(container, line) else weights.BAD)

    def _may_be_end(self, container: Execution, line: LogLine) -> bool:
        timeout = TIMED_OUT in (line.error or "") or line.status == "timeout"  # of what is inside, or its own
        return timeout or self._fit.may_be_end(container, container.attempts, line)

    @staticmethod
    def rank_later(container: Execution, line: LogLine) -> float:
        """A later batch has the silent step that a retry is of."""
        later = container.node.silent_steps[container.node.concurrency :]
        comes = any(inner.id == line.step_id for node in later for inner in node.silent_inside())
        return 0.0 if comes else NEVER

    def rank_start(self, container: Execution, line: LogLine) -> float:
        """A later batch begins with this line."""
        later = container.node.silent_steps[container.node.concurrency :]
        firsts: frozenset[str] = frozenset().union(*(self._decisions.firsts_of(node) for node in later))
        return 0.0 if self._decisions.is_first(line, firsts) else NEVER


def _attempt_path(container: Execution, inside: Execution) -> str:
    """What the paths of what runs in the attempt begin with that the one ran in."""
    attempt = child_around(inside, container).where.attempt or 1
    return container.path if attempt == 1 else f"{container.path}#{attempt}"


def _blocks_around(silent: Execution) -> Iterator[Execution]:
    """What may go on when it ends, without a line of its own: the silent blocks around it, and the first that
    has events."""
    for above in outwards(silent):
        yield above
        if not above.where.silent:
            return


def is_absorbed(threw: Execution, container: Execution) -> bool:
    """Whether a failure may come to an end between where it was thrown and a container."""
    return any(
        each.where.silent and (each.node.goes_on or each.node.retries)
        for each in itertools.takewhile(lambda above: above is not container, lineage(threw))
    )
