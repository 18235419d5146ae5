"""What is noted of a reading while it is driven: kept only when somebody asks why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.script import ENDS
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.decisions import Decisions
from one_trace.assemble.reading.emitted import Emitted
from one_trace.assemble.reading.fit import RETRIES, Fit
from one_trace.assemble.reading.happen import Happen
from one_trace.assemble.reading.leaves import Leaves
from one_trace.assemble.reading.maps import Held, Maps
from one_trace.assemble.reading.pending import Timer, Waiting
from one_trace.assemble.reading.silence import Silence
from one_trace.assemble.reading.standing import Standing
from one_trace.assemble.reading.tolerant import Tolerant
from one_trace.assemble.reading.watch import Watch
from one_trace.assemble.reading.weights import Weight
from one_trace.engine.failures import StepFailure
from one_trace.engine.observer import Place
from one_trace.engine.schema import Json
from one_trace.engine.values import Step
from one_trace.model.explanation import WeighedSpan
from one_trace.record.log import LogLine

OTHERWISE = Weight(weights.LEADS_NOWHERE, "by its file and its attempts it does not end so")
NOT_DUE = Weight(weights.TOO_LATE, "its time-out is not due")


class LineNotes:
    """By index of the line in hand. `taken`: the execution that a line is about, and the line that has led to
    it; `silent`: what happened before it that has no line; `weighed`: what it may be the end of."""

    def __init__(self) -> None:
        self.taken: dict[int, tuple[Execution | None, int]] = {}
        self.silent: dict[int, list[str]] = defaultdict(list)
        self.weighed: dict[int, list[WeighedSpan]] = {}

    def say(self, at: Standing, of: Execution, what: str) -> None:
        self.silent[at.choices.at].append(f"{of.path}: {what}")


class NotedEmitted(Emitted):
    def __init__(self, notes: LineNotes, at: Standing, fit: Fit) -> None:
        super().__init__(at, fit)
        self._notes = notes

    def _take(self, event: str, subject: Execution | None, value: Json = None) -> int:
        index = super()._take(event, subject, value)
        if index >= 0:
            self._notes.taken[index] = subject, self._at.choices.at
        return index


class NotedWatch(Watch):
    def __init__(self, notes: LineNotes, at: Standing) -> None:
        super().__init__(at)
        self._notes = notes

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        number = super().begin(step, flow_key, place, index, events=events)
        if not events:
            self._notes.say(self._at, self._at.running, "begins")
        return number

    def attempt(self, span: int, number: int) -> None:
        super().attempt(span, number)
        if number > 1:
            self._notes.say(self._at, self._at.executions[span - 1], f"attempt {number} begins")

    def end(self, span: int, status: str, result: Held = None, failure: StepFailure | None = None) -> None:
        super().end(span, status, result, failure)
        execution = self._at.executions[span - 1]
        if execution.where.silent:
            self._notes.say(self._at, execution, f"is over, {execution.status or 'unless it was killed'}")


class NotedMaps(Maps):
    def __init__(self, notes: LineNotes, at: Standing, decisions: Decisions) -> None:
        super().__init__(at, decisions)
        self._notes = notes

    def _say(self, what: str) -> None:
        self._notes.say(self._at, self._at.running, what)

    def holds(self, context: Held, expression: Json) -> bool:
        held = super().holds(context, expression)
        self._say(f"its if or unless {'holds' if held else 'does not hold'}")
        return held

    def condition(self, context: Held, step: Step) -> bool:
        held = super().condition(context, step)
        self._say(f"its {'then' if held else 'else'} is taken")
        return held

    def open_loop(self, state: Held, context: Held, step: Step, most: int) -> int:
        count = super().open_loop(state, context, step, most)
        self._say(f"makes {count} iterations")
        return count

    def again(self, context: Held, step: Step) -> bool:
        goes_on = super().again(context, step)
        self._say("another iteration begins" if goes_on else "makes no other iteration")
        return goes_on


class NotedSilence(Silence):
    def __init__(self, notes: LineNotes, at: Standing, fit: Fit, decisions: Decisions) -> None:
        super().__init__(at, fit, decisions)
        self._notes = notes

    def end_all(self, waiting: list[Waiting]) -> None:
        for each in waiting:
            self._notes.say(self._at, each.of, "is taken to be over, since nothing else leads to this line")
        super().end_all(waiting)

    def throw(self, waiting: Waiting, line: LogLine | None, *, sure: bool = False) -> None:
        self._notes.say(self._at, waiting.of, f"is {'known' if sure else 'taken'} to have thrown")
        super().throw(waiting, line, sure=sure)

    def time_out(self, timer: Timer) -> None:
        self._notes.say(self._at, timer.of, "is timed out, as the error of this line says")
        super().time_out(timer)


class NotedLeaves(Leaves):
    def _goes_on_alone(self, waiting: Waiting) -> bool:
        return False  # what could end with each line is noted


class NotedHappen(Happen):
    def __init__(
        self,
        notes: LineNotes,
        at: Standing,
        fit: Fit,
        decisions: Decisions,
        silence: Silence,
        tolerant: Tolerant,
    ) -> None:
        super().__init__(at, fit, decisions, silence, tolerant)
        self._notes = notes

    def let(self, each: Waiting | Timer) -> None:
        what = "goes on" if isinstance(each, Waiting) else "is timed out" if each.limit else "is tried again"
        since = self._at.script.lines[0].at
        self._notes.say(self._at, each.of, f"{what}: that was due at {(each.due or 0) - since:g} ms")
        super().let(each)

    def by_itself(self, line: LogLine) -> bool:
        if line.event in ENDS:
            pending, index = self._at.pending, self._at.script.cursor
            timers = [each for each in pending.timers if each.limit and each.of.node.id == line.step_id]
            waiting = [*pending.waiting.get(line.step_id or "", ()), *timers]
            self._notes.weighed[index] = [self._weighed(each, line) for each in waiting]
        return super().by_itself(line)

    def _weighed(self, each: Waiting | Timer, line: LogLine) -> WeighedSpan:
        against = list(self._against(each, line))
        way = each.of.path if isinstance(each, Waiting) else f"{each.of.path} (its time-out)"
        return WeighedSpan(
            way, sum(against), [f"{int(each)}: {each.why}" for each in against if each != weights.FITS]
        )

    def _against(self, each: Waiting | Timer, line: LogLine) -> Iterator[Weight]:
        fit, of = self._fit, each.of
        if isinstance(each, Timer):
            if each.due > line.at + fit.late():
                yield _more(NOT_DUE, f"until {each.due - line.at:g} ms later")
            elif not fit.may_time_out(each, line):
                yield OTHERWISE
            else:
                yield weights.FITS
            return
        if not fit.may_end(each, line):
            yield _more(OTHERWISE, f"attempt {each.attempt}")
            return
        for weight in fit.weighed(of, line):
            yield _more(weight, self._detail(weight, of, line))

    def _detail(self, weight: Weight, of: Execution, line: LogLine) -> str:
        if weight is weights.TOO_LATE and line.event not in RETRIES:
            return f"{self._fit.apart(of, line):g} ms, at most {self._fit.delay(of, line):g}"
        if weight is weights.LEADS_NOWHERE:
            after = self._at.script.after()
            return f"next is {after.event} {after.step_id or after.flow_key}" if after else "nothing comes"
        result = self._at.known.expected.of(of).result
        if weight in (weights.DIFFERS, weights.SAME) and result is not None:
            return f"{result.status}, {result.duration_ms} ms"
        return ""


def _more(weight: Weight, detail: str) -> Weight:
    return Weight(weight, f"{weight.why} ({detail})" if detail else weight.why)
