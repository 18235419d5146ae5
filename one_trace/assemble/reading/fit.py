"""How well a line fits what waits: by how its step is written, by times, by what the state says and by what
must come after it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator

from one_trace.assemble.flowtree.tree import LEAVES, Node
from one_trace.assemble.ground.choices import Cost
from one_trace.assemble.ground.executions import Execution, loud_around
from one_trace.assemble.ground.facts import BUSY_MS, LONG_BUSY_MS, WRITTEN_MS, Tolerance
from one_trace.assemble.ground.ground import ANY, EXACT
from one_trace.assemble.ground.script import FINAL
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.decisions import Decisions
from one_trace.assemble.reading.expected import SURE
from one_trace.assemble.reading.pending import NEVER, STATUS, Timer, Waiting
from one_trace.assemble.reading.standing import Standing
from one_trace.assemble.reading.weights import Weight
from one_trace.record.log import LogLine

BAD = (weights.BAD, 0.0)
"""The cost from which on a candidate does not fit."""
RETRIES = ("step:retry", "step:retry-success")
_LOOKED_AT = 50
"""So many ends are looked at for that of what is tried again."""
_UNKNOWN_MS = 1.0
"""How far an end without a duration is taken to be from its start."""
TIMED_OUT = '" exceeded timeout of '
"""What the error of every time-out says."""


class Fit:
    def __init__(self, at: Standing, decisions: Decisions) -> None:
        self._at, self._decisions = at, decisions
        ground = at.known.ground
        self._tolerance = Tolerance(ground.facts, exact=at.known.exact)
        self._exact = ground.mode.times == EXACT
        self.strict = self._exact and not at.known.lenient
        """What does not fit is left alone."""
        self._measured = Tolerance(ground.facts, exact=True)(0)
        self._on_time, self._stop_after = ground.facts.exact, ground.stop_after
        self._same_late = self._always_late()
        self._clocks = ground.clocks if self._exact and not self._on_time else None

    def fits(self, execution: Execution, line: LogLine) -> bool:
        """Whether the line may be its end, by how long it was."""
        apart = self.apart(execution, line)
        return not apart or apart <= self.delay(execution, line)

    def open_for(self, line: LogLine) -> list[Execution]:
        """What runs that the line may be of, by its time if there is any such."""
        opened = self._at.pending.open.get(line.step_id or "", [])
        return [each for each in opened if self.fits(each, line)] or opened

    def in_time(self, waits: list[Waiting], line: LogLine) -> list[Waiting]:
        """Those of which the line may be the end, by how long they were."""
        if line.duration_ms is None or line.event in RETRIES:
            return waits
        return [each for each in waits if self.fits(each.of, line)]

    def apart(self, execution: Execution, line: LogLine) -> float:
        """How much longer or shorter it was than the line says. A step's own clock starts after its first
        line is written, and before the next one is: the host is one thread."""
        if line.duration_ms is None:
            return 0.0
        apart = line.at - line.duration_ms - execution.start
        if apart <= 0 or self._on_time:
            return abs(apart)
        return max(0.0, apart + execution.start - self.latest_start(execution))

    def latest_start(self, execution: Execution) -> float:
        """When its own clock started at the latest."""
        begun, lines = execution.lines[0], self._at.script.lines
        if begun < 0 or self._on_time:
            return execution.start
        return max(execution.start, lines[min(begun + 1, len(lines) - 1)].at)

    def _always_late(self) -> float | None:
        """By how many ms any end may be late, where that is the same for all."""
        if self._at.known.ground.mode.times == ANY:
            return NEVER
        return self._tolerance(0) if self._at.known.ground.facts.exact else None

    def late(self) -> float:
        """By how many ms the end that the next line reports may be late."""
        if self._same_late is not None:
            return self._same_late
        return max(WRITTEN_MS, self._tolerance(self._at.script.cursor))

    def delay(self, execution: Execution, line: LogLine) -> float:
        """How much later than its own clock stopped the line of its end may be written."""
        if self._clocks is None:
            return self.late()
        return self._clocks.delay(line, leaf=execution.node.type in LEAVES)

    def early(self) -> float:
        """By how many ms the next line may come before what is due after it."""
        return 0.0 if self._at.known.exact or self._at.known.ground.mode.times == ANY else self.late()

    def busy(self) -> float:
        """By how many ms a line may be later than what led to it."""
        if self._at.known.exact:
            return 0 if self._at.known.ground.mode.prompt else WRITTEN_MS
        return max(BUSY_MS if self._exact else LONG_BUSY_MS, self.late())

    def is_bad(self, execution: Execution, line: LogLine) -> bool:
        """Whether its cost would be that of what does not fit, where times are exact."""
        if line.event in RETRIES:
            return False
        return not (self.fits(execution, line) and self.goes_on(execution, line))

    def cost(self, execution: Execution, line: LogLine) -> Cost:
        return (sum(self.weighed(execution, line)), 0)

    def weighed(self, execution: Execution, line: LogLine) -> tuple[Weight, ...]:
        """How well the line fits as its end."""
        if line.event in RETRIES:
            return (weights.FITS,)
        late = not self.fits(execution, line)
        if late and self._exact:
            return weights.FITS, weights.TOO_LATE
        if not self.goes_on(execution, line):
            return (weights.LEADS_NOWHERE,)
        fits = weights.FITS
        expected = execution.expected or self._at.known.expected.of(execution)
        result, level = expected.result, expected.level
        if result is not None and level == SURE:
            if result.status == line.status and result.duration_ms == line.reported_ms:
                return (weights.SAME,)
            fits = weights.DIFFERS
        return (fits, weights.TOO_LATE) if late else (fits,)

    def goes_on(self, execution: Execution, line: LogLine) -> bool:
        """Whether what must come of it is there: what comes after it in its list, the next iteration, the end
        of its flow, or of what an error ends."""
        where, above = execution.where, execution.where.above
        if where.silent or where.index is None or line.event not in FINAL:
            return True
        if self._at.going.killed and self._may_be_cut(line):
            return True
        failed = line.event == "step:error"
        if not failed and execution.node.id == self._stop_after:
            return True
        nodes = execution.node.step_list.nodes
        if not failed and where.index + 1 < len(nodes):
            coming = self._at.script.after()
            return coming is None or (
                coming.event == "step:start" and coming.step_id == nodes[where.index + 1].id
            )
        if execution.node.step_list.owner is None:
            ends = "flow:error" if failed else "flow:complete"
            return self.follows(
                line, lambda each: each.event == ends and each.flow_key == execution.node.flow_key
            )
        if above is None:
            return True
        seen = not above.where.silent and self.waits_for(above, where.attempt)
        if failed:
            ids = (above.node.id,)
            return not seen or self.follows(line, lambda each: each.step_id == above.node.id, ids)
        iterations = self._decisions.iterations_of(above)
        if iterations is None:
            return True
        (least, most), begun = iterations, (where.iteration or 0) + 1
        if begun >= least and not seen:
            return True
        first = self._decisions.firsts(execution.node.step_list)
        return self.follows(
            line,
            lambda each: (
                (begun < most and self._decisions.is_first(each, first))
                or (begun >= least and seen and self._is_end_of(above, each))
            ),
            {above.node.id, *first},
        )

    def _may_be_cut(self, line: LogLine) -> bool:
        """The run was killed before more was written."""
        at = self._at
        if at.known.exact:
            return at.script.after() is None
        return at.script.lines[at.going.end - 1].at <= line.at + at.script.slack

    def waits_for(self, container: Execution, attempt: int | None) -> bool:
        """A container still waits for what runs in this attempt."""
        if container.over is not None or attempt != container.attempts:
            return False
        return not any(each.of is container and not each.limit for each in self._at.pending.timers)

    def _is_end_of(self, execution: Execution, line: LogLine) -> bool:
        return line.step_id == execution.node.id and (
            line.event != "step:complete" or self.fits(execution, line)
        )

    def follows(self, line: LogLine, is_it: Callable[[LogLine], bool], ids: Collection[str] = ()) -> bool:
        """Whether it is there in this moment. `ids`: it is a line of one of these steps."""
        until = line.at + max(self._at.script.slack, 0 if self._at.known.exact else self.busy())
        coming = self._at.script.after()
        if coming is None or coming.at > until:
            return False
        return is_it(coming) or any(each is not line and is_it(each) for each in self._ahead(until, ids))

    def _ahead(self, until: float, ids: Collection[str]) -> Iterator[LogLine]:
        script, of_steps = self._at.script, self._at.known.ground.lines
        if not ids:
            return (line for _, line in script.ahead(until))
        lists = [by_step[each] for each in ids for by_step in (of_steps.starts, of_steps.ends)]
        return (script.lines[index] for indices in lists for index in script.among(indices, until))

    def hint(self, execution: Execution, line: LogLine) -> tuple[float, float]:
        """Whether it is later than any line is known to be, what the state says that may be of another
        execution, and when it began: of those that a line fits the first has the least time left. It decides
        only which is tried first."""
        if line.event == "step:retry":
            # What began last has the longest to go, and what is tried again goes on longer.
            return self._end_of_retried(execution, line), -execution.start
        later = self.apart(execution, line) > self._measured and line.event not in RETRIES
        return 3 * later + self.guess(execution, line), execution.start

    def _end_of_retried(self, execution: Execution, line: LogLine) -> float:
        """How far, in ms, the end of what was tried so often is from that which it may have."""
        script, silent = self._at.script, execution.where.silent
        own = loud_around(execution) if silent else execution
        if own is None:
            return 0.0
        ends, tries = self._at.known.ground.lines.ends[own.node.id], line.attempt or 2
        first = bisect_right(ends, script.cursor)
        apart = [
            _UNKNOWN_MS if end.event == "step:error" else self.apart(own, end)
            for index in ends[first : first + _LOOKED_AT]
            if (end := script.lines[index]).event == "step:error"
            or _has_tried(execution, script.lines[index - 1] if silent else end, tries)
        ]
        return min(apart, default=NEVER)

    def guess(self, execution: Execution, line: LogLine) -> int:
        result = (execution.expected or self._at.known.expected.of(execution)).result
        if result is None or line.event != "step:complete":
            return 1
        return 0 if result.status == line.status and result.duration_ms == line.reported_ms else 2

    def may_end_alone(self, waiting: Waiting, line: LogLine) -> bool:
        """Whether the line may be the end of this leaf, the only one of its step that waits."""
        pending = self._at.pending
        if not self.may_be_end(waiting.of, waiting.attempt, line):
            return False
        if not self.strict:
            return True
        if pending.silent or pending.promised or pending.calls:
            return not self.is_bad(waiting.of, line)
        return line.event in RETRIES or self.fits(waiting.of, line)

    def may_end(self, waiting: Waiting, line: LogLine) -> bool:
        return self.may_be_end(waiting.of, waiting.attempt, line)

    def may_be_end(self, execution: Execution, attempt: int, line: LogLine) -> bool:
        """Whether the line may be the end of this attempt, by how its step handles errors."""
        node = execution.node
        if line.event == "step:retry":
            return line.attempt == attempt + 1 and is_retry_of(node, line)
        if line.event == "step:retry-success":
            return line.retries == attempt - 1
        if execution.where.silent:
            return False
        if line.event == "step:error":
            if line.strategy not in (None, node.own_strategy) or TIMED_OUT in (line.error or ""):
                return False
            return attempt > node.retries or self._at.script.is_skip_before(line.step_id)
        if line.status not in STATUS:
            return True
        if line.status == "success":
            return (line.retries or 0) == attempt - 1
        return line.status == "failed" and node.goes_on

    @staticmethod
    def may_time_out(timer: Timer, line: LogLine) -> bool:
        node = timer.of.node
        if line.event == "step:retry-success":
            return False
        if line.event == "step:retry":
            return line.attempt == timer.attempt + 1 and is_retry_of(node, line)
        if timer.of.where.silent:
            return False
        if line.event == "step:error":
            return node.has_timed_out(line.error)
        return line.status == "timeout"


def _has_tried(execution: Execution, line: LogLine, tries: int) -> bool:
    """The line says that the step has succeeded after so many tries."""
    event = "step:retry-success" if execution.where.silent else "step:complete"
    return line.event == event and line.step_id == execution.node.id and (line.retries or 0) >= tries - 1


def is_retry_of(node: Node, line: LogLine) -> bool:
    """Whether the step is tried again as often, and after as long, as the line says."""
    if node.retries < (line.attempt or 2) - 1 or line.max_retries not in (None, node.retries):
        return False
    return node.retry_delay is None or line.delay_ms in (None, node.retry_delay)
