"""The state that a reading comes to, held against the one that there is: which result is whose, and which
execution has another than the reading says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Raw, Struct, field

from one_trace.assemble.ground.executions import Execution, Made, Map, lineage
from one_trace.assemble.ground.stored import STATUSES, Results, Stored, member
from one_trace.assemble.reading.leaves import AT_ONE_GO
from one_trace.record.state import Result
from one_trace.record.tolerant import present, raw_items, raw_members

_LOST = "__proto__"
"""The host loses what it keeps under this id."""


Pair: TypeAlias = tuple[Map, Results, Execution | None, int]
"""A map of the host and what the state has of it; the iteration of a loop whose map it is."""


class Unlike(Struct, eq=False):
    """What differs: the execution whose result should stand there, if any, and what it is instead."""

    of: Execution | None
    why: str
    instead: Result | None = None


class Settling(Struct, eq=False):
    """`forced`: executions of which only the state says how long they took; they take what stands there.
    `unwritten`: by step id, how long those had run by then that have no line of their end."""

    stored: Stored
    forced: set[Execution]
    merging: bool
    """Iterations of concurrent loops are merged, old results over new ones."""
    slack: float
    settled: bool
    """Nothing was left running, which could have written a result again."""
    unwritten: Mapping[str, Sequence[float]]
    unlike: list[Unlike] = field(default_factory=list)
    learned: dict[str, Result] = field(default_factory=dict)
    """What the state says of silent executions, where that is something else."""
    _seen: dict[int, Raw | None] = field(default_factory=dict)
    """Results that were found, and what they are."""
    _conditions: list[tuple[Made, Result]] = field(default_factory=list)
    """Those that hold results: mostly they stand elsewhere as well."""

    def settle(self, kept: Map, raw: Results) -> None:
        todo: list[Pair] = [(kept, raw, None, 0)]
        while todo or self._conditions:
            if not todo:
                made, result = self._conditions.pop()
                if any(id(part) not in self._seen for part in made.parts):
                    executed = raw_items(member(result.output, "stepsExecuted"))
                    todo += self._children(made, executed or ())
                continue
            mine, theirs, loop, iteration = todo.pop()
            for step_id, made in mine.items():
                if made.of is None or step_id == _LOST:
                    continue
                if loop is not None and not (
                    _runs_in(made.of, loop, iteration) or self._was_there(made.of, loop)
                ):
                    continue  # this may be as it was a moment before
                stored = theirs.get(step_id)
                if id(made) in self._seen:
                    self._compare(made, stored)
                elif stored is None:
                    self._differs(made, f"the state holds no result of {step_id}")
                else:
                    todo += self._result(made, stored)

    def _was_there(self, of: Execution, loop: Execution) -> bool:
        """Its result was written before the loop began, and stayed."""
        if not self.settled or of.end is None or of.lines[1] < 0:
            return False
        began = next((each.lines[0] for each in lineage(loop) if each.lines[0] >= 0), -1)
        return of.end < loop.start or of.lines[1] < began

    def _compare(self, made: Made, stored: Raw | None) -> None:
        """A result in two places is the same but for how it is indented."""
        first = self._seen[id(made)]
        assert made.of is not None
        if first is None or stored is None:
            return
        one, other = self.stored.result(first), self.stored.result(stored)
        if one is None or other is None or not STATUSES.issuperset((one.status, other.status)):
            return
        same = (one.status, one.duration_ms) == (other.status, other.duration_ms)
        if not same or not self.stored.is_same(one.output, other.output):
            self._differs(made, "the state holds two results", other)

    def _differs(self, made: Made, why: str, instead: Result | None = None) -> None:
        self._seen[id(made)] = None
        self.unlike.append(Unlike(made.of, f"{made.of.path if made.of else ''}: {why}", instead))

    def _result(self, made: Made, stored: Raw) -> list[Pair]:
        self._seen[id(made)] = stored
        execution = made.of
        assert execution is not None
        expected = execution.expected
        result = (
            expected.result if expected is not None and expected.raw is stored else self.stored.result(stored)
        )
        if result is None or result.status not in STATUSES:
            return []  # a field of the last step's output stands in its place
        alike = result.status == made.status and self._lasted(execution, made, result)
        if self._may_be_unwritten(execution, result):
            execution.doubt("outputBytes")
            if not alike:
                return []
        if not alike:
            reported = f"{made.status} {made.duration}"
            self._differs(
                made, f"{reported}, where the state has {result.status} {result.duration_ms}", result
            )
            if execution.where.silent:
                self.learned[execution.path] = result
            together = result.status == made.status == "success" and made.parts is not None
            return self._parts(made, result) if together else []
        if execution in self.forced and made.duration != result.duration_ms:
            self.learned[execution.path] = result
        execution.result = result
        if result.status != "success" or made.parts is None:
            return []
        return self._parts(made, result)

    def _may_be_unwritten(self, execution: Execution, result: Result) -> bool:
        """The result of another, which was killed before it wrote a line of its end."""
        lasted = self.unwritten.get(execution.node.id, ())
        return any(abs(each - (result.duration_ms or 0)) <= self.slack for each in lasted)

    def _lasted(self, execution: Execution, made: Made, result: Result) -> bool:
        if execution.line is not None:
            return bool(execution.line.reported_ms == result.duration_ms)
        if execution in self.forced or made.duration is None or result.duration_ms is None:
            return True
        if self.slack and (made.duration > result.duration_ms or execution.node.type in AT_ONE_GO):
            return True  # the thread was busy: it has begun later, or what began beside it took the time
        return abs(made.duration - result.duration_ms) <= self.slack

    def _parts(self, made: Made, result: Result) -> list[Pair]:
        execution = made.of
        assert execution is not None
        kind = execution.node.type
        if kind == "loop":
            expected = execution.expected
            theirs: Any = expected.inside if expected is not None and expected.result is result else None
            theirs = theirs if theirs is not None else self.stored.inside(kind, result)
            pairs = enumerate(zip(made.parts, theirs or (), strict=False))
            return [
                (mine, their, execution, iteration)
                for iteration, (mine, their) in pairs
                if mine is not None and their is not None
            ]
        if kind == "flow":
            found: Any = self.stored.inside(kind, result) if present(result.output) else {}
            if found is None:
                return []
            if not made.spread:
                found = self.stored.without_spread(found, _last_of(made.parts, execution))
            return [(made.parts, found, None, 0)]
        if kind == "while":
            return self._last_results(made, result)
        if kind == "condition":
            self._conditions.append((made, result))
            return []
        children: Any = self.stored.inside(kind, result)
        return self._children(made, children)

    def _children(self, made: Made, children: Sequence[Raw] | None) -> list[Pair]:
        inner: list[Pair] = []
        for part, stored in zip(made.parts, children or (), strict=False):
            if part.of is None:
                continue
            if id(part) in self._seen:
                self._compare(part, stored)
            else:
                inner += self._result(part, stored)
            self._take_unknown(part.of, stored)
        return inner

    def _take_unknown(self, child: Execution, stored: Raw) -> None:
        """Of a silent child that ended in a way not known."""
        result = self.stored.result(stored)
        if child.where.silent and result is not None and result.status not in STATUSES:
            child.status, child.result = "error", result

    def _last_results(self, made: Made, result: Result) -> list[Pair]:
        """A while keeps, of each iteration, the output of its last step; without status or time."""
        inner: list[Pair] = []
        members = raw_members(result.output) if present(result.output) else None
        outputs = raw_items(members["results"]) if members and "results" in members else None
        for part, output in zip(made.parts, outputs or [], strict=False):
            if part is None or part.of is None or part.of.result is not None or part.status == "skipped":
                continue
            if bytes(output) != b"null":
                if self.merging:
                    part.of.doubt("outputBytes")
                part.of.result = Result(
                    status="success", output=output, duration_ms=part.duration, retries=part.retries
                )
                if part.parts is not None:
                    inner += self._parts(part, part.of.result)
        return inner


def _runs_in(execution: Execution, loop: Execution, iteration: int) -> bool:
    where = execution.where
    while where.above is not loop:
        if where.above is None:
            return False
        where = where.above.where
    return where.iteration == iteration


def _last_of(parts: Map, call: Execution) -> str | None:
    """The id of the last step of a sub-flow."""
    own = (made.of for made in parts.values() if made.of is not None and made.of.where.above is call)
    first = next(own, None)
    return first.node.step_list.nodes[-1].id if first is not None else None
