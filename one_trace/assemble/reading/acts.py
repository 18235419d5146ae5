"""What can happen in a reading, whatever the reason: a leaf is over, a timer goes off, a flow file is read, a
line ends a step."""

from __future__ import annotations

from one_trace.assemble.ground.choices import Candidate
from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.script import Conflict
from one_trace.assemble.reading.fit import BAD, RETRIES
from one_trace.assemble.reading.pending import STATUS, UNKNOWN, Timer, Waiting
from one_trace.assemble.reading.standing import Standing
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
    at.pending.fresh.clear()
    at.loop.drain()
    at.last = -1


def end_leaf(at: Standing, waiting: Waiting, failure: StepFailure | None) -> None:
    """A leaf is over."""
    at.pending.drop(waiting)
    if waiting.promise is not None:
        waiting.promise.resolve(failure)
    drain(at)


def failure_with(at: Standing, waiting: Waiting, line: LogLine) -> StepFailure | None:
    """What a leaf threw that the line in hand ends, which is noted."""
    later = at.known.exact and line.event in RETRIES  # its end has a line of its own
    at.ending = waiting.of if not later else None
    return failure_of(at, waiting, line)


def failure_of(at: Standing, waiting: Waiting, line: LogLine) -> StepFailure | None:
    """What the attempt threw that ends with this line."""
    if line.event == "step:error":
        return StepFailure(line.error or "")
    if line.event == "step:retry":
        return StepFailure(UNKNOWN)
    if line.status == "failed":
        return StepFailure(at.known.expected.error(waiting.of) or UNKNOWN)
    return None


def keep_at(at: Standing, index: int) -> None:
    """Before line `index`: keep the map as it is, if a message of the host was the last to save the state."""
    saved, notes = at.known.ground.saved, at.notes
    if saved.line < index and not notes.kept and saved.by_word:
        notes.kept = dict(notes.root)


def fire(at: Standing, timer: Timer) -> None:
    """A pause is over, or what runs is timed out: its end is no news then."""
    at.pending.timers.remove(timer)
    if timer.limit:
        at.known.expected.given_up.add(timer.of.node)
    for each in at.pending.waiting.get(timer.of.node.id, ()) if timer.limit else ():
        each.never = each.never or (each.of is timer.of and each.attempt == timer.attempt)
    timer.fire()
    drain(at)


def read_flows(at: Standing) -> bool:
    """What reads flow files has been imported: the sub-flows that were called until then begin, in order;
    later ones begin by themselves."""
    reader = at.pending.reader
    if reader is None or reader.settled or not at.pending.calls:
        return False
    if at.known.exact and not at.known.lenient:
        _read_at_once(at, at.pending.calls[0])
    reader.resolve(None)
    drain(at)
    return True


def _read_at_once(at: Standing, call: Execution) -> None:
    if call.attempt_start < at.clock.at:
        raise Conflict(f"the sub-flow of {call.path} begins too late", [call])


def finish(at: Standing, execution: Execution, index: int, line: LogLine) -> None:
    """A line has ended it."""
    pairing = at.pairings.of(execution.node.id)
    if pairing is not None and not pairing.take(execution.lines[0], index):
        raise Conflict(f"another has to end with line {index + 1}, or an end has no start", [execution])
    if execution.over is None:
        execution.over = at.clock.moment()
    execution.lines, execution.line = (execution.lines[0], index), line
    execution.end = line.at
    opened = at.pending.open[execution.node.id]
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
