"""What goes on with a line: a leaf that ends, a timer that goes off, a sub-flow that begins."""

from __future__ import annotations

from functools import partial

from one_trace.assembler.acts import choose, fire, open_gate, settle
from one_trace.assembler.choices import Candidate
from one_trace.assembler.decisions import Decisions
from one_trace.assembler.fit import BAD, Fit, is_retry_of
from one_trace.assembler.ground import EXACT
from one_trace.assembler.leaves import error_of, failure_of
from one_trace.assembler.pending import ENDS, LEAVES, Timer, Waiting
from one_trace.assembler.script import Conflict
from one_trace.assembler.silence import Silence
from one_trace.assembler.standing import Standing
from one_trace.assembler.tolerant import Tolerant
from one_trace.engine.failures import StepFailure
from one_trace.record.log import LogLine


class Happen:
    def __init__(
        self, at: Standing, fit: Fit, decisions: Decisions, silence: Silence, tolerant: Tolerant
    ) -> None:
        self._at, self._fit, self._decisions = at, fit, decisions
        self._silence, self._tolerant = silence, tolerant

    def explain(self, line: LogLine) -> None:
        index = self._at.choices.at = self._at.script.cursor
        self.pass_time(line.at - self._fit.early(line))
        if self._at.script.taken[index]:
            return
        self._at.clock.at = max(self._at.clock.at, line.at)
        while (
            self.by_itself(line)
            or self.by_timer(line)
            or self._silence.by_silence(line)
            or self._silence.keep_promise(line.at + self._fit.early(line) + 0.5, None)
        ):
            if self._at.script.taken[index]:
                return
        if self._at.known.lenient:
            self._tolerant.place(index, line)
            return
        raise Conflict(
            f"line {index}, {line.event} {line.step_id or line.flow_key}, does not come",
            self._at.pending.open.get(line.step_id or "", ()),
        )

    def pass_time(self, until: float) -> None:
        """What the log has no line of happens when it is due."""
        pending = self._at.pending
        while pending.silent or pending.timers or pending.promised:
            due = [each for each in self._at.pending.silent if each.due is not None and each.due < until]
            timers = [each for each in self._at.pending.timers if each.due < until and self.goes_off(each)]
            soonest = _soonest([*due, *timers])
            if self._silence.keep_promise(until, soonest.due if soonest is not None else None):
                continue
            if soonest is None:
                return
            self.let(soonest)

    def goes_off(self, timer: Timer) -> bool:
        """A silent time-out, or an attempt of what writes no line then."""
        if timer.limit and not timer.of.where.silent:
            if self._at.known.exact and timer.due < self._at.clock.at and not self._at.known.lenient:
                raise Conflict(
                    f"{timer.of.path} was timed out before line {self._at.script.cursor}", [timer.of]
                )
            return False
        return timer.limit or self._at.known.exact or timer.of.node.type in LEAVES

    def let(self, each: Waiting | Timer) -> None:
        assert each.due is not None
        self._at.clock.at = max(self._at.clock.at, each.due)
        if isinstance(each, Waiting):
            settle(self._at, each, each.failure)
        else:
            self.fire(each)

    def fire(self, timer: Timer) -> None:
        if not (timer.limit and timer.of.where.silent and self._silence.ended_before(timer)):
            fire(self._at, timer)

    def by_itself(self, line: LogLine) -> bool:
        """The end of a leaf step, a time-out, a sub-flow's start."""
        if line.event in ("flow:start", "flow:mock-start"):
            return self.open_gate(line)
        if line.event not in ENDS:
            return False
        step_id = line.step_id or ""
        fit, waits = self._fit, self._at.pending.waiting.get(step_id, ())
        strict = self._at.known.ground.mode.times == EXACT and not self._at.known.lenient
        if len(waits) == 1 and not self._at.pending.timers:  # mostly: nothing to choose from
            if not fit.may_end(waits[0], line) or (strict and fit.is_bad(waits[0].of, line)):
                return self.refuse(line)
            self.end_with(waits[0], line)
            return True
        options: list[Candidate] = []
        for waiting in waits:
            if fit.may_end(waiting, line):
                cost = fit.cost(waiting.of, line)
                if strict and cost >= BAD:
                    continue
                label = f"ends {waiting.of.path}"
                act = partial(self.end_with, waiting, line)
                options.append(Candidate(cost, waiting.of, label, act, self._fit.hint(waiting.of, line)))
        late = self._fit.late(line)
        for timer in self._at.pending.timers:
            due = timer.of.node.id == step_id and timer.limit and timer.due <= line.at + late
            if due and self._fit.may_time_out(timer, line):
                cost = self._fit.cost(timer.of, line)
                label = f"times out {timer.of.path}"
                act = partial(self.fire, timer)
                options.append(Candidate(cost, timer.of, label, act, self._fit.hint(timer.of, line)))
        if strict:
            options = [each for each in options if each.cost < BAD]
        if not options:
            return self.refuse(line)
        choose(self._at, "end", options)
        return True

    def end_with(self, waiting: Waiting, line: LogLine) -> None:
        self._at.ending = waiting.of
        settle(self._at, waiting, failure_of(self._at, waiting, line))

    def open_gate(self, line: LogLine) -> bool:
        gates = [
            gate
            for gate in self._at.pending.gates
            if self._at.known.ground.trees.may_call(gate[0].node, line.flow_key or "")
        ]
        if not gates:
            return False
        options = [
            Candidate((1, 0), gate[0], f"starts {gate[0].path}", partial(open_gate, self._at, gate))
            for gate in gates
        ]
        for rank, container, waiting in self._silence.held_up(line):
            if waiting and rank == 0:
                act = partial(self._silence.end_first, waiting)
                options.append(Candidate((1, 0), container, f"goes on {container.path}", act, (1, 0)))
        choose(self._at, "gate", options)
        return True

    def refuse(self, line: LogLine) -> bool:
        """A sub-flow that could not begin."""
        gates = [
            gate
            for gate in self._at.pending.gates
            if gate[0].node.id == line.step_id and not gate[0].where.silent
        ]
        if line.event == "step:retry":
            gates = [
                gate
                for gate in self._at.pending.gates
                if gate[0].node.id == line.step_id
                and line.attempt == gate[0].attempts + 1
                and is_retry_of(gate[0].node, line)
            ]
        if not gates or line.status in ("success", "timeout"):
            return False
        open_gate(self._at, gates[0], StepFailure(line.error or error_of(self._at, gates[0][0])))
        return True

    def by_timer(self, line: LogLine) -> bool:
        """Another attempt, or what is silent and due at this very time."""
        until = line.at + self._fit.early(line)
        due = [each for each in self._at.pending.silent if each.due is not None and each.due <= until]
        timers = [each for each in self._at.pending.timers if each.due <= until and self.at_once(each, line)]
        soonest = _soonest([*due, *timers])
        if soonest is None:
            return False
        soonest.due = min(soonest.due or 0, line.at)
        self.let(soonest)
        return True

    def at_once(self, timer: Timer, line: LogLine) -> bool:
        if timer.limit:
            return timer.of.where.silent
        firsts = self._decisions.firsts_of(timer.of.node)
        return not firsts or self._decisions.is_first(line, firsts)


def _soonest(due: list[Waiting | Timer]) -> Waiting | Timer | None:
    return min(due, key=lambda each: each.due or 0, default=None)
