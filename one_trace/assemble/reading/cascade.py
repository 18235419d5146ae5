"""What must follow: an end that ends what it stands in as well. A step that threw, or was the last of its
list, hands on to the condition, loop or sub-flow around it, with no await between: their ends are the next
lines, and say how long they took.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.assemble.agree.results import expected
from one_trace.assemble.flowtree.tree import time_out_of
from one_trace.assemble.live.facts import Late
from one_trace.assemble.live.state import CLOCK_MS, Act, LiveSpan, may_turn
from one_trace.record.log import LogLine

_TIMED_OUT = re.compile('Step ".*" exceeded timeout of ', re.DOTALL)
_ENDS = frozenset(
    {"step:complete", "step:error", "step:retry", "step:retry-success", "flow:complete", "flow:error"}
)
_SUCCEEDS = frozenset({("step:complete", "success"), ("step:retry-success", None)})
_ANOTHER = 60
"""The next end is of what it stands in, but did not begin then."""
_MISSING = 40
_SURELY_MISSING = 160
_LATER = 10
"""What has to follow does, but not at once."""
_TOO_LATE = 30
"""Nor within the ms."""
_TURN = 32
"""More lines than are mostly written in one turn."""
_HANDED_ON = 8
"""An error that ends several steps has its lines within so many."""
_FURTHER = 5
"""What has to follow does, but more may follow than would have to."""
_NEITHER = 20
"""Nothing has to follow, and yet something else ends next, which may be the other's."""


def names_time_out(error: str | None) -> bool:
    """Is it what a time-out throws, of whichever step?"""
    return _TIMED_OUT.match(error or "") is not None


def ill_followed(span: LiveSpan, lines: list[LogLine], index: int, late: Late, *, failed: bool) -> int:
    """How ill the lines after `index` fit this step's end there; 0: as it should be. `late`: by how many ms
    each may be late."""
    seq = span.seq
    if not failed and seq is not None and seq.pos + 1 < len(seq.nodes):
        return 0  # a start follows, which is looked at for itself
    ended, at = lines[index], index + 1
    if at < len(lines) and lines[at].status == "skipped" and lines[at].event == "step:complete":
        at += 1  # it began just before, and is sooner done with
    first = at
    apart = 0  # ms by which it is not quite so; less than what the other costs say
    act: Act | None = span.act
    while act is not None and at < len(lines):
        line = lines[at]
        if act.kind == "flow":
            if act.span is None or act.tree is None:
                at += failed and line.event == "flow:error"
                break
            if line.event != ("flow:error" if failed else "flow:complete") or line.flow_key != act.tree.key:
                return _MISSING if failed or _in_its_turn(act, lines, index, at, late) else _SURELY_MISSING
            if not _at_once(ended, line, late(at)):
                return _MISSING
            misfit = began_apart(line, act.start)
            if misfit > late(at):
                return _ANOTHER
            apart = max(apart, _small(misfit))
            at += 1
        owner = _waits(act, failed=failed)
        if owner is None or at >= len(lines):
            break
        line = lines[at]
        if line.event == "step:retry-success" and line.step_id == owner.node.id and at + 1 < len(lines):
            at += 1
            line = lines[at]
        hands_on = line.step_id == owner.node.id and line.event in _ENDS and _at_once(ended, line, late(at))
        if not hands_on or (line.status == "timeout" and not failed):
            if act.kind in ("loop", "while") and not failed:
                if _goes_on(span, act, owner, lines, index, at, late):
                    return apart
                return _LATER if may_turn(act) and late(index) else _MISSING
            return _fails_later(owner, lines, index, at, late) if failed else _MISSING
        if line.event == "step:retry":
            if not failed:
                return _MISSING
            return _NEITHER if _times_out(act, owner, line, late(at)) else apart
        misfit = began_apart(line, owner.clock)
        if misfit > late(at, owner.begun) or _belied(owner, line):
            return _ANOTHER
        apart = max(apart, _small(misfit))
        if failed != (line.event == "step:error"):
            handed_on = not failed or (line.status == "timeout") == names_time_out(ended.error)
            return apart if owner.node.goes_on and handed_on else _MISSING
        at += 1
        held = owner.seq
        if not failed and held is not None and held.pos + 1 < len(held.nodes):
            another = at < len(lines) and lines[at].step_id != held.nodes[held.pos + 1].id
            return _MISSING if another and lines[at].event == "step:start" else apart
        act = owner.act
    after = lines[at] if at < len(lines) else None
    more = failed and _same_error_later(lines, index, at, late)
    ends = after is not None and after.event in _ENDS and _within_ms(ended, after, late(at))
    if at <= first:
        return _NEITHER if more or ends else apart
    return max(apart, _FURTHER) if more else apart


def ends_another(span: LiveSpan, lines: list[LogLine], index: int, late: Late) -> bool:
    """What has to end with the error of this step does not, or did not begin when what the step stands in
    did."""
    ill = ill_followed(span, lines, index, late, failed=True)
    return ill == _ANOTHER or (ill == _MISSING and not _hands_on(span, lines, index, late))


def _goes_on(
    span: LiveSpan, act: Act, owner: LiveSpan, lines: list[LogLine], index: int, at: int, late: Late
) -> bool:
    """The next iteration of a loop begins in the turn in which `span` ended the one before, or the loop ends;
    not by its time-out, which would come in another turn."""
    body = act.node.body if act.node is not None and may_turn(act) else None
    first = body.nodes[0].id if body is not None and body.nodes else None
    for other, line in _turn(lines, index, at, late):
        if not _within_ms(lines[index], line, late(other)):
            continue
        if line.step_id == first and line.event == "step:start":
            return True
        if line.step_id == owner.node.id and (line.event, line.status) in _SUCCEEDS:
            return True
        if (
            line.step_id == span.node.id
            and not span.acts
            and line.event == "step:complete"
            and line.duration_ms
        ):
            return False  # of what waits for something, each ends in a turn of its own
    return False


def _turn(lines: list[LogLine], index: int, at: int, late: Late) -> Iterator[tuple[int, LogLine]]:
    """The lines from `at` on that are of the same turn as the one at `index`: others that run abreast may
    have written between it and what follows from it."""
    for other in range(at, min(at + _TURN, len(lines))):
        if not _soon(lines[index], lines[other], late(other)) or _goes_off(lines, other):
            return
        yield other, lines[other]


def _goes_off(lines: list[LogLine], at: int) -> bool:
    """A time-out does with this line, and so another turn begins."""
    line = lines[at]
    if line.event == "step:complete" and line.status == "timeout":
        before = (lines[other] for other in range(max(0, at - _HANDED_ON), at))
        return not any(other.at == line.at and names_time_out(other.error) for other in before)
    if line.event != "step:error" or not (line.error or "").startswith(time_out_of(line.step_id or "")):
        return False
    return lines[at - 1].error != line.error


def _hands_on(span: LiveSpan, lines: list[LogLine], index: int, late: Late) -> bool:
    """What the step threw in ends in the same turn; so it may where the log does not go on to its end."""
    act = span.act
    owner = _waits(act, failed=True)
    if owner is None and (act.kind != "flow" or act.span is None):
        return True
    flow_ends = act.kind != "flow" or _ends_in_turn(act, None, lines, index, late)
    return flow_ends and (owner is None or _ends_in_turn(act, owner, lines, index, late))


def _ends_in_turn(act: Act, owner: LiveSpan | None, lines: list[LogLine], index: int, late: Late) -> bool:
    """The `owner` does, or the flow of the act where there is none, if the log goes on for so long."""
    last = index
    for last, line in _turn(lines, index, index + 1, late):  # noqa: B007
        if owner is None and line.event in _ENDS and act.tree is not None and line.flow_key == act.tree.key:
            return True
        if owner is not None and line.step_id == owner.node.id and line.event in _ENDS:
            return True
    return last == min(index + _TURN, len(lines) - 1)


def _fails_later(owner: LiveSpan, lines: list[LogLine], index: int, at: int, late: Late) -> int:
    """How ill it fits that its end is not the next line: one of the same turn and error will do."""
    error = lines[index].error
    for other, line in _turn(lines, index, at, late):
        if line.step_id != owner.node.id or line.event not in _ENDS or line.error not in (None, error):
            continue
        if line.event != "step:complete" or line.status == _failed_by(error):
            return _LATER if _within_ms(lines[index], line, late(other)) else _TOO_LATE
    return _MISSING


def _same_error_later(lines: list[LogLine], index: int, at: int, late: Late) -> bool:
    """Something else ends in the same turn with this error, or has failed, which may have been thrown in
    it."""
    error = lines[index].error
    return error is not None and any(
        (line.error == error if line.event != "step:complete" else line.status == _failed_by(error))
        and line.event in _ENDS
        and _within_ms(lines[index], line, late(other))
        for other, line in _turn(lines, index, at, late)
    )


def _failed_by(error: str | None) -> str:
    """The status of what completes with this error."""
    return "timeout" if names_time_out(error) else "failed"


def _in_its_turn(act: Act, lines: list[LogLine], index: int, at: int, late: Late) -> bool:
    """The sub-flow ends in the same turn."""
    return any(
        line.event == "flow:complete"
        and act.tree is not None
        and line.flow_key == act.tree.key
        and began_apart(line, act.start) <= late(other)
        for other, line in _turn(lines, index, at, late)
    )


def _times_out(act: Act, owner: LiveSpan, line: LogLine, late: float) -> bool:
    """The attempt is timed out just then, whatever is thrown in it."""
    timeout = owner.node.timeout
    return timeout is not None and abs(act.start + timeout - line.at) <= max(late, 1)


def _small(misfit: float) -> int:
    return int(min(misfit, _NEITHER - 1))


def _at_once(ended: LogLine, line: LogLine, late: float) -> bool:
    """It is of the same turn, and of the same error."""
    return _soon(ended, line, late) and line.error in (None, ended.error)


def _soon(ended: LogLine, line: LogLine, late: float) -> bool:
    return line.at <= ended.at + late + CLOCK_MS


def _within_ms(ended: LogLine, line: LogLine, late: float) -> bool:
    return line.at <= ended.at + late


def _belied(owner: LiveSpan, line: LogLine) -> bool:
    """The state says otherwise of its end."""
    result = expected(owner) if line.event == "step:complete" else None
    return result is not None and (result.status, result.duration_ms) != (line.status, line.reported_ms)


def began_apart(line: LogLine, start: float) -> float:
    """By how many ms what ends with the line did not begin at `start`, by the duration that it gives."""
    return abs(line.at - line.duration_ms - start) if line.duration_ms is not None else 0.0


def _waits(act: Act, *, failed: bool) -> LiveSpan | None:
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


def _over_with_pass(act: Act) -> bool:
    return act.kind in ("flow", "condition") or (act.kind in ("loop", "while") and len(act.passes) == 1)
