"""Steps without children: each waits until a line ends it, or, where it has no lines, until the state says
that it ended."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator

from one_trace.assemble.ground.choices import AT_ONCE
from one_trace.assemble.ground.executions import Execution, loud_around
from one_trace.assemble.ground.script import ENDS
from one_trace.assemble.reading.acts import failure_of, failure_with, keep_at
from one_trace.assemble.reading.expected import LIKELY, SURE
from one_trace.assemble.reading.fit import Fit
from one_trace.assemble.reading.pending import UNKNOWN, Waiting
from one_trace.assemble.reading.standing import Standing
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Promise
from one_trace.record.state import Result

AT_ONE_GO = frozenset(("transform", "file-read", "file-write"))
"""Steps that the host runs without waiting for anything."""
MOST_LOOKED_AT = 100
"""So many lines of a moment are looked at for the end of one step."""


class Leaves:
    def __init__(self, at: Standing, fit: Fit) -> None:
        self._at, self._fit = at, fit
        self._at_once = at.known.ground.mode.at_once
        self._passed: dict[str, int] = {}
        """How many ends of each step are of others that were over at once, or behind."""

    def waits(self, execution: Execution, attempt: int) -> Waiting:
        """The body of an attempt, which begins now. It has no promise where it is over already."""
        waiting = Waiting(execution, attempt)
        if execution.where.silent:
            self._foresee(waiting)
        elif execution.where.alone and self._goes_on_alone(waiting):
            return waiting
        certain = self._waits_for_nothing(execution)
        if not ((self._at_once or certain) and self._is_over_at_once(waiting, certain=certain)):
            waiting.promise = Promise(self._at.loop)
            self._at.pending.add(waiting)
        return waiting

    def _goes_on_alone(self, waiting: Waiting) -> bool:
        """Where nothing else runs, nothing can come before its end."""
        at = self._at
        line = at.script.peek()
        if line is None or line.step_id != waiting.of.node.id or line.event not in ENDS:
            return False
        if at.known.lenient or at.loop.ready or not at.pending.nothing:
            return False
        if not self._fit.may_end_alone(waiting, line):
            return False
        at.choices.at = index = at.script.cursor
        keep_at(at, index)
        at.last = -1
        if line.at > at.clock.at:
            at.clock.at = line.at
        waiting.failure = failure_with(at, waiting, line)
        return True

    def _is_over_at_once(self, waiting: Waiting, *, certain: bool) -> bool:
        """`certain`: it waits for nothing."""
        if not waiting.of.where.silent:
            return self._is_over_in_turn(waiting) if certain else self._has_end_now(waiting)
        if waiting.due is None:
            return self._is_guessed_over(waiting, certain=certain)
        return certain or waiting.due == self._at.clock.at

    def _waits_for_nothing(self, of: Execution) -> bool:
        """Whether the host runs its step at one go, whatever time that takes; a virtual clock may say that it
        took more."""
        return of.node.type in AT_ONE_GO and not self._at.known.ground.facts.exact

    def _is_over_in_turn(self, waiting: Waiting) -> bool:
        """How it ended, one of the next lines tells."""
        at, step_id = self._at, waiting.of.node.id
        lines = at.known.ground.lines.ends[step_id]
        first = self._first_left(step_id, lines)
        kinds: dict[tuple[object, ...], int] = {}
        for index in lines[first : first + MOST_LOOKED_AT]:
            each = at.script.lines[index]
            free = index < at.script.end and not at.script.taken[index] and index not in at.notes.reserved
            if free and self._fit.may_end(waiting, each):
                kinds.setdefault((each.event, each.status, each.error), index)
        if not kinds:
            return False
        ends = list(kinds.values())
        which = at.choices.which("how", waiting.of, len(ends)) if len(ends) > 1 else 0
        at.notes.reserved.add(ends[which])
        waiting.failure = failure_of(at, waiting, at.script.lines[ends[which]])
        return True

    def _is_guessed_over(self, waiting: Waiting, *, certain: bool) -> bool:
        """Where the state does not say the result of a silent leaf. `certain`: it is, but how?"""
        of, choices = waiting.of, self._at.choices
        if waiting.never:
            return False
        if choices.whether(AT_ONCE[0], of, likely=False):
            waiting.failure = StepFailure(UNKNOWN)
            self._at.notes.guessed.add(waiting.failure)
            self._at.notes.forced.add(of)
            return True
        likely, all_end = self._ends_block_now(of)
        if not certain and not choices.whether(AT_ONCE[1], of, likely=likely, either=likely and not all_end):
            return False
        self._at.notes.forced.add(of)
        return True

    def _ends_block_now(self, of: Execution) -> tuple[bool, bool]:
        """Whether the block with events that it is in ends in this moment, as those do that are like it; and
        whether all do that begin in it."""
        block = loud_around(of)
        if block is None:
            return False, False
        at, lines = self._at, self._at.known.ground.lines
        opened = len(at.pending.open[block.node.id])
        ends = self._count_now(lines.ends[block.node.id])
        return ends >= opened, ends >= opened + self._count_now(lines.starts[block.node.id])

    def _count_now(self, indices: list[int]) -> int:
        return sum(1 for _ in itertools.islice(self._of_now(indices), MOST_LOOKED_AT))

    def _of_now(self, indices: list[int]) -> Iterator[int]:
        """Which of these lines are of this moment and come yet."""
        return self._at.script.among(indices, self._at.clock.at)

    def _has_end_now(self, waiting: Waiting) -> bool:
        """Whether one of the next lines of this moment is its end: the first in the order in which they
        began; or, where others are open then, that of another."""
        at, of = self._at, waiting.of
        line = at.script.peek()
        if line is None or line.at > at.clock.at:
            return False
        ends, alone = self._ends_now(waiting)
        alone = alone or (len(ends) == 1 and self._all_end_now(of))
        which = 0
        if ends and not alone:
            first = len(ends) if self._comes_later(of, ends[0]) else 0
            which = at.choices.which("over", of, len(ends) + 1, first)
        if which >= len(ends):
            at.notes.refused.update((index, of) for index in ends)
            return False
        at.notes.reserved.add(ends[which])
        waiting.failure = failure_of(at, waiting, at.script.lines[ends[which]])
        return True

    def _comes_later(self, of: Execution, end: int) -> bool:
        """Whether its step begins again before this line, as what was over before does next."""
        lines, cursor = self._at.known.ground.lines, self._at.script.cursor
        ends, starts = lines.ends_at_once[of.node.id], lines.starts[of.node.id]
        soonest = ends[bisect_left(ends, cursor)]
        following = bisect_left(starts, soonest)
        return following < len(starts) and starts[following] < end

    def _all_end_now(self, of: Execution) -> bool:
        """Whether as many like it took no time as begin in this moment."""
        at, lines, now = self._at, self._at.known.ground.lines, self._at.clock.at
        last = itertools.islice(reversed(at.pending.open[of.node.id]), MOST_LOOKED_AT + 1)
        begun = sum(self._fit.latest_start(each) >= now for each in last)
        return self._count_now(lines.took_no_time[of.node.id]) >= begun + self._count_now(
            lines.starts[of.node.id]
        )

    def _ends_now(self, waiting: Waiting) -> tuple[list[int], bool]:
        """The lines of this moment that may be its end, one of each kind; and whether it is the only one that
        was open at the last of them."""
        at, of, lines = self._at, waiting.of, self._at.known.ground.lines
        ends, starts = lines.ends_at_once[of.node.id], lines.starts[of.node.id]
        following = bisect_left(starts, at.script.cursor)
        start = starts[following] if following < len(starts) else at.script.end
        beside = len(at.pending.open[of.node.id]) > 1
        until = self._first_that_waited(of.node.id) if beside else at.script.end
        found: dict[tuple[object, ...], int] = {}
        looked = 0
        for number in range(self._first_left(of.node.id, ends), len(ends)):
            index = ends[number]
            line = at.script.lines[index]
            if line.at > at.clock.at or index >= until or looked > MOST_LOOKED_AT:
                break
            looked += 1
            if at.script.taken[index] or index in at.notes.reserved:
                continue
            if self._fit.may_end(waiting, line):
                found.setdefault((line.event, line.status, line.error), index)
                if not beside and start > index:
                    return list(found.values()), True
        return list(found.values()), False

    def _first_that_waited(self, step_id: str) -> int:
        """The first end of one that had waited: what is over at once is so before that."""
        script, ends = self._at.script, self._at.known.ground.lines.ends[step_id]
        waited = (index for index in self._of_now(ends) if script.lines[index].duration_ms)
        return next(waited, script.end)

    def _first_left(self, step_id: str, ends: list[int]) -> int:
        """Which of its ends is the first that is not of another."""
        at = self._at
        number = max(bisect_left(ends, at.script.cursor), self._passed.get(step_id, 0))
        while number < len(ends) and (at.script.taken[ends[number]] or ends[number] in at.notes.reserved):
            number += 1
        self._passed[step_id] = number
        return number

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
        known = self._at.known
        expected = known.expected.of(execution)
        result, level = expected.result, expected.level
        if level == SURE:
            return result
        learned = known.learned.get(execution.path)
        result = learned if learned is not None else result
        if result is None:
            return None
        likely = learned is not None or level == LIKELY
        return result if self._at.choices.whether("believed", execution, likely=likely) else None
