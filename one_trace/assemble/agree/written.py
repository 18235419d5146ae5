"""Whose result was written last? No line tells when a silent child's is: it is written when the child is
done, and once more when all of its batch are.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable

from one_trace.assemble.live.state import CLOCK_MS, Act, LiveSpan, Scope, logged, quiet


def wrote_silently(span: LiveSpan, saved: int) -> None:
    """As a silent child that is found out late: what began after it stays. `saved`: the line of the last
    save."""
    step_id = span.node.id
    for scope in span.scope.outwards():
        last = scope.last.get(step_id)
        if last is None or last.slot < 0 or _done_after(span, last, saved):
            scope.last[step_id] = span


def lose_overwritten(spans: Iterable[LiveSpan], saved: int) -> None:
    """What a silent child left in a map that an iteration shares with those before it is gone where one that
    was given up with an earlier iteration has written there since."""
    written: dict[tuple[Scope, str], list[LiveSpan]] = {}
    for span in spans:
        scope = span.scope
        if span.slot >= 0 and scope.over_index is not None and scope.shared is not scope:
            written.setdefault((scope.shared, span.node.id), []).append(span)
    for kids in written.values():
        late = sorted(line for kid in kids if (line := done_inside(kid)) > (kid.scope.over_index or 0))
        for kid in kids if late else ():
            after = bisect_right(late, _done(kid, saved)[0])
            kid.lost = after < len(late) and late[after] < (kid.scope.over_index or 0)


def doubt_left(spans: Iterable[LiveSpan]) -> None:
    """A result in an iteration's map may be that of a silent step which was given up with an earlier one, and
    of which nothing tells when it was done."""
    unknown: dict[tuple[Scope, str], int] = {}
    for span in spans:
        if span.slot < 0 or span.result is not None:
            continue
        scope = span.scope
        if scope.shared is not scope and scope.iteration is not None and _timed_out_around(span):
            key = (scope.shared, span.node.id)
            unknown[key] = min(scope.iteration, unknown.get(key, scope.iteration))
    for span in spans if unknown else ():
        earlier = unknown.get((span.scope.shared, span.node.id)) if span.slot >= 0 else None
        if earlier is not None and span.result is not None and (span.scope.iteration or 0) > earlier:
            span.doubtful = span.shared_result = True


def _timed_out_around(span: LiveSpan) -> bool:
    above = span.act.span
    while above is not None and above.scope is span.scope:
        result = above.result
        if above.status == "timeout" or (result is not None and result.status == "timeout"):
            return True
        above = above.act.span
    return False


def _done_after(one: LiveSpan, other: LiveSpan, saved: int) -> bool:
    """Of two silent children, by what ran in them, or by when their blocks were done; where those ran at the
    same time, that is not certain."""
    (end, sure), (other_end, other_sure) = _done(one, saved), _done(other, saved)
    blocks = [block for kid in (one, other) if (block := logged(kid)) is not None]
    begun = max((block.begun for block in blocks), default=-1)
    if not (sure and other_sure) and begun < min(end, other_end):
        one.overwrites = other.overwrites = True
    return other.act.start <= one.act.start if end == other_end else end > other_end


def _done(kid: LiveSpan, saved: int) -> tuple[float, bool]:
    """The line at which its result was written last before the one of the last save, and whether that is so;
    else the line before which it was. It is written when it is done, and once more when all of its batch
    are, if none of them threw."""
    done = done_inside(kid)
    if done >= 0:
        batch = [other for other in kid.act.kids if other.batch == kid.batch]
        waits_for = [kid] if any(other.raised for other in batch) else batch
        ends = [done_inside(other) for other in waits_for]
        known = min(ends) >= 0 and not any(
            act.kind == "parallel" for other in waits_for for act in other.acts
        )
        return max(ends) if max(ends) < saved else done, known
    signs = [
        inner.first_index
        for other in kid.act.kids
        if other.batch > kid.batch
        for inner in other.acts
        if inner.first_index is not None
    ]
    if signs:
        return min(signs), False
    above: LiveSpan | None = kid
    while above is not None and above.end_index is None:
        above = above.act.span
    if above is None or above.end_index is None or above.status != "success":
        return math.inf, False  # what fails or is given up does not wait for it
    return above.end_index, False


def done_inside(kid: LiveSpan) -> int:
    """The last line of what a silent child waited for, as far as there is one; else -1."""
    act = kid.acts[-1] if kid.acts else None
    if kid.end_index is not None:
        inside = kid.end_index  # an error was thrown into it
    elif act is None or not quiet(act) or _outlived(kid, act):
        return -1
    else:
        inside = max(map(done_inside, act.kids), default=-1) if act.kind == "parallel" else act.over_index
    block = logged(kid)
    if block is None or block.status != "success" or block.end_index is None:
        return inside
    return min(inside, block.end_index - 1)  # what was timed out in it went on


def _outlived(kid: LiveSpan, act: Act) -> bool:
    """It may have been timed out before what ran in it was over."""
    timeout, inside = kid.node.timeout, _over_at(act)
    return timeout is not None and inside is not None and inside > act.start + timeout + CLOCK_MS


def _over_at(act: Act) -> float | None:
    """When the last of what ran in it was over, as far as there are lines of that."""
    if act.kind != "parallel":
        return act.over_at
    inside = (_over_at(kid.acts[-1]) for kid in act.kids if kid.acts)
    return max((at for at in inside if at is not None), default=None)
