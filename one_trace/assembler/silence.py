"""What is silent: children of parallel blocks have no lines. Where the state does not say when they ended,
what comes after them does."""

from __future__ import annotations

from functools import partial

from one_trace.assembler.acts import choose, fire, open_gate, settle
from one_trace.assembler.choices import Candidate
from one_trace.assembler.decisions import Decisions
from one_trace.assembler.executions import Execution, outwards
from one_trace.assembler.fit import NEVER, TIMED_OUT, Fit
from one_trace.assembler.pending import UNKNOWN, Timer, Waiting
from one_trace.assembler.standing import Standing
from one_trace.engine.failures import StepFailure
from one_trace.record.log import LogLine


class Silence:
    def __init__(self, at: Standing, fit: Fit, decisions: Decisions) -> None:
        self._at, self._fit, self._decisions = at, fit, decisions

    def keep_promise(self, until: float, before: float | None) -> bool:
        """What waits in a silent container ends when the state says that the container did."""
        for each in sorted(self._at.pending.promised, key=lambda each: (each[0], -each[1].number)):
            due, container, failed = each
            if due >= until or (before is not None and before <= due):
                return False
            self._at.pending.promised.remove(each)
            inside = [
                waiting
                for waiting in self._at.pending.silent
                if waiting.due is None and not waiting.never and container in outwards(waiting.of)
            ]
            if container.over is None and inside:
                self._at.clock.at = max(self._at.clock.at, due)
                if not failed:
                    self._at.pending.promised.append(each)
                self.choose_silent(inside, failed, container)
                return True
        return False

    def choose_silent(self, inside: list[Waiting], failed: bool, container: Execution) -> None:
        if not failed:
            self.end_first(inside)
            return
        choose(
            self._at,
            "silence",
            [
                Candidate((1, 0), each.of, f"throws {each.of.path}", partial(self.throw, each, None))
                for each in reversed(inside)
            ],
        )

    def ended_before(self, timer: Timer) -> bool:
        """Whether what was not seen to end in a silent step has ended in time, and is let go on now."""
        of = timer.of
        inside = [
            each
            for each in self._at.pending.silent
            if each.due is None and not each.never and (each.of is of or of in outwards(each.of))
        ]
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
        self.end_first(inside)
        return True

    def by_silence(self, line: LogLine) -> bool:
        inside = self.held_up(line)
        if not inside:
            return False
        threw = line.event in ("step:error", "step:retry", "flow:error") or line.status == "failed"
        options: list[Candidate] = self.timed_out_inside(inside, line)
        if options:
            choose(self._at, "silence", options)
            return True
        own = line.event != "step:retry" or any(each[1].node.id == line.step_id for each in inside)
        threw = threw and own
        for rank, container, waiting in inside:
            if threw:
                error = line.error or ""
                there = any(each.of.node.has_timed_out(error) for each in waiting)
                later = TIMED_OUT in error and not there
                act = partial(self.end_first, waiting)
                label = f"goes on {container.path}"
                if waiting:
                    options.append(Candidate((1 + rank + (0 if later else 4), -2), container, label, act))
                for each in waiting:
                    named = f'"{each.of.node.id}"' in error
                    label = f"throws {each.of.path}"
                    sure = named or len(waiting) == 1
                    act = partial(self.throw, each, line, sure=sure)
                    options.append(Candidate((1 + rank, -named), each.of, label, act))
            elif waiting:
                act = partial(self.end_first, waiting)
                options.append(Candidate((1 + rank, 0), container, f"goes on {container.path}", act))
        options += self.not_begun(inside, line)
        if not options:
            return False
        choose(self._at, "silence", options)
        return True

    def timed_out_inside(
        self, inside: list[tuple[float, Execution, list[Waiting]]], line: LogLine
    ) -> list[Candidate]:
        """The silent steps whose time-out the line's error is."""
        if TIMED_OUT not in (line.error or ""):
            return []
        containers = {container for _, container, _ in inside}
        return [
            Candidate((1, 0), timer.of, f"times out {timer.of.path}", partial(self.time_out, timer))
            for timer in self._at.pending.timers
            if timer.limit
            and timer.of.where.silent
            and timer.of.node.has_timed_out(line.error)
            and containers.intersection(outwards(timer.of))
        ]

    def time_out(self, timer: Timer) -> None:
        """Now, whenever it was seen to begin: its time is certain."""
        timer.of.begins[-1] = (timer.of.begins[-1][0], self._at.clock.at - (timer.of.node.timeout or 0))
        if len(timer.of.begins) == 1:
            timer.of.start = timer.of.begins[0][1]
        fire(self._at, timer)

    def not_begun(
        self, inside: list[tuple[float, Execution, list[Waiting]]], line: LogLine
    ) -> list[Candidate]:
        """Silent sub-flows that could not begin."""
        ranks = {container: rank for rank, container, _ in inside}
        options: list[Candidate] = []
        for gate in self._at.pending.gates:
            rank = min((ranks[above] for above in outwards(gate[0]) if above in ranks), default=NEVER)
            if gate[0].where.silent and rank < NEVER:
                failure = StepFailure(line.error or UNKNOWN)
                act = partial(open_gate, self._at, gate, failure)
                self._at.notes.forced.add(gate[0])
                options.append(Candidate((3 + rank, 0), gate[0], f"fails {gate[0].path}", act))
        return options

    def end_first(self, waiting: list[Waiting]) -> None:
        first = min(waiting, key=lambda each: (each.due or 0, each.of.number))
        self._at.notes.forced.add(first.of)
        settle(self._at, first, None)

    def throw(self, waiting: Waiting, line: LogLine | None, *, sure: bool = False) -> None:
        self._at.notes.forced.add(waiting.of)
        error = (line.error if line is not None else None) or UNKNOWN
        timeout = TIMED_OUT in error
        failure = StepFailure(error, code="TIMEOUT" if timeout else None, timeout=timeout)
        if not sure:
            self._at.notes.guessed.add(failure)
        settle(self._at, waiting, failure)

    def held_up(self, line: LogLine) -> list[tuple[float, Execution, list[Waiting]]]:
        """The containers that may go on with this line when what waits in them has ended, the likeliest
        first."""
        by_container: dict[Execution, list[Waiting]] = {}
        for waiting in self._at.pending.silent:
            if waiting.never or waiting.due is not None:
                continue
            for above in outwards(waiting.of):
                by_container.setdefault(above, []).append(waiting)
        for gate in self._at.pending.gates:
            for above in outwards(gate[0]) if gate[0].where.silent else ():
                by_container.setdefault(above, [])
        ranked = [
            (rank, container, inside)
            for container, inside in by_container.items()
            if (rank := self.rank(container, line)) < NEVER
        ]
        ranked.sort(key=lambda each: (each[0], len(each[2]), -each[1].number))
        return ranked

    def rank(self, container: Execution, line: LogLine) -> float:
        if line.event in ("step:start", "flow:start", "flow:mock-start"):
            return self.rank_start(container, line)
        if line.event in ("step:retry", "step:retry-success") and line.step_id != container.node.id:
            return self.rank_later(container, line)
        if container.over is not None:
            return NEVER
        if line.step_id is None:
            return 0.0 if container.node.type == "flow" else NEVER
        if container.node.id != line.step_id:
            return NEVER
        return self._fit.apart(container, line)

    @staticmethod
    def rank_later(container: Execution, line: LogLine) -> float:
        """A later batch has the silent step that a retry is of."""
        body = container.node.body
        if container.node.type != "parallel" or body is None:
            return NEVER
        later = body.nodes[container.node.concurrency :]
        return (
            0.0
            if any(inner.id == line.step_id for node in later for inner in node.unlogged_inside())
            else NEVER
        )

    def rank_start(self, container: Execution, line: LogLine) -> float:
        if container.node.type != "parallel" or container.node.body is None:
            return NEVER
        later = container.node.body.nodes[container.node.concurrency :]
        firsts: frozenset[str] = frozenset().union(*(self._decisions.firsts_of(node) for node in later))
        return 0.0 if self._decisions.is_first(line, firsts) else 1.0
