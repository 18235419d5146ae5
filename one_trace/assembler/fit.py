"""How well a line fits what waits: by how its step is written, by times, by what the state says and by what
must come after it."""

from __future__ import annotations

from collections.abc import Callable

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.live.tolerance import Tolerance
from one_trace.assembler.decisions import Decisions
from one_trace.assembler.executions import Execution
from one_trace.assembler.expected import SURE
from one_trace.assembler.ground import ANY, EXACT
from one_trace.assembler.pending import STATUS, Timer, Waiting
from one_trace.assembler.standing import Standing
from one_trace.record.log import LogLine

BAD = (8, 0.0)
"""The cost from which on a candidate does not fit."""
NEVER = float("inf")
TIMED_OUT = '" exceeded timeout of '
"""What the error of every time-out says."""
WRITTEN_MS = 3
"""Lines of one turn are written within this, where nothing is saved between them."""
BUSY_MS = 20
"""The same on a busy thread, with a state to be saved between them."""


class Fit:
    def __init__(self, at: Standing, decisions: Decisions) -> None:
        self._at, self._decisions = at, decisions
        ground = at.known.ground
        self._tolerance = Tolerance(ground.facts, exact=ground.mode.times == EXACT)
        self._same_late = self._always_late()

    def fits(self, execution: Execution, line: LogLine) -> bool:
        """Whether the line may be its end, by how long it was."""
        return self.apart(execution, line) <= self.late(line)

    @staticmethod
    def apart(execution: Execution, line: LogLine) -> float:
        if line.duration_ms is None:
            return 0.0
        return abs(line.at - line.duration_ms - execution.start)

    def _always_late(self) -> float | None:
        """How late the end that any line tells may be, where that is the same for all."""
        facts, times = self._at.known.ground.facts, self._at.known.ground.mode.times
        if times == ANY:
            return NEVER
        if times == EXACT:
            return self._tolerance(0)  # that of any line
        return max(WRITTEN_MS, self._tolerance(0)) if facts.exact else None

    def late(self, line: LogLine) -> float:
        if self._same_late is not None:
            return self._same_late
        return max(WRITTEN_MS, self._tolerance(self._at.script.cursor))

    def early(self, line: LogLine) -> float:
        """How much earlier than a line something may be due that comes after it."""
        return 0.0 if self._at.known.exact or self._at.known.ground.mode.times == ANY else self.late(line)

    def busy(self, line: LogLine) -> float:
        """How much later than what led to it a line may be written."""
        return WRITTEN_MS if self._at.known.exact else max(BUSY_MS, self.late(line))

    def is_bad(self, execution: Execution, line: LogLine) -> bool:
        """Whether its cost would be that of what does not fit, where times are exact."""
        if line.event in ("step:retry", "step:retry-success"):
            return False
        return self.apart(execution, line) > self.late(line) or not self.goes_on(execution, line)

    def cost(self, execution: Execution, line: LogLine) -> tuple[float, float]:
        apart = self.apart(execution, line)
        late = self.late(line)
        if line.event in ("step:retry", "step:retry-success"):
            return (1, 0)
        if (apart > late and self._at.known.ground.mode.times == EXACT) or not self.goes_on(execution, line):
            return (BAD[0] + 1, 0)
        reported = 1
        expected = self._at.known.expected.of(execution)
        result, level = expected.result, expected.level
        if result is not None and level == SURE:
            same = result.status == line.status and result.duration_ms == line.reported_ms
            reported = 0 if same else 3
            if same and self._at.known.ground.mode.times != EXACT:
                return (0, 0)
        return (reported + (BAD[0] if apart > late else 0), 0)

    def goes_on(self, execution: Execution, line: LogLine) -> bool:
        """Whether what must come of it is there: what comes after it in its list, the next iteration, the end
        of its flow, or of what an error ends."""
        where, above = execution.where, execution.where.above
        if where.silent or where.index is None or line.event not in ("step:complete", "step:error"):
            return True
        if (
            self._at.going.killed
            and self._at.known.ground.record.lines[self._at.going.end - 1].at
            <= line.at + self._at.script.slack
        ):
            return True
        failed = line.event == "step:error"
        nodes = execution.node.step_list.nodes
        if not failed and where.index + 1 < len(nodes):
            coming = self._at.script.after()
            return coming is None or (
                coming.event == "step:start" and coming.step_id == nodes[where.index + 1].id
            )
        if self._at.known.ground.stop_after is not None:
            return True
        if execution.node.step_list.owner is None:
            ends = "flow:error" if failed else "flow:complete"
            return self.follows(
                line, lambda each: each.event == ends and each.flow_key == execution.node.flow_key
            )
        if above is None or above.over is not None or where.attempt != above.attempts:
            return True
        if failed:
            return above.where.silent or self.follows(line, lambda each: each.step_id == above.node.id)
        count = self._at.notes.turns.get(above.number)
        if count is None or (where.iteration or 0) + 1 >= count:
            return True
        first = self._decisions.firsts(execution.node.step_list)
        return self.follows(line, lambda each: self._decisions.is_first(each, first))

    def follows(self, line: LogLine, is_it: Callable[[LogLine], bool]) -> bool:
        until = line.at + max(self._at.script.slack, 0 if self._at.known.exact else self.busy(line))
        coming = self._at.script.after()
        if coming is None or coming.at > until:
            return False
        return is_it(coming) or any(
            each is not line and is_it(each) for _, each in self._at.script.ahead(until)
        )

    def hint(self, execution: Execution, line: LogLine) -> tuple[float, int]:
        """How late it would be, and what the state says that may be of another execution: that decides only
        which is tried first."""
        return self.apart(execution, line), self.guess(execution, line)

    def guess(self, execution: Execution, line: LogLine) -> int:
        result = self._at.known.expected.of(execution).result
        if result is None or line.event != "step:complete":
            return 1
        return 0 if result.status == line.status and result.duration_ms == line.reported_ms else 2

    def may_end(self, waiting: Waiting, line: LogLine) -> bool:
        execution, node = waiting.of, waiting.of.node
        if line.event == "step:retry":
            return line.attempt == waiting.attempt + 1 and is_retry_of(node, line)
        if line.event == "step:retry-success":
            return line.retries == waiting.attempt - 1
        if execution.where.silent:
            return False
        if line.event == "step:error":
            return line.strategy in (None, node.said_strategy) and TIMED_OUT not in (line.error or "")
        if line.status not in STATUS:
            return True
        if line.status == "success":
            return (line.retries or 0) == waiting.attempt - 1
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


def is_retry_of(node: Node, line: LogLine) -> bool:
    """Whether the step is tried again as often, and after as long, as the line says."""
    if node.retries < (line.attempt or 2) - 1 or line.max_retries not in (None, node.retries):
        return False
    return node.retry_delay is None or line.delay_ms in (None, node.retry_delay)
