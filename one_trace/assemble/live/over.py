"""Is this over? What can be said of a container whose end no line tells yet."""

from __future__ import annotations

from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.timers import is_due, time_out


def quiet(act: ContainerAttempt) -> bool:
    """Nothing runs in this attempt, as far as the log can tell: it may complete."""
    if act.kind == "flow":
        return act.finished or not act.progress.started
    if act.kind == "parallel":
        return all(not child.acts or not child.open or quiet(child.acts[-1]) for child in act.children)
    return not act.runs


def may_iterate(act: ContainerAttempt) -> bool:
    """A loop may have another iteration, as far as is known."""
    node = act.node
    most = node.most if node is not None else None
    return act.kind in ("loop", "while") and (most is None or act.progress.started < most)


def is_over(child: LiveSpan) -> bool:
    """An unlogged step of which all that it ran was over before its time-out: it has succeeded."""
    act = child.acts[-1] if child.acts and child.slot >= 0 else None
    if act is None or act.kind == "parallel" or act.failed or act.progress.over_at is None:
        return False
    over = act.finished if act.kind == "flow" else quiet(act) and not may_iterate(act)
    return over and not is_due(time_out(act), act.progress.over_at)


def ends_in_tick(span: LiveSpan, now: float, late: float) -> bool:
    """All that ran in it was over in this tick, and nothing more can begin in it: it ends in this tick."""
    act = span.acts[-1] if span.acts else None
    over = through_at(act) if act is not None and act.kind != "parallel" else None
    return over is not None and now <= over + late


def through_at(act: ContainerAttempt) -> float | None:
    """When all that ran in it was over, if nothing more can begin in it, and nothing is silent in it that may
    have lasted longer: it ends in that tick."""
    if act.failed:
        return None
    if act.kind != "parallel":
        return act.progress.over_at if quiet(act) and not may_iterate(act) else None
    if act.progress.batch_end < len(act.steps) or any(child.node.timeout for child in act.children):
        return None
    overs = [through_at(child.acts[-1]) if child.acts else None for child in act.children]
    return max((over for over in overs if over is not None), default=None) if None not in overs else None


def waits_still(act: ContainerAttempt) -> bool:
    """Something runs in it, and nothing has thrown in it that would have failed it."""
    return act.kind != "parallel" and bool(act.runs) and not act.failed


def all_run(act: ContainerAttempt) -> bool:
    """A block of which all that has begun last runs still: the log would tell if one had thrown."""
    last = [child for child in act.children if child.batch == act.progress.batch]
    return act.kind == "parallel" and not act.failed and all(map(_runs, last))


def _runs(child: LiveSpan) -> bool:
    act = child.acts[-1] if child.acts else None
    if act is None or not child.open or (child.node.goes_on and child.node.timeout is not None):
        return False
    return waits_still(act) or all_run(act)


def last_batch_is_done(block: LiveSpan) -> bool:
    """A block of which the last batch is seen to be done: it has succeeded."""
    act = block.acts[-1] if block.acts else None
    if act is None or act.kind != "parallel" or act.progress.batch_end < len(act.steps):
        return False
    last = [child for child in act.children if child.batch == act.progress.batch]
    return all(child.acts and child.acts[-1].kind == "flow" and child.acts[-1].finished for child in last)
