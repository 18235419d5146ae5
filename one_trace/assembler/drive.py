"""A reading: the engine runs the flow again, and each line of the log says which of what waits goes on.

The engine is the proposer. It knows what starts what and what is over when; what it cannot know is which leaf
ends next, and that is what the next line says. Where the line fits several, that is a `Choice`; where the engine
comes to what the log does not have, that is a `Conflict`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from one_trace.assemble.tree import Node
from one_trace.assembler.choices import Candidate, Choices
from one_trace.assembler.decisions import Decisions
from one_trace.assembler.executions import Execution, Where, is_late, outwards, prefix
from one_trace.assembler.expected import LIKELY, SURE, UNLIKELY, Expected
from one_trace.assembler.followed import LEAVES, DrivenLoop, Followed, LineClock, Timer, Waiting
from one_trace.assembler.ground import ANY, EXACT, Go, Ground
from one_trace.assembler.maps import Made, Maps
from one_trace.assembler.script import Conflict, Script
from one_trace.assembler.tolerant import Tolerant
from one_trace.engine.call import FlowScope, RunOptions
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Promise
from one_trace.engine.observer import Place
from one_trace.engine.retry import OnError
from one_trace.engine.values import Handle
from one_trace.model.trace import RunStatus
from one_trace.record.log import LogLine
from one_trace.record.state import Result

STATUS = {"success": "success", "skipped": "skipped", "failed": "error", "timeout": "timeout"}
UNKNOWN = "\0 an error that the record does not tell"
_UNSAVED = ("Invalid string length", "Do not know how to serialize", "Converting circular structure")
"""What JSON.stringify throws when the host saves its state after a step."""


Learned = Mapping[str, Result]
"""What the state turned out to say of silent executions, by path."""


_ENDS = ("step:complete", "step:error", "step:retry", "step:retry-success")
TIMED_OUT = '" exceeded timeout of '
_WRITTEN_MS = 3
_BUSY_MS = 20


class Finished(Exception):  # noqa: N818  not an error
    """The log has no more lines of this go."""


class Drive:
    """One reading of a record. `run` gives its executions, or raises Conflict."""

    def __init__(self, ground: Ground, choices: Choices, learned: Learned, *, lenient: bool = False) -> None:
        self.ground, self.choices, self._learned = ground, choices, learned
        self.tolerant = Tolerant(self) if lenient else None
        self.exact = ground.facts.exact and ground.times == EXACT
        """Everything happens when it is due, and is written at once."""
        self.script = Script(ground.record.lines, 0 if self.exact else _WRITTEN_MS)
        self.clock = LineClock()
        self.loop = DrivenLoop(self.clock, self)
        self.maps = Maps()
        state = ground.record.state
        context = state.context if state is not None else None
        self.expected = Expected(context.steps if context is not None else None, len(ground.goes))
        self.maps.decisions = Decisions(self, self.expected)
        self.executions: list[Execution] = []
        self.open: dict[str, list[Execution]] = {}
        """Those with events that have begun and not ended, by step id."""
        self.waiting: dict[str, list[Waiting]] = {}
        """Leaf bodies by step id."""
        self.silent: list[Waiting] = []
        self.promised: list[tuple[float, Execution, bool]] = []
        """Silent containers of which the state says when they ended, and whether they failed."""
        self.timers: list[Timer] = []
        self.gates: list[tuple[Execution, Promise[None]]] = []
        self._raised: dict[str, deque[Execution]] = {}
        self._moment = 0
        self._ending: Execution | None = None
        """The leaf that the line in hand was found to end."""
        self._last = -1
        """The line that was taken last of what one end has led to: what follows from it stands after it."""
        self._go = ground.goes[0]
        self._engine: Followed
        self.whole: Promise[bool] | None = None
        """The flow of the last go."""
        self.root = Handle(self.maps, "contexts")
        self.guessed: set[StepFailure] = set()
        """Failures of which only the step is known that they came through."""
        self._open_inside: set[Execution] = set()
        self._reserved: set[int] = set()
        """Lines that are the ends of leaves which were over at once."""
        self._unseen: set[Execution] = set()
        """What began after the last line, as far as it did at all."""
        self.turns: dict[int, int] = {}
        """How many iterations a loop makes one after another, by its number."""
        self.forced: set[Execution] = set()
        """Silent leaves of which only what followed tells that they were over."""
        self.kept: dict[str, Made] = {}
        """The root's map when the state was saved last."""

    @property
    def go(self) -> int:
        return self._go.number

    @property
    def prefix(self) -> str:
        return self._go.prefix

    # -- the run

    def run(self) -> None:
        for go in self.ground.goes:
            self._run_go(go)

    def _run_go(self, go: Go) -> None:
        self._go = go
        self.open, self.waiting, self.silent, self.timers, self.gates = {}, {}, [], [], []
        self.promised = []
        self.script.open(go.begin, go.end)
        if go.begin == go.end:
            return
        self.clock.at = self.ground.record.lines[go.begin].at
        options = RunOptions(
            dry_run=go.dry_run and not go.mock, allow_bash=True, stop_after=self.ground.stop_after
        )
        self._engine = Followed(self, self.maps, self.loop, options)
        flow = self.ground.root_flow
        key = str(flow.get("key"))
        scope = FlowScope(key, "", (), flow.get("defaultOnError"))
        try:
            first = self.script.peek()
            if first is not None and not self.ground.bare:
                self.clock.at = first.at
                flowing = self._engine.flow(flow, scope, self.root, Place(), go.done(self.script))
                self.whole = self.loop.go(flowing)
                self._drain()
            while (line := self.script.peek()) is not None:
                self._keep_at(self.script.cursor)
                self._explain(line)
            self._pass_time(last := self.ground.record.lines[go.end - 1].at)
            for timer in self.timers:
                if not timer.limit and timer.due <= last + self.script.slack:
                    timer.of.doubt("attempts", "retries")
        except Finished:
            pass
        self._keep_at(go.end)

    @property
    def outcome(self) -> RunStatus | None:
        whole = self.whole
        if whole is None or not whole.settled:
            return None
        return "error" if whole.error is not None else "success" if whole.value else "stopped"

    @property
    def failure(self) -> StepFailure | None:
        error = self.whole.error if self.whole is not None else None
        return error if isinstance(error, StepFailure) else None

    def close(self) -> None:
        """What has events ends with one; and what is certain of the silent ones."""
        gone: set[Execution | None] = set()
        for each in self.executions:
            unseen = not each.where.silent and max(each.lines) < 0
            if unseen or each.where.above in gone:
                gone.add(each)
        self.executions = [each for each in self.executions if each not in gone]
        writers = Counter(self.expected.of(each).slot for each in self.executions)
        for each in reversed(self.executions):
            if each.where.above is not None and is_late(each, either=True):
                each.doubt("late")
            if not each.where.silent:
                if each.lines[1] < 0 and each.status != "stopped":
                    each.status, each.over, each.end = None, None, None
                elif each.result is None:
                    self._take_alike(each)
                continue
            expected = self.expected.of(each)
            if each.result is not None:
                block = each.where.above
                failed = block is not None and block.status != "success"
                if expected.level == UNLIKELY or (
                    expected.level < SURE and (failed or writers[expected.slot] > 1)
                ):
                    each.doubt("outputBytes", "status", "durationMs", "late")
                continue
            unknown = each.node.type in LEAVES and each.status != "skipped"
            unknown = unknown or each in self.forced
            if unknown or each.over is None or each in self._open_inside or each in self._unseen:
                each.doubt("status", "durationMs", "late")
                if each.where.above is not None:
                    self._open_inside.add(each.where.above)
        self._doubt_batches()

    def _doubt_batches(self) -> None:
        """What began when something ended of which it is not known when has no certain duration either."""
        unsure: set[tuple[int, int | None]] = set()
        for each in self.executions:
            where = each.where
            if not where.silent or where.above is None or where.index is None:
                continue
            key = where.above.number, where.attempt
            later = where.index >= where.above.node.concurrency
            if key in unsure and later and each.result is None:
                each.doubt("status", "durationMs", "late")
            if each.doubts is not None and "status" in each.doubts:
                unsure.add(key)

    def _take_alike(self, each: Execution) -> None:
        """A result that looks as its own would, and may be that of a later step with its id, in
        a sub-flow, which is not validated."""
        result, line = self.expected.of(each).result, each.line
        again = sum(node.id == each.node.id for node in each.node.listing.nodes) > 1
        if again and result is not None and line is not None and line.event == "step:complete":
            if result.status == line.status and result.duration_ms == line.reported_ms:
                each.result = result
                each.doubt("outputBytes")

    def _keep_at(self, index: int) -> None:
        """The state was saved last by a message of the host itself, after all lines before it."""
        saved = self.ground.saved
        if saved < index and not self.kept and self.ground.saved_by_word:
            self.kept = dict(self.maps.map_of(self.root))

    # -- what the engine tells

    def begins(self, step: dict[str, Any], flow_key: str, place: Place, index: int, events: bool) -> int:
        above = self.executions[place.span - 1] if place.span is not None else None
        node = self.ground.node_of(step, flow_key)
        where = Where(
            above, place.attempt, place.iteration, place.branch, index, self._go.number, not events
        )
        path = f"{prefix(place, above, self._go.prefix)} > {node.id}"
        number = len(self.executions) + 1
        execution = Execution(number, node, where, path, self.clock.at)
        self.executions.append(execution)
        self.maps.running = execution
        if self.script.peek() is None:
            self._unseen.add(execution)
        if events:
            self._engine.subject = execution
        elif node.type not in LEAVES:
            result, level, *_ = self.expected.of(execution)
            result = result if level == SURE else self._learned.get(execution.path)
            if result is not None and result.status in ("success", "failed"):
                due = execution.start + (result.duration_ms or 0)
                self.promised.append((due, execution, result.status == "failed"))
        return number

    def attempt_begins(self, span: int) -> None:
        execution = self.executions[span - 1]
        self._moment += 1
        execution.begins.append((self._moment, self.clock.at))
        self.maps.running = execution

    def ends(self, execution: Execution, status: str, raised: bool) -> None:
        if self._go.killed and execution.where.silent and self.script.peek() is None:
            return  # it was killed before that, as far as anybody can tell
        self._moment += 1
        execution.over = self._moment
        execution.status = STATUS.get(status, status)
        execution.end = self.clock.at
        if raised and not execution.where.silent:
            self._raised.setdefault(execution.node.id, deque()).append(execution)

    def waits(self, execution: Execution, attempt: int) -> Promise[StepFailure | None]:
        waiting = Waiting(execution, attempt, Promise(self.loop))
        if execution.where.silent:
            self._foresee(waiting)
            if self.ground.at_once and waiting.due == self.clock.at:
                waiting.promise.resolve(waiting.failure)
                return waiting.promise
            self.silent.append(waiting)
        elif self.ground.at_once and self._is_over_at_once(waiting):
            return waiting.promise
        self.waiting.setdefault(execution.node.id, []).append(waiting)
        return waiting.promise

    def _is_over_at_once(self, waiting: Waiting) -> bool:
        """Whether one of the next lines of this moment is its end, in the order in which they began."""
        for index, line in self.script.ahead(self.clock.at):
            if line.step_id != waiting.of.node.id or index in self._reserved:
                continue
            if line.event in _ENDS and not line.duration_ms and self._may_end(waiting, line):
                self._reserved.add(index)
                waiting.promise.resolve(self._failure_of(waiting, line))
                return True
        return False

    def _foresee(self, waiting: Waiting) -> None:
        """When the state says that a silent leaf ended, and how."""
        execution = waiting.of
        result = self._believed(execution)
        if result is None:
            return
        if result.status == "timeout":
            waiting.never = True
        elif result.status == "success" and (result.retries or 0) + 1 != waiting.attempt:
            waiting.never = True  # its step:retry says when this attempt failed
        else:
            waiting.due = execution.start + (result.duration_ms or 0)
            if result.status == "failed":
                waiting.failure = StepFailure(result.error or UNKNOWN, code=result.error_code)

    def _believed(self, execution: Execution) -> Result | None:
        result, level, *_ = self.expected.of(execution)
        if level == SURE:
            return result
        learned = self._learned.get(execution.path)
        result = learned if learned is not None else result
        if result is None:
            return None
        likely = learned is not None or level == LIKELY
        return result if self.choices.whether("believed", execution, likely=likely) else None

    def gives_up(self, execution: Execution | None, on_error: OnError, failure: StepFailure) -> bool:
        """Whether the host did not try again: its retry-skip stands before the line that is next."""
        index = self.script.cursor - 1
        line = self.ground.record.lines[index] if index >= 0 else None
        if line is not None and line.event == "step:retry-skip" and execution is not None:
            if line.step_id == execution.node.id:
                return True
        after = self.script.peek()
        if after is not None and after.event == "step:retry" and execution is not None:
            if after.step_id == execution.node.id:
                return False
        return on_error.no_retry_reason(failure) is not None

    def find_flow(self, key: str) -> Any:
        running = self.maps.running
        return self.ground.find_flow(key, running.node if running is not None else None)

    def emitted(self, event: str, fields: dict[str, Any], subject: Execution | None) -> None:
        step_id = fields.get("stepId")
        if event == "step:error":
            subject = self._raised[str(step_id)].popleft()
        index = self._line_of(event, fields, subject)
        if index < 0:  # it was not written any more
            self._last = self._go.end if self.tolerant is None else self._last
            return
        line = self.ground.record.lines[index]
        self._last = index
        self.clock.at = max(self.clock.at, line.at)
        self.script.take(index)
        if event == "step:start":
            assert subject is not None
            subject.lines = (index, -1)
            begun = line.begun
            subject.start = begun if begun is not None else line.at
            self.open.setdefault(subject.node.id, []).append(subject)
        elif event in ("step:complete", "step:error"):
            assert subject is not None
            self.finish(subject, index, line)
            self._fail_unsaved(subject, line)

    def finish(self, execution: Execution, index: int, line: LogLine) -> None:
        """A line has ended it."""
        if execution.over is None:
            self._moment += 1
            execution.over = self._moment
        execution.lines, execution.line = (execution.lines[0], index), line
        execution.end = line.at
        opened = self.open.get(execution.node.id, [])
        if execution in opened:
            opened.remove(execution)
        if line.event == "step:complete" and line.status not in STATUS:
            execution.status = "error"
            said = f"the step {execution.node.id[:80]!r} has ended in a way not known: {(line.status or '')[:40]!r}"
            self.ground.faults.append(said)
        if line.event == "step:error":
            execution.error = line.error
        elif index == self.ground.saved:
            self.kept = dict(self.maps.map_of(self.root))

    def _fail_unsaved(self, execution: Execution, line: LogLine) -> None:
        """The host takes it for the step's failure where it cannot save its state."""
        if line.event == "step:complete":
            after = self.script.peek()
            if after is not None and after.event == "step:error" and after.step_id == line.step_id:
                if (after.error or "").startswith(_UNSAVED):
                    self._raised.setdefault(execution.node.id, deque()).append(execution)
                    execution.status = "error"
                    raise StepFailure(after.error or "")

    def _line_of(self, event: str, fields: dict[str, Any], subject: Execution | None) -> int:
        """The line that this event is, the next or another of the same turn."""
        script = self.script
        line = script.peek()
        if line is None:
            raise Finished
        if script.cursor > self._last and self._is(line, event, fields, subject):
            return script.cursor
        for index, line in script.ahead(self.clock.at + script.slack):
            if index > self._last and self._is(line, event, fields, subject):
                return index
        if self.tolerant is not None:
            return -1
        if self._go.killed and self.ground.record.lines[self._go.end - 1].at <= self.clock.at + script.slack:
            return -1
        line = script.peek()
        assert line is not None
        raise Conflict(
            f"{event} {fields.get('stepId') or fields.get('flowKey')} at line {script.cursor}, "
            f"where {line.event} {line.step_id or line.flow_key} is",
            [*([subject] if subject is not None else []), *self.open.get(line.step_id or "", ())],
        )

    def _is(self, line: LogLine, event: str, fields: dict[str, Any], subject: Execution | None) -> bool:
        if line.event != event and (line.event, event) != ("flow:mock-start", "flow:start"):
            return False
        if line.at > self.clock.at + self._busy(line):
            return False
        if subject is None:
            return line.flow_key == fields.get("flowKey") if "flowKey" in fields else True
        if line.step_id != subject.node.id:
            return False
        if event == "step:complete":
            if line.status in STATUS and line.status != fields.get("status"):
                return False
            return subject is self._ending or self._fits(subject, line)
        if event == "step:error":
            return line.error == fields.get("error") or fields.get("error") == UNKNOWN
        if event == "step:retry-success":
            return line.retries == fields.get("retries")
        return event != "step:retry" or line.attempt == fields.get("attempt")

    def _fits(self, execution: Execution, line: LogLine) -> bool:
        """Whether the line may be its end, by how long it was."""
        return self._apart(execution, line) <= self._late(line)

    @staticmethod
    def _apart(execution: Execution, line: LogLine) -> float:
        if line.duration_ms is None:
            return 0.0
        return abs(line.at - line.duration_ms - execution.start)

    def _late(self, line: LogLine) -> float:
        if self.ground.times == ANY:
            return NEVER
        if self.ground.times == EXACT:
            return self.ground.facts.late_ms(self.script.cursor, exact=True)
        return max(_WRITTEN_MS, self.ground.facts.late_ms(self.script.cursor, exact=False))

    def _early(self, line: LogLine) -> float:
        """How much earlier than a line something may be due that comes after it."""
        return 0.0 if self.exact or self.ground.times == ANY else self._late(line)

    def _busy(self, line: LogLine) -> float:
        """How much later than what led to it a line may be written."""
        return _WRITTEN_MS if self.exact else max(_BUSY_MS, self._late(line))

    # -- what goes on with a line

    def _explain(self, line: LogLine) -> None:
        index = self.choices.at = self.script.cursor
        self._pass_time(line.at - self._early(line))
        if self.script.taken[index]:
            return
        self.clock.at = max(self.clock.at, line.at)
        while (
            self._by_itself(line)
            or self._by_timer(line)
            or self._by_silence(line)
            or self._keep_promise(line.at + self._early(line) + 0.5, None)
        ):
            if self.script.taken[index]:
                return
        if self.tolerant is not None:
            self.tolerant.place(index, line)
            return
        raise Conflict(f"line {index}, {line.event} {line.step_id or line.flow_key}, does not come", self.open.get(line.step_id or "", ()))

    def _drain(self) -> None:
        self.loop.drain()
        self._last = -1

    def _settle(self, waiting: Waiting, failure: StepFailure | None) -> None:
        self.waiting[waiting.of.node.id].remove(waiting)
        if waiting.of.where.silent:
            self.silent.remove(waiting)
        waiting.promise.resolve(failure)
        self._drain()

    def _pass_time(self, until: float) -> None:
        """What the log has no line of happens when it is due."""
        while True:
            due = [each for each in self.silent if each.due is not None and each.due < until]
            timers = [each for each in self.timers if each.due < until and self._goes_off(each)]
            soonest: Waiting | Timer | None = min(
                (*due, *timers), key=lambda each: each.due or 0, default=None
            )
            if self._keep_promise(until, soonest.due if soonest is not None else None):
                continue
            if soonest is None:
                return
            self._let(soonest)

    def _keep_promise(self, until: float, before: float | None) -> bool:
        """What waits in a silent container ends when the state says that the container did."""
        for each in sorted(self.promised, key=lambda each: (each[0], -each[1].number)):
            due, container, failed = each
            if due >= until or (before is not None and before <= due):
                return False
            self.promised.remove(each)
            inside = [
                waiting
                for waiting in self.silent
                if waiting.due is None and not waiting.never and container in outwards(waiting.of)
            ]
            if container.over is None and inside:
                self.clock.at = max(self.clock.at, due)
                if not failed:
                    self.promised.append(each)
                self._choose_silent(inside, failed, container)
                return True
        return False

    def _choose_silent(self, inside: list[Waiting], failed: bool, container: Execution) -> None:
        if not failed:
            self._end_first(inside)
            return
        self._choose("silence", [
            Candidate((1, 0), each.of, f"throws {each.of.path}", lambda each=each: self._throw(each, None))
            for each in reversed(inside)
        ])

    def _goes_off(self, timer: Timer) -> bool:
        """A silent time-out, or an attempt of what writes no line then."""
        if timer.limit and not timer.of.where.silent:
            if self.exact and timer.due < self.clock.at and self.tolerant is None:
                raise Conflict(f"{timer.of.path} was timed out before line {self.script.cursor}", [timer.of])
            return False
        return timer.limit or self.exact or timer.of.node.type in LEAVES

    def _let(self, each: Waiting | Timer) -> None:
        assert each.due is not None
        self.clock.at = max(self.clock.at, each.due)
        if isinstance(each, Waiting):
            self._settle(each, each.failure)
        else:
            self._fire(each)

    def _fire(self, timer: Timer) -> None:
        if timer.limit and timer.of.where.silent and self._ended_before(timer):
            return
        self.timers.remove(timer)
        for each in self.waiting.get(timer.of.node.id, ()) if timer.limit else ():
            each.never = each.never or (each.of is timer.of and each.attempt == timer.attempt)
        timer.fire()
        self._drain()

    def _ended_before(self, timer: Timer) -> bool:
        """Whether what was not seen to end in a silent step has ended in time, and is let go on now."""
        of = timer.of
        inside = [
            each
            for each in self.silent
            if each.due is None and not each.never and (each.of is of or of in outwards(each.of))
        ]
        if not inside:
            return False
        node = of.node
        if node.retries >= timer.attempt:
            until = timer.due + self.script.slack + 1
            ahead = (line for _, line in self.script.ahead(until) if line.event == "step:retry")
            timed_out = any(line.step_id == node.id and line.attempt == timer.attempt + 1 for line in ahead)
        else:
            timed_out = self.choices.whether("timed out", of, likely=True, either=True)
        if timed_out:
            self.forced.add(of)
            return False
        self._end_first(inside)
        return True

    def _by_itself(self, line: LogLine) -> bool:
        """The end of a leaf step, a time-out, a sub-flow's start."""
        if line.event in ("flow:start", "flow:mock-start"):
            return self._open_gate(line)
        if line.event not in _ENDS:
            return False
        step_id = line.step_id or ""
        options: list[Candidate] = []
        for waiting in self.waiting.get(step_id, ()):
            if self._may_end(waiting, line):
                cost = self._cost(waiting.of, line)
                label = f"ends {waiting.of.path}"
                act = lambda each=waiting: self._end_with(each, line)  # noqa: E731
                options.append(Candidate(cost, waiting.of, label, act, self._hint(waiting.of, line)))
        late = self._late(line)
        for timer in self.timers:
            if timer.of.node.id == step_id and timer.limit and timer.due <= line.at + late:
                if self._may_time_out(timer, line):
                    cost = self._cost(timer.of, line)
                    label = f"times out {timer.of.path}"
                    act = lambda each=timer: self._fire(each)  # noqa: E731
                    options.append(Candidate(cost, timer.of, label, act, self._hint(timer.of, line)))
        if self.ground.times == EXACT and self.tolerant is None:
            options = [each for each in options if each.cost < BAD]
        if not options:
            return self._refuse(line)
        self._choose("end", options)
        return True

    def _choose(self, kind: str, options: list[Candidate]) -> None:
        fitting = [each for each in options if each.cost < BAD] or options
        act = self.choices.among(kind, fitting).act
        assert act is not None
        act()

    def _cost(self, execution: Execution, line: LogLine) -> tuple[float, float]:
        apart = self._apart(execution, line)
        late = self._late(line)
        if line.event in ("step:retry", "step:retry-success"):
            return (1, 0)
        if not self._goes_on(execution, line):
            return (BAD[0] + 1, 0)
        told = 1
        result, level, *_ = self.expected.of(execution)
        if result is not None and level == SURE:
            same = result.status == line.status and result.duration_ms == line.reported_ms
            told = 0 if same else 3
            if same and self.ground.times != EXACT:
                return (0, 0)
        return (told + (BAD[0] if apart > late else 0), 0)

    def _goes_on(self, execution: Execution, line: LogLine) -> bool:
        """Whether what must come of it is there: what comes after it in its list, the next iteration, the end
        of its flow, or of what an error ends."""
        where, above = execution.where, execution.where.above
        if where.silent or where.index is None or line.event not in ("step:complete", "step:error"):
            return True
        if self._go.killed and self.ground.record.lines[self._go.end - 1].at <= line.at + self.script.slack:
            return True
        failed = line.event == "step:error"
        nodes = execution.node.listing.nodes
        if not failed and where.index + 1 < len(nodes):
            coming = next((each for _, each in self.script.rest() if each is not line), None)
            return coming is None or (coming.event == "step:start" and coming.step_id == nodes[where.index + 1].id)
        if self.ground.stop_after is not None:
            return True
        if execution.node.listing.owner is None:
            ends = "flow:error" if failed else "flow:complete"
            return self._follows(line, lambda each: each.event == ends and each.flow_key == execution.node.flow_key)
        if above is None or above.over is not None or where.attempt != above.attempts:
            return True
        if failed:
            return above.where.silent or self._follows(line, lambda each: each.step_id == above.node.id)
        count = self.turns.get(above.number)
        if count is None or (where.iteration or 0) + 1 >= count:
            return True
        first = self.maps.decisions.firsts(execution.node.listing)
        return self._follows(line, lambda each: self.maps.decisions.is_first(each, first))

    def _follows(self, line: LogLine, is_it: Callable[[LogLine], bool]) -> bool:
        until = line.at + max(self.script.slack, 0 if self.exact else self._busy(line))
        return any(each is not line and is_it(each) for _, each in self.script.ahead(until))

    def _hint(self, execution: Execution, line: LogLine) -> tuple[float, int]:
        """How late it would be, and what the state says that may be of another execution: that decides only
        which is tried first."""
        return self._apart(execution, line), self._said(execution, line)

    def _said(self, execution: Execution, line: LogLine) -> int:
        result, *_ = self.expected.of(execution)
        if result is None or line.event != "step:complete":
            return 1
        return 0 if result.status == line.status and result.duration_ms == line.reported_ms else 2

    def _may_end(self, waiting: Waiting, line: LogLine) -> bool:
        execution, node = waiting.of, waiting.of.node
        if line.event == "step:retry":
            return line.attempt == waiting.attempt + 1 and _is_retry_of(node, line)
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
    def _may_time_out(timer: Timer, line: LogLine) -> bool:
        node = timer.of.node
        if line.event == "step:retry-success":
            return False
        if line.event == "step:retry":
            return line.attempt == timer.attempt + 1 and _is_retry_of(node, line)
        if timer.of.where.silent:
            return False
        if line.event == "step:error":
            return node.has_timed_out(line.error)
        return line.status == "timeout"

    def _end_with(self, waiting: Waiting, line: LogLine) -> None:
        self._ending = waiting.of
        self._settle(waiting, self._failure_of(waiting, line))

    def _failure_of(self, waiting: Waiting, line: LogLine) -> StepFailure | None:
        if line.event == "step:error":
            return StepFailure(line.error or "")
        if line.event == "step:retry":
            return StepFailure(UNKNOWN)
        if line.status == "failed":
            return StepFailure(self._error_of(waiting.of))
        return None

    def _error_of(self, execution: Execution) -> str:
        result = self.expected.of(execution).result
        return (result.error if result is not None else None) or UNKNOWN

    def _open_gate(self, line: LogLine) -> bool:
        gates = [gate for gate in self.gates if self.ground.trees.may_call(gate[0].node, line.flow_key or "")]
        if not gates:
            return False
        options = [
            Candidate((1, 0), gate[0], f"starts {gate[0].path}", lambda each=gate: self._open(each))
            for gate in gates
        ]
        for rank, container, waiting in self._held_up(line):
            if waiting and rank == 0:
                act = lambda all=waiting: self._end_first(all)  # noqa: E731
                options.append(Candidate((1, 0), container, f"goes on {container.path}", act, (1, 0)))
        self._choose("gate", options)
        return True

    def _open(self, gate: tuple[Execution, Promise[None]], failure: StepFailure | None = None) -> None:
        self.gates.remove(gate)
        self.maps.running = gate[0]
        if failure is None:
            gate[1].resolve(None)
        else:
            gate[1].reject(failure)
        self._drain()

    def _refuse(self, line: LogLine) -> bool:
        """A sub-flow that could not begin."""
        gates = [gate for gate in self.gates if gate[0].node.id == line.step_id and not gate[0].where.silent]
        if line.event == "step:retry":
            gates = [
                gate
                for gate in self.gates
                if gate[0].node.id == line.step_id
                and line.attempt == gate[0].attempts + 1
                and _is_retry_of(gate[0].node, line)
            ]
        if not gates or line.status in ("success", "timeout"):
            return False
        self._open(gates[0], StepFailure(line.error or self._error_of(gates[0][0])))
        return True

    def _by_timer(self, line: LogLine) -> bool:
        """Another attempt, or what is silent and due at this very time."""
        until = line.at + self._early(line)
        due = [each for each in self.silent if each.due is not None and each.due <= until]
        timers = [each for each in self.timers if each.due <= until and self._at_once(each, line)]
        soonest: Waiting | Timer | None = min((*due, *timers), key=lambda each: each.due or 0, default=None)
        if soonest is None:
            return False
        soonest.due = min(soonest.due or 0, line.at)
        self._let(soonest)
        return True

    def _at_once(self, timer: Timer, line: LogLine) -> bool:
        if timer.limit:
            return timer.of.where.silent
        firsts = self.maps.decisions.firsts_of(timer.of.node)
        return not firsts or self.maps.decisions.is_first(line, firsts)

    # -- what is silent, and of which the state does not say when it ended

    def _by_silence(self, line: LogLine) -> bool:
        inside = self._held_up(line)
        if not inside:
            return False
        threw = line.event in ("step:error", "step:retry", "flow:error") or line.status == "failed"
        options: list[Candidate] = self._timed_out_inside(inside, line)
        if options:
            self._choose("silence", options)
            return True
        own = line.event != "step:retry" or any(each[1].node.id == line.step_id for each in inside)
        threw = threw and own
        for rank, container, waiting in inside:
            if threw:
                error = line.error or ""
                there = any(each.of.node.has_timed_out(error) for each in waiting)
                later = TIMED_OUT in error and not there
                act = lambda all=waiting: self._end_first(all)  # noqa: E731
                label = f"goes on {container.path}"
                if waiting:
                    options.append(Candidate((1 + rank + (0 if later else 4), -2), container, label, act))
                for each in waiting:
                    named = f'"{each.of.node.id}"' in error
                    label = f"throws {each.of.path}"
                    sure = named or len(waiting) == 1
                    act = lambda each=each, sure=sure: self._throw(each, line, sure=sure)  # noqa: E731
                    options.append(Candidate((1 + rank, -named), each.of, label, act))
            elif waiting:
                act = lambda all=waiting: self._end_first(all)  # noqa: E731
                options.append(Candidate((1 + rank, 0), container, f"goes on {container.path}", act))
        options += self._not_begun(inside, line)
        if not options:
            return False
        self._choose("silence", options)
        return True

    def _timed_out_inside(
        self, inside: list[tuple[float, Execution, list[Waiting]]], line: LogLine
    ) -> list[Candidate]:
        """The silent steps whose time-out the line's error is."""
        if TIMED_OUT not in (line.error or ""):
            return []
        containers = {container for _, container, _ in inside}
        return [
            Candidate((1, 0), timer.of, f"times out {timer.of.path}", lambda each=timer: self._time_out(each))
            for timer in self.timers
            if timer.limit
            and timer.of.where.silent
            and timer.of.node.has_timed_out(line.error)
            and containers.intersection(outwards(timer.of))
        ]

    def _time_out(self, timer: Timer) -> None:
        """Now, whenever it was seen to begin: its time is certain."""
        timer.of.begins[-1] = (timer.of.begins[-1][0], self.clock.at - (timer.of.node.timeout or 0))
        if len(timer.of.begins) == 1:
            timer.of.start = timer.of.begins[0][1]
        self.timers.remove(timer)
        for each in self.waiting.get(timer.of.node.id, ()):
            each.never = each.never or (each.of is timer.of and each.attempt == timer.attempt)
        timer.fire()
        self._drain()

    def _not_begun(
        self, inside: list[tuple[float, Execution, list[Waiting]]], line: LogLine
    ) -> list[Candidate]:
        """Silent sub-flows that could not begin."""
        ranks = {container: rank for rank, container, _ in inside}
        options: list[Candidate] = []
        for gate in self.gates:
            rank = min((ranks[above] for above in outwards(gate[0]) if above in ranks), default=NEVER)
            if gate[0].where.silent and rank < NEVER:
                failure = StepFailure(line.error or UNKNOWN)
                act = lambda each=gate, failure=failure: self._open(each, failure)  # noqa: E731
                self.forced.add(gate[0])
                options.append(Candidate((3 + rank, 0), gate[0], f"fails {gate[0].path}", act))
        return options

    def _end_first(self, waiting: list[Waiting]) -> None:
        first = min(waiting, key=lambda each: (each.due or 0, each.of.number))
        self.forced.add(first.of)
        self._settle(first, None)

    def _throw(self, waiting: Waiting, line: LogLine | None, *, sure: bool = False) -> None:
        self.forced.add(waiting.of)
        error = (line.error if line is not None else None) or UNKNOWN
        timeout = TIMED_OUT in error
        failure = StepFailure(error, code="TIMEOUT" if timeout else None, timeout=timeout)
        if not sure:
            self.guessed.add(failure)
        self._settle(waiting, failure)

    def _held_up(self, line: LogLine) -> list[tuple[float, Execution, list[Waiting]]]:
        """The containers that may go on with this line when what waits in them has ended, the likeliest
        first."""
        by_container: dict[Execution, list[Waiting]] = {}
        for waiting in self.silent:
            if waiting.never or waiting.due is not None:
                continue
            for above in outwards(waiting.of):
                by_container.setdefault(above, []).append(waiting)
        for gate in self.gates:
            for above in outwards(gate[0]) if gate[0].where.silent else ():
                by_container.setdefault(above, [])
        ranked = [
            (rank, container, inside)
            for container, inside in by_container.items()
            if (rank := self._rank(container, line)) < NEVER
        ]
        ranked.sort(key=lambda each: (each[0], len(each[2]), -each[1].number))
        return ranked

    def _rank(self, container: Execution, line: LogLine) -> float:
        if line.event in ("step:start", "flow:start", "flow:mock-start"):
            return self._rank_start(container, line)
        if line.event in ("step:retry", "step:retry-success") and line.step_id != container.node.id:
            return self._rank_later(container, line)
        if container.over is not None:
            return NEVER
        if line.step_id is None:
            return 0.0 if container.node.type == "flow" else NEVER
        if container.node.id != line.step_id:
            return NEVER
        return self._apart(container, line)

    @staticmethod
    def _rank_later(container: Execution, line: LogLine) -> float:
        """A later batch has the silent step that a retry is of."""
        body = container.node.body
        if container.node.type != "parallel" or body is None:
            return NEVER
        later = body.nodes[container.node.concurrency :]
        return 0.0 if any(inner.id == line.step_id for node in later for inner in node.silently()) else NEVER

    def _rank_start(self, container: Execution, line: LogLine) -> float:
        if container.node.type != "parallel" or container.node.body is None:
            return NEVER
        decisions = self.maps.decisions
        later = container.node.body.nodes[container.node.concurrency :]
        firsts: frozenset[str] = frozenset().union(*(decisions.firsts_of(node) for node in later))
        return 0.0 if decisions.is_first(line, firsts) else 1.0


def _is_retry_of(node: Node, line: LogLine) -> bool:
    """Whether the step is tried again as often, and after as long, as the line says."""
    if node.retries < (line.attempt or 2) - 1 or line.max_retries not in (None, node.retries):
        return False
    return node.retry_delay is None or line.delay_ms in (None, node.retry_delay)


BAD = (8, 0.0)
NEVER = float("inf")
