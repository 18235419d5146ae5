"""Whose result was written last? No line tells when an unlogged child's is: it is written when the child is
done, and once more when all of its batch are.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable

from one_trace.assemble.live.around import logged
from one_trace.assemble.live.over import quiet
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan, Scope
from one_trace.assemble.live.timers import is_past, time_out


def wrote_silently(span: LiveSpan, saved: int) -> None:
    """As an unlogged child that is found out late: what began after it stays. `saved`: the line of the last
    save."""
    step_id = span.node.id
    for scope in span.scope.outwards():
        last = scope.last.get(step_id)
        if last is None or last.slot < 0 or _done_after(span, last, saved):
            scope.last[step_id] = span


def lose_overwritten(spans: Iterable[LiveSpan], saved: int) -> None:
    """What an unlogged child left in a map that an iteration shares with those before it is gone where one
    that was given up with an earlier iteration has written there since."""
    written: dict[tuple[Scope, str], list[LiveSpan]] = {}
    for span in spans:
        scope = span.scope
        if span.slot >= 0 and scope.over_index is not None and scope.shared is not scope:
            written.setdefault((scope.shared, span.node.id), []).append(span)
    for children in written.values():
        late = sorted(
            line for child in children if (line := done_inside(child)) > (child.scope.over_index or 0)
        )
        for child in children if late else ():
            after = bisect_right(late, _done(child, saved)[0])
            child.stored.lost = after < len(late) and late[after] < (child.scope.over_index or 0)


def doubt_left(spans: Iterable[LiveSpan]) -> None:
    """A result in an iteration's map may be that of an unlogged step which was given up with an earlier one,
    and of which nothing tells when it was done."""
    unknown: dict[tuple[Scope, str], int] = {}
    for span in spans:
        if span.slot < 0 or span.shown.result is not None:
            continue
        scope = span.scope
        if scope.shared is not scope and scope.iteration is not None and _timed_out_around(span):
            key = (scope.shared, span.node.id)
            unknown[key] = min(scope.iteration, unknown.get(key, scope.iteration))
    for span in spans if unknown else ():
        earlier = unknown.get((span.scope.shared, span.node.id)) if span.slot >= 0 else None
        if earlier is not None and span.shown.result is not None and (span.scope.iteration or 0) > earlier:
            span.shown.doubtful = span.shown.shared_result = True


def _timed_out_around(span: LiveSpan) -> bool:
    above = span.act.span
    while above is not None and above.scope is span.scope:
        result = above.shown.result
        if above.shown.status == "timeout" or (result is not None and result.status == "timeout"):
            return True
        above = above.act.span
    return False


def _done_after(one: LiveSpan, other: LiveSpan, saved: int) -> bool:
    """Of two unlogged children, by what ran in them, or by when their blocks were done; where those ran at
    the same time, that is not certain."""
    (end, sure), (other_end, other_sure) = _done(one, saved), _done(other, saved)
    blocks = [block for child in (one, other) if (block := logged(child)) is not None]
    begun = max((block.begun for block in blocks), default=-1)
    if not (sure and other_sure) and begun < min(end, other_end):
        one.stored.overwrites = other.stored.overwrites = True
    return other.act.start <= one.act.start if end == other_end else end > other_end


def _done(child: LiveSpan, saved: int) -> tuple[float, bool]:
    """The line at which its result was written last before the one of the last save, and whether that is so;
    else the line before which it was. It is written when it is done, and once more when all of its batch
    are, if none of them threw."""
    done = done_inside(child)
    if done >= 0:
        batch = [other for other in child.act.children if other.batch == child.batch]
        waits_for = [child] if any(other.raised for other in batch) else batch
        ends = [done_inside(other) for other in waits_for]
        known = min(ends) >= 0 and not any(
            act.kind == "parallel" for other in waits_for for act in other.acts
        )
        return max(ends) if max(ends) < saved else done, known
    signs = [
        inner.progress.first_index
        for other in child.act.children
        if other.batch > child.batch
        for inner in other.acts
        if inner.progress.first_index is not None
    ]
    if signs:
        return min(signs), False
    above: LiveSpan | None = child
    while above is not None and above.end_index is None:
        above = above.act.span
    if above is None or above.end_index is None or above.shown.status != "success":
        return math.inf, False  # what fails or is given up does not wait for it
    return above.end_index, False


def done_inside(child: LiveSpan) -> int:
    """The last line of what an unlogged child waited for, as far as there is one; else -1."""
    act = child.acts[-1] if child.acts else None
    if child.end_index is not None:
        inside = child.end_index  # an error was thrown into it
    elif act is None or not quiet(act) or _outlived(act):
        return -1
    else:
        inside = (
            max(map(done_inside, act.children), default=-1)
            if act.kind == "parallel"
            else act.progress.over_index
        )
    block = logged(child)
    if block is None or block.shown.status != "success" or block.end_index is None:
        return inside
    return min(inside, block.end_index - 1)  # what was timed out in it went on


def _outlived(act: ContainerAttempt) -> bool:
    """It may have been timed out before what ran in it was over."""
    inside = _over_at(act)
    return inside is not None and is_past(time_out(act), inside)


def _over_at(act: ContainerAttempt) -> float | None:
    """When the last of what ran in it was over, as far as there are lines of that."""
    if act.kind != "parallel":
        return act.progress.over_at
    inside = (_over_at(child.acts[-1]) for child in act.children if child.acts)
    return max((at for at in inside if at is not None), default=None)
