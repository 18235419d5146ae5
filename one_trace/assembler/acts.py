"""What happens in a reading, whatever the reason: a leaf goes on, a timer goes off, a file is read, a step is
over."""

from __future__ import annotations

from one_trace.assembler.choices import Candidate
from one_trace.assembler.executions import Execution
from one_trace.assembler.fit import BAD
from one_trace.assembler.pending import STATUS, Gate, Timer, Waiting
from one_trace.assembler.standing import Standing
from one_trace.engine.failures import StepFailure
from one_trace.record.log import LogLine


def choose(at: Standing, kind: str, options: list[Candidate]) -> None:
    """Do what fits best."""
    fitting = [each for each in options if each.cost < BAD] or options
    act = at.choices.among(kind, fitting).act
    assert act is not None
    for each in fitting:
        each.act = None  # choices are kept, and what they could have done takes up much room
    act()


def drain(at: Standing) -> None:
    """All that follows at once."""
    at.loop.drain()
    at.last = -1


def settle(at: Standing, waiting: Waiting, failure: StepFailure | None) -> None:
    """A leaf is over."""
    at.pending.waiting[waiting.of.node.id].remove(waiting)
    if waiting.of.where.silent:
        at.pending.silent.remove(waiting)
    waiting.promise.resolve(failure)
    drain(at)


def fire(at: Standing, timer: Timer) -> None:
    """A pause is over, or what runs is timed out: its end is no news then."""
    at.pending.timers.remove(timer)
    for each in at.pending.waiting.get(timer.of.node.id, ()) if timer.limit else ():
        each.never = each.never or (each.of is timer.of and each.attempt == timer.attempt)
    timer.fire()
    drain(at)


def open_gate(at: Standing, gate: Gate, failure: StepFailure | None = None) -> None:
    """The file of a sub-flow is read."""
    at.pending.gates.remove(gate)
    at.running = gate[0]
    if failure is None:
        gate[1].resolve(None)
    else:
        gate[1].reject(failure)
    drain(at)


def finish(at: Standing, execution: Execution, index: int, line: LogLine) -> None:
    """A line has ended it."""
    if execution.over is None:
        execution.over = at.clock.moment()
    execution.lines, execution.line = (execution.lines[0], index), line
    execution.end = line.at
    opened = at.pending.open.get(execution.node.id, [])
    if execution in opened:
        opened.remove(execution)
    if line.event == "step:error":
        execution.error = line.error
        return
    if line.status not in STATUS:
        execution.status = "error"
        how = (line.status or "")[:40]
        at.known.ground.faults.append(
            f"the step {execution.node.id[:80]!r} has ended in a way not known: {how!r}"
        )
    if index == at.known.ground.saved.line:
        at.notes.kept = dict(at.notes.root)
