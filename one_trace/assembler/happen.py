"""What goes on with a line: a leaf that ends, a timer that goes off, a sub-flow that begins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from one_trace.assembler.choices import Candidate
from one_trace.assembler.executions import Execution
from one_trace.assembler.fit import BAD, is_retry_of
from one_trace.assembler.followed import LEAVES
from one_trace.assembler.ground import EXACT
from one_trace.assembler.pending import ENDS, UNKNOWN, Timer, Waiting
from one_trace.assembler.script import Conflict
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Promise
from one_trace.record.log import LogLine

if TYPE_CHECKING:
    from one_trace.assembler.drive import Drive


class Happen:
    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    def explain(self, line: LogLine) -> None:
        index = self._drive.choices.at = self._drive.script.cursor
        self.pass_time(line.at - self._drive.fit.early(line))
        if self._drive.script.taken[index]:
            return
        self._drive.clock.at = max(self._drive.clock.at, line.at)
        while (
            self.by_itself(line)
            or self.by_timer(line)
            or self._drive.silence.by_silence(line)
            or self._drive.silence.keep_promise(line.at + self._drive.fit.early(line) + 0.5, None)
        ):
            if self._drive.script.taken[index]:
                return
        if self._drive.tolerant is not None:
            self._drive.tolerant.place(index, line)
            return
        raise Conflict(
            f"line {index}, {line.event} {line.step_id or line.flow_key}, does not come",
            self._drive.pending.open.get(line.step_id or "", ()),
        )

    def drain(self) -> None:
        self._drive.loop.drain()
        self._drive.last = -1

    def settle(self, waiting: Waiting, failure: StepFailure | None) -> None:
        self._drive.pending.waiting[waiting.of.node.id].remove(waiting)
        if waiting.of.where.silent:
            self._drive.pending.silent.remove(waiting)
        waiting.promise.resolve(failure)
        self.drain()

    def pass_time(self, until: float) -> None:
        """What the log has no line of happens when it is due."""
        while True:
            due = [each for each in self._drive.pending.silent if each.due is not None and each.due < until]
            timers = [each for each in self._drive.pending.timers if each.due < until and self.goes_off(each)]
            soonest = _soonest([*due, *timers])
            if self._drive.silence.keep_promise(until, soonest.due if soonest is not None else None):
                continue
            if soonest is None:
                return
            self.let(soonest)

    def goes_off(self, timer: Timer) -> bool:
        """A silent time-out, or an attempt of what writes no line then."""
        if timer.limit and not timer.of.where.silent:
            if self._drive.exact and timer.due < self._drive.clock.at and self._drive.tolerant is None:
                raise Conflict(
                    f"{timer.of.path} was timed out before line {self._drive.script.cursor}", [timer.of]
                )
            return False
        return timer.limit or self._drive.exact or timer.of.node.type in LEAVES

    def let(self, each: Waiting | Timer) -> None:
        assert each.due is not None
        self._drive.clock.at = max(self._drive.clock.at, each.due)
        if isinstance(each, Waiting):
            self.settle(each, each.failure)
        else:
            self.fire(each)

    def fire(self, timer: Timer) -> None:
        if timer.limit and timer.of.where.silent and self._drive.silence.ended_before(timer):
            return
        self._drive.pending.timers.remove(timer)
        for each in self._drive.pending.waiting.get(timer.of.node.id, ()) if timer.limit else ():
            each.never = each.never or (each.of is timer.of and each.attempt == timer.attempt)
        timer.fire()
        self.drain()

    def by_itself(self, line: LogLine) -> bool:
        """The end of a leaf step, a time-out, a sub-flow's start."""
        if line.event in ("flow:start", "flow:mock-start"):
            return self.open_gate(line)
        if line.event not in ENDS:
            return False
        step_id = line.step_id or ""
        options: list[Candidate] = []
        for waiting in self._drive.pending.waiting.get(step_id, ()):
            if self._drive.fit.may_end(waiting, line):
                cost = self._drive.fit.cost(waiting.of, line)
                label = f"ends {waiting.of.path}"
                act = partial(self.end_with, waiting, line)
                options.append(
                    Candidate(cost, waiting.of, label, act, self._drive.fit.hint(waiting.of, line))
                )
        late = self._drive.fit.late(line)
        for timer in self._drive.pending.timers:
            due = timer.of.node.id == step_id and timer.limit and timer.due <= line.at + late
            if due and self._drive.fit.may_time_out(timer, line):
                cost = self._drive.fit.cost(timer.of, line)
                label = f"times out {timer.of.path}"
                act = partial(self.fire, timer)
                options.append(Candidate(cost, timer.of, label, act, self._drive.fit.hint(timer.of, line)))
        if self._drive.ground.times == EXACT and self._drive.tolerant is None:
            options = [each for each in options if each.cost < BAD]
        if not options:
            return self.refuse(line)
        self.choose("end", options)
        return True

    def choose(self, kind: str, options: list[Candidate]) -> None:
        fitting = [each for each in options if each.cost < BAD] or options
        act = self._drive.choices.among(kind, fitting).act
        assert act is not None
        for each in fitting:
            each.act = None  # a choice is kept as long as the reading is
        act()

    def end_with(self, waiting: Waiting, line: LogLine) -> None:
        self._drive.ending = waiting.of
        self.settle(waiting, self.failure_of(waiting, line))

    def failure_of(self, waiting: Waiting, line: LogLine) -> StepFailure | None:
        if line.event == "step:error":
            return StepFailure(line.error or "")
        if line.event == "step:retry":
            return StepFailure(UNKNOWN)
        if line.status == "failed":
            return StepFailure(self.error_of(waiting.of))
        return None

    def error_of(self, execution: Execution) -> str:
        result = self._drive.expected.of(execution).result
        return (result.error if result is not None else None) or UNKNOWN

    def open_gate(self, line: LogLine) -> bool:
        gates = [
            gate
            for gate in self._drive.pending.gates
            if self._drive.ground.trees.may_call(gate[0].node, line.flow_key or "")
        ]
        if not gates:
            return False
        options = [
            Candidate((1, 0), gate[0], f"starts {gate[0].path}", partial(self.open, gate)) for gate in gates
        ]
        for rank, container, waiting in self._drive.silence.held_up(line):
            if waiting and rank == 0:
                act = partial(self._drive.silence.end_first, waiting)
                options.append(Candidate((1, 0), container, f"goes on {container.path}", act, (1, 0)))
        self.choose("gate", options)
        return True

    def open(self, gate: tuple[Execution, Promise[None]], failure: StepFailure | None = None) -> None:
        self._drive.pending.gates.remove(gate)
        self._drive.maps.running = gate[0]
        if failure is None:
            gate[1].resolve(None)
        else:
            gate[1].reject(failure)
        self.drain()

    def refuse(self, line: LogLine) -> bool:
        """A sub-flow that could not begin."""
        gates = [
            gate
            for gate in self._drive.pending.gates
            if gate[0].node.id == line.step_id and not gate[0].where.silent
        ]
        if line.event == "step:retry":
            gates = [
                gate
                for gate in self._drive.pending.gates
                if gate[0].node.id == line.step_id
                and line.attempt == gate[0].attempts + 1
                and is_retry_of(gate[0].node, line)
            ]
        if not gates or line.status in ("success", "timeout"):
            return False
        self.open(gates[0], StepFailure(line.error or self.error_of(gates[0][0])))
        return True

    def by_timer(self, line: LogLine) -> bool:
        """Another attempt, or what is silent and due at this very time."""
        until = line.at + self._drive.fit.early(line)
        due = [each for each in self._drive.pending.silent if each.due is not None and each.due <= until]
        timers = [
            each for each in self._drive.pending.timers if each.due <= until and self.at_once(each, line)
        ]
        soonest = _soonest([*due, *timers])
        if soonest is None:
            return False
        soonest.due = min(soonest.due or 0, line.at)
        self.let(soonest)
        return True

    def at_once(self, timer: Timer, line: LogLine) -> bool:
        if timer.limit:
            return timer.of.where.silent
        firsts = self._drive.maps.decisions.firsts_of(timer.of.node)
        return not firsts or self._drive.maps.decisions.is_first(line, firsts)


def _soonest(due: list[Waiting | Timer]) -> Waiting | Timer | None:
    return min(due, key=lambda each: each.due or 0, default=None)
