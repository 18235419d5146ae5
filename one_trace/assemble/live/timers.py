"""Is this timer due? Time-outs of steps, and the delays before their next attempts.

A timer never goes off early, but for the rounding of clocks, and may go off late: what keeps the host's one
thread busy comes first. A `Timer` is the time at which it is due, in epoch ms; None where there is none.
"""

from __future__ import annotations

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.tolerance import CLOCK_MS, ROUNDED_MS

Timer = float | None


def time_out_of(node: Node, began: float) -> Timer:
    """Of a step that began then."""
    return None if node.timeout is None else began + node.timeout


def time_out(act: ContainerAttempt) -> Timer:
    """Of one attempt of a container."""
    return None if act.node is None else time_out_of(act.node, act.start)


def latest_time_out(child: LiveSpan) -> Timer:
    """When an unlogged container is over by its time-out, at the latest: it began before the first line from
    inside it."""
    if not child.acts:
        return None
    began = child.acts[-1].start
    return time_out_of(child.node, max(began, child.inner_start or began) if child.attempts == 1 else began)


def is_due(timer: Timer, now: float) -> bool:
    """It may have gone off by now."""
    return timer is not None and timer <= now + CLOCK_MS


def is_past(timer: Timer, now: float) -> bool:
    """It must have gone off by now, unless it was late."""
    return timer is not None and timer + CLOCK_MS < now


def is_early(timer: Timer, now: float) -> bool:
    """It cannot have gone off yet."""
    return timer is not None and now + ROUNDED_MS < timer


def goes_off(timer: Timer, now: float, late: float) -> bool:
    """It goes off just now, no more than `late` ms after it was due."""
    return timer is not None and abs(now - timer) <= max(late, ROUNDED_MS)


def last_began(span: LiveSpan) -> float:
    """When its last attempt did."""
    return span.retried[-1] if span.retried else span.start
