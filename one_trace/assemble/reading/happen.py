"""What goes on with a line: a leaf that ends, a timer that goes off, a sub-flow that begins."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.ground.choices import Candidate, Cost
from one_trace.assemble.ground.executions import Execution, outwards
from one_trace.assemble.ground.script import CROWD, ENDS, Conflict
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.acts import choose, end_leaf, failure_with, fire, read_flows
from one_trace.assemble.reading.decisions import Decisions
from one_trace.assemble.reading.fit import BAD, RETRIES, Fit
from one_trace.assemble.reading.pending import Timer, Waiting
from one_trace.assemble.reading.silence import Silence
from one_trace.assemble.reading.standing import Standing
from one_trace.assemble.reading.tolerant import Tolerant
from one_trace.record.log import LogLine


class Happen:
    def __init__(
        self, at: Standing, fit: Fit, decisions: Decisions, silence: Silence, tolerant: Tolerant
    ) -> None:
        self._at, self._fit, self._decisions = at, fit, decisions
        self._silence, self._tolerant = silence, tolerant

    def explain(self, line: LogLine) -> None:
        """Let happen what this line, the next one, comes of; a Conflict if there is nothing."""
        at, pending = self._at, self._at.pending
        index = at.choices.at = at.script.cursor
        if pending.silent or pending.timers or pending.promised:
            self.pass_time(line.at - self._fit.early())
            if at.script.taken[index]:
                return
        since = at.clock.at
        at.clock.at = max(since, line.at)
        if pending.timers:
            self.time_out_first(line)
            if at.script.taken[index]:
                return
        if pending.silent:
            self.end_first(line)
            if at.script.taken[index]:
                return
        while (
            self.by_itself(line)
            or self.by_timer(line, line.at, since)
            or self._silence.by_silence(line)
            or self.by_timer(line, line.at + self._fit.early(), since)
            or self._silence.keep_promise(line.at + self._fit.early() + 0.5, None)
            or read_flows(at)
        ):
            if self._at.script.taken[index]:
                return
        if self._at.known.lenient:
            self._tolerant.place(index, line)
            return
        what = f"{line.event} {line.step_id or line.flow_key}"
        raise Conflict(f"line {index + 1}, {what}, does not come", self._fit.open_for(line))

    def time_out_first(self, line: LogLine) -> None:
        """What is silent and due at the very time of a line that ends something in it may have been timed out
        before that."""
        ending = [each.of for each in self._at.pending.waiting.get(line.step_id or "", ())]
        for timer in [each for each in self._at.pending.timers if each.limit and each.of.where.silent]:
            inside = timer.due <= line.at and any(timer.of in outwards(each) for each in ending)
            if inside and self._at.choices.whether("due", timer.of, likely=False):
                self.fire(timer)

    def end_first(self, line: LogLine) -> None:
        """What is silent and due at the very time of a line may have ended before that: a loop that ends then
        merges what it began with over what is written since."""
        expected = self._at.known.expected
        due = [each for each in self._at.pending.silent if each.due == line.at]
        due = [each for each in due if expected.is_beside_merging(each.of.node)]
        if due and line.event in ENDS and self._at.choices.whether("before", due[0].of, likely=False):
            for each in due:
                if each in self._at.pending.silent:
                    end_leaf(self._at, each, each.failure)

    def pass_time(self, until: float) -> None:
        """What the log has no line of happens when it is due."""
        pending = self._at.pending
        while pending.silent or pending.timers or pending.promised:
            due = [each for each in pending.silent if each.latest < until]
            timers = [each for each in pending.timers if each.latest < until and self.goes_off(each)]
            soonest = _soonest([*due, *timers])
            before = soonest.due if soonest is not None else None
            if self._silence.keep_promise(until, before, surely=True):
                continue
            if soonest is None:
                return
            self.let(soonest)

    def goes_off(self, timer: Timer) -> bool:
        """A silent time-out, or an attempt of what writes no line then."""
        if timer.limit and not timer.of.where.silent:
            if self._at.known.exact and timer.due < self._at.clock.at and not self._at.known.lenient:
                raise Conflict(
                    f"{timer.of.path} was timed out before line {self._at.script.cursor + 1}", [timer.of]
                )
            return False
        return timer.limit or self._at.known.exact or not self._decisions.firsts_of(timer.of.node)

    def let(self, each: Waiting | Timer) -> None:
        assert each.due is not None
        self._at.clock.at = max(self._at.clock.at, each.due)
        if isinstance(each, Waiting):
            end_leaf(self._at, each, each.failure)
        else:
            self.fire(each)

    def fire(self, timer: Timer) -> None:
        if not (timer.limit and timer.of.where.silent and self._silence.ended_before(timer)):
            fire(self._at, timer)

    def by_itself(self, line: LogLine) -> bool:
        """A leaf that ends with the line, a time-out that it reports, the sub-flow that begins with it.
        Returns whether something has happened."""
        if line.event in ("flow:start", "flow:mock-start"):
            return read_flows(self._at)
        if line.event not in ENDS:
            return False
        pending = self._at.pending
        waits, refused = pending.waiting.get(line.step_id or "", []), self._at.notes.refused
        if refused:
            waits = [each for each in waits if (self._at.script.cursor, each.of) not in refused]
        if len(waits) > CROWD:
            self._at.script.compared += len(waits)
        blocks = self._silence.ends_with(line) if waits and pending.silent else []
        if len(waits) == 1 and not pending.timers and not blocks:  # mostly: nothing to choose from
            if not self._fit.may_end_alone(waits[0], line):
                return False
            self.end_with(waits[0], line)
            return True
        if self._fit.strict:
            waits = self._fit.in_time(waits, line)
        ended = [each for each in waits if self._fit.may_end(each, line)]
        fitting = list(self._fitting([*ended, *self._timed_out(line)], line))
        if not fitting:
            return False
        if len(fitting) > 1 and line.event not in RETRIES:
            fitting = self._leaving_all_a_start(fitting)
        if len(fitting) == 1 and not blocks:
            self._go_on(fitting[0][1], line)
        else:
            options = [self._candidate(cost, each, line) for cost, each in fitting]
            choose(self._at, "end", options + blocks)
        return True

    def _fitting(self, found: list[Waiting | Timer], line: LogLine) -> Iterator[tuple[Cost, Waiting | Timer]]:
        for each in found:
            cost = self._fit.cost(each.of, line)
            if cost < BAD or not self._fit.strict:
                yield cost, each

    def _leaving_all_a_start(
        self, fitting: list[tuple[Cost, Waiting | Timer]]
    ) -> list[tuple[Cost, Waiting | Timer]]:
        """Those by whose end here no other end is left without a start; all where it is so with each."""
        at = self._at
        left = [
            (cost, each)
            for cost, each in fitting
            if at.pairings.may_end(each.of.node.id, each.of.lines[0], at.script.cursor)
        ]
        return left or fitting

    def _timed_out(self, line: LogLine) -> Iterator[Timer]:
        """Timers of one step go off in the order in which they were set. A silent one may be over unseen."""
        timers, first = self._at.pending.timers, set[Node]()
        until = line.at + self._fit.late() if timers else 0
        for each in timers:
            node = each.of.node
            due = node.id == (line.step_id or "") and each.limit and each.due <= until and node not in first
            if due and self._fit.may_time_out(each, line):
                if not each.of.where.silent:
                    first.add(node)
                yield each

    def _candidate(self, cost: Cost, each: Waiting | Timer, line: LogLine) -> Candidate:
        word = "ends" if isinstance(each, Waiting) else "times out"
        act = partial(self._go_on, each, line)
        return Candidate(cost, each.of, f"{word} {each.of.path}", act, self._fit.hint(each.of, line))

    def _go_on(self, each: Waiting | Timer, line: LogLine) -> None:
        if isinstance(each, Waiting):
            self.end_with(each, line)
        else:
            self.fire(each)

    def end_with(self, waiting: Waiting, line: LogLine) -> None:
        end_leaf(self._at, waiting, failure_with(self._at, waiting, line))

    def by_timer(self, line: LogLine, until: float, since: float) -> bool:
        """Another attempt, or what is silent and may be over by now: that which the line may come of, or what
        is due first. Which of several goes first at one time is not known before."""
        pending, early = self._at.pending, line.at + self._fit.early()
        due: list[Waiting | Timer] = [each for each in pending.silent if (each.due or early + 1) <= early]
        due += [each for each in pending.timers if each.due <= early and self.at_once(each, line)]
        due.sort(key=lambda each: each.due or 0)
        leading = self.leading(due, line, since)
        if leading:
            choose(self._at, "due", leading)
            return True
        if not due or (due[0].due or 0) > until:
            return False
        first = due[0]
        options = self._silence.options(line) if isinstance(first, Timer) and not first.limit else []
        if options:
            act = partial(self.let_by, first, line, since)
            again = Candidate((weights.FITS, 0), first.of, f"tries again {first.of.path}", act)
            choose(self._at, "silence", [again, *options])
        else:
            self.let_by(first, line, since)
        return True

    def leading(self, due: list[Waiting | Timer], line: LogLine, since: float) -> list[Candidate]:
        """Those that the line may come of, one of each block."""
        found: dict[Execution, Candidate] = {}
        for each in due:
            rank, block = self._silence.leads_to(each.of, line)
            if block is not None and block not in found:
                act = partial(self.let_by, each, line, since)
                label = f"over {each.of.path}"
                found[block] = Candidate((weights.FITS + rank, 0), each.of, label, act, (each.due or 0, 0))
        return list(found.values())

    def let_by(self, each: Waiting | Timer, line: LogLine, since: float) -> None:
        """At its own time, as far as nothing else was later."""
        clock = self._at.clock
        each.due = min(each.due or 0, line.at)
        clock.at = max(since, each.due)
        self.let(each)
        clock.at = max(clock.at, line.at)

    def at_once(self, timer: Timer, line: LogLine) -> bool:
        if timer.limit:
            return timer.of.where.silent
        firsts = self._decisions.firsts_of(timer.of.node)
        return not firsts or self._decisions.is_first(line, firsts)


def _soonest(due: list[Waiting | Timer]) -> Waiting | Timer | None:
    return min(due, key=lambda each: each.due or 0, default=None)
