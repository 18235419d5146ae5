"""What must follow: an end that ends what it stands in as well. A step that threw, or was the last of its
list, hands on to the condition, loop or sub-flow around it, with no await between: their ends are the next
lines, and say how long they took.
"""

from __future__ import annotations

from one_trace.assemble.agree.expected import expected
from one_trace.assemble.live.over import may_iterate
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.timers import goes_off, time_out
from one_trace.assemble.live.tolerance import Tolerance
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.tick import ENDS, LONGEST, Tick, began_apart, failed_by, names_time_out
from one_trace.record.log import LogLine

_SUCCEEDS = frozenset({("step:complete", "success"), ("step:retry-success", None)})


def ill_followed(span: LiveSpan, lines: list[LogLine], index: int, late: Tolerance, *, failed: bool) -> int:
    """How ill the lines after `index` fit this step's end there, if it was the last of its list or has
    `failed`: a weight; or the ms by which they are not quite what they should be, less than any weight; or
    0."""
    return _Cascade(span, Tick(lines, index, late), failed=failed).ill()


def ends_another(span: LiveSpan, lines: list[LogLine], index: int, late: Tolerance) -> bool:
    """What has to end with the error of this step does not, or did not begin when what the step stands in
    did."""
    ill = ill_followed(span, lines, index, late, failed=True)
    missing = ill == weights.ENCLOSING_END_MISSING
    return ill == weights.ENCLOSING_BEGAN_ELSEWHERE or (
        missing and not _hands_on(span, Tick(lines, index, late))
    )


class _Cascade:
    """The ends that follow on that of `span`, from the inside out."""

    def __init__(self, span: LiveSpan, tick: Tick, *, failed: bool) -> None:
        self._span, self._tick, self._failed = span, tick, failed
        self._lines = lines = tick.lines
        at = tick.index + 1
        if at < len(lines) and lines[at].status == "skipped" and lines[at].event == "step:complete":
            at += 1  # it began just before, and is sooner done with
        self._at = self._first = at
        self._apart = 0

    def ill(self) -> int:
        act: ContainerAttempt | None = self._span.act
        while act is not None and self._more():
            if act.kind == "flow":
                if act.span is None or act.tree is None:
                    self._at += self._failed and self._lines[self._at].event == "flow:error"
                    break
                ill = self._flow_ends(act, act.tree.key)
                if ill is not None:
                    return ill
            owner = _waits(act, failed=self._failed)
            if owner is None or not self._more():
                break
            ill = self._owner_ends(act, owner)
            if ill is not None:
                return ill
            act = owner.act
        return self._beyond()

    def _more(self) -> bool:
        return self._at < len(self._lines)

    def _flow_ends(self, act: ContainerAttempt, key: str) -> int | None:
        """None: its end is here."""
        at, line = self._at, self._lines[self._at]
        if line.event != ("flow:error" if self._failed else "flow:complete") or line.flow_key != key:
            later = self._failed or _flow_ends_later(act, self._tick, at)
            return weights.ENCLOSING_END_MISSING if later else weights.ENCLOSING_END_SURELY_MISSING
        if not self._tick.at_once(at):
            return weights.ENCLOSING_END_MISSING
        misfit = began_apart(line, act.start)
        if misfit > self._tick.late(at):
            return weights.ENCLOSING_BEGAN_ELSEWHERE
        self._passes(misfit)
        return None

    def _passes(self, misfit: float) -> None:
        """What ends here did, so many ms away from when it should have."""
        self._apart = max(self._apart, int(min(misfit, weights.UNEXPLAINED_END_FOLLOWS - 1)))
        self._at += 1

    def _owner_ends(self, act: ContainerAttempt, owner: LiveSpan) -> int | None:
        """None: it does, and what it stands in has to end as well."""
        line, at = self._lines[self._at], self._at
        if line.event == "step:retry-success" and line.step_id == owner.node.id and at + 1 < len(self._lines):
            at = self._at = at + 1
            line = self._lines[at]
        hands_on = line.step_id == owner.node.id and line.event in ENDS and self._tick.at_once(at)
        if not hands_on or (line.status == "timeout" and not self._failed):
            return self._ends_otherwise(act, owner)
        if line.event == "step:retry":
            return self._retried(act, line)
        misfit = began_apart(line, owner.clock)
        if misfit > self._tick.late(at, owner.begun) or _belied(owner, line):
            return weights.ENCLOSING_BEGAN_ELSEWHERE
        self._passes(misfit)
        if self._failed != (line.event == "step:error"):
            return self._apart if self._is_handled(owner, line) else weights.ENCLOSING_END_MISSING
        return self._list_goes_on(owner) if not self._failed else None

    def _is_handled(self, owner: LiveSpan, line: LogLine) -> bool:
        """It completes, though what it ended with has failed."""
        timed_out = names_time_out(self._tick.ended.error)
        return owner.node.goes_on and (not self._failed or (line.status == "timeout") == timed_out)

    def _ends_otherwise(self, act: ContainerAttempt, owner: LiveSpan) -> int:
        """The next line is not its end."""
        if self._failed:
            return _fails_later(owner, self._tick, self._at)
        if act.kind not in ("loop", "while"):
            return weights.ENCLOSING_END_MISSING
        if _goes_on(self._span, act, owner, self._tick, self._at):
            return self._apart
        later = may_iterate(act) and self._tick.late(self._tick.index)
        return weights.ENCLOSING_ENDS_LATER if later else weights.ENCLOSING_END_MISSING

    def _retried(self, act: ContainerAttempt, line: LogLine) -> int:
        """Instead of its end. What is timed out just then is, whatever is thrown in it."""
        if not self._failed:
            return weights.ENCLOSING_END_MISSING
        timed_out = goes_off(time_out(act), line.at, self._tick.late(self._at))
        return weights.UNEXPLAINED_END_FOLLOWS if timed_out else self._apart

    def _list_goes_on(self, owner: LiveSpan) -> int | None:
        """What ended has a step after it in its list; None: it has not."""
        seq = owner.seq
        if seq is None or seq.pos + 1 >= len(seq.nodes):
            return None
        after = self._lines[self._at] if self._more() else None
        another = after is not None and after.step_id != seq.nodes[seq.pos + 1].id
        if another and after is not None and after.event == "step:start":
            return weights.ENCLOSING_END_MISSING
        return self._apart

    def _beyond(self) -> int:
        """All that had to end has; does more?"""
        more = self._failed and _same_error_later(self._tick, self._at)
        if self._at <= self._first:
            ends = self._more() and self._lines[self._at].event in ENDS and self._tick.within_ms(self._at)
            return weights.UNEXPLAINED_END_FOLLOWS if more or ends else self._apart
        return max(self._apart, weights.MORE_MAY_FOLLOW) if more else self._apart


def _goes_on(span: LiveSpan, act: ContainerAttempt, owner: LiveSpan, tick: Tick, at: int) -> bool:
    """The next iteration of a loop begins in the tick in which `span` ended the one before, or the loop ends;
    not by its time-out, which would come in another tick."""
    body = act.node.body if act.node is not None and may_iterate(act) else None
    first = body.nodes[0].id if body is not None and body.nodes else None
    for other, line in tick.lines_from(at):
        if not tick.within_ms(other):
            continue
        if line.step_id == first and line.event == "step:start":
            return True
        if line.step_id == owner.node.id and (line.event, line.status) in _SUCCEEDS:
            return True
        waited = line.event == "step:complete" and line.duration_ms
        if line.step_id == span.node.id and not span.acts and waited:
            return False  # of what waits for something, each ends in a tick of its own
    return False


def _hands_on(span: LiveSpan, tick: Tick) -> bool:
    """What the step threw in ends in the same tick; so it may where the log does not go on to its end."""
    act = span.act
    owner = _waits(act, failed=True)
    if owner is None and (act.kind != "flow" or act.span is None):
        return True
    flow_ends = act.kind != "flow" or _ends_in_tick(act, None, tick)
    return flow_ends and (owner is None or _ends_in_tick(act, owner, tick))


def _ends_in_tick(act: ContainerAttempt, owner: LiveSpan | None, tick: Tick) -> bool:
    """The `owner` does, or the flow of the act where there is none, if the log goes on for so long."""
    last = tick.index
    for last, line in tick.lines_from(tick.index + 1):  # noqa: B007
        if owner is None and line.event in ENDS and act.tree is not None and line.flow_key == act.tree.key:
            return True
        if owner is not None and line.step_id == owner.node.id and line.event in ENDS:
            return True
    return last == min(tick.index + LONGEST, len(tick.lines) - 1)


def _fails_later(owner: LiveSpan, tick: Tick, at: int) -> int:
    """How ill it fits that its end is not the next line: one of the same tick and error will do."""
    error = tick.ended.error
    for other, line in tick.lines_from(at):
        if line.step_id != owner.node.id or line.event not in ENDS or line.error not in (None, error):
            continue
        if line.event != "step:complete" or line.status == failed_by(error):
            soon = tick.within_ms(other)
            return weights.ENCLOSING_ENDS_LATER if soon else weights.ENCLOSING_ENDS_TOO_LATE
    return weights.ENCLOSING_END_MISSING


def _same_error_later(tick: Tick, at: int) -> bool:
    """Something else ends in the same tick with this error, or has failed, which may have been thrown in
    it."""
    error = tick.ended.error
    return error is not None and any(
        (line.error == error if line.event != "step:complete" else line.status == failed_by(error))
        and line.event in ENDS
        and tick.within_ms(other)
        for other, line in tick.lines_from(at)
    )


def _flow_ends_later(act: ContainerAttempt, tick: Tick, at: int) -> bool:
    """The sub-flow ends in the same tick."""
    return any(
        line.event == "flow:complete"
        and act.tree is not None
        and line.flow_key == act.tree.key
        and began_apart(line, act.start) <= tick.late(other)
        for other, line in tick.lines_from(at)
    )


def _belied(owner: LiveSpan, line: LogLine) -> bool:
    """The state says otherwise of its end."""
    result = expected(owner) if line.event == "step:complete" else None
    return result is not None and (result.status, result.duration_ms) != (line.status, line.reported_ms)


def _waits(act: ContainerAttempt, *, failed: bool) -> LiveSpan | None:
    """The step that ends with this attempt of it, in the log; None where there is none, or not at once."""
    owner = act.span
    while owner is not None and owner.open and owner.acts[-1] is act and not act.failed:
        if owner.slot < 0:
            return owner if failed or _over_with_pass(act) else None
        node = owner.node
        if not failed or node.goes_on or owner.attempts <= node.retries:
            return None
        act = owner.act
        owner = act.span
    return None


def _over_with_pass(act: ContainerAttempt) -> bool:
    return act.kind in ("flow", "condition") or (act.kind in ("loop", "while") and len(act.runs) == 1)
