"""--stop-after: the step has ended, or a dry run has looked at it, and what it ran in, up to its flow, is
stopped with it. What runs beside it goes on, and is stopped in its tick where it comes to that step.
"""

from __future__ import annotations

from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.live.timers import Timer, is_due, latest_time_out
from one_trace.assemble.reading.world import World
from one_trace.record.log import LogLine


class Stops:
    """The stops of one replay."""

    def __init__(self) -> None:
        self._targets: list[tuple[ContainerAttempt, float, int]] = []
        """Where a target of a dry run was looked at, when, and in which line."""
        self._stopped: dict[ContainerAttempt, str | None] = {}
        """Flows that were stopped, and the step they were stopped after."""

    def look_at(self, world: World, line: LogLine) -> None:
        """The target of --dry-run --stop-after is looked at, not run."""
        world.kind = (line.type or "", line.step_name or "")
        seq = world.place_of(line.step_id or "")
        if seq is not None:
            self._targets.append((seq.act, float(line.at), world.index))

    def stop_flow(
        self, world: World, line: LogLine, last: ContainerAttempt | None
    ) -> ContainerAttempt | None:
        """The flow that a ``flow:stopped`` ends, stopped from the target (which ran in `last`, where it did
        run) outwards; None where there is none."""
        act = self._targets[-1][0] if self._targets else last
        while act is not None and not (
            act.kind == "flow" and act.tree is not None and act.tree.key == line.flow_key
        ):
            if act.span is None:
                break
            _stop(world, act.span, float(line.at), world.index)
            act = act.span.act
        if act is None:
            return None
        world.next = None
        world.stack.clear()
        act.finished = True
        self._stopped[act] = line.stopped_after
        if act in world.flows:
            world.flows.remove(act)
        return act

    def ended(self, world: World, span: LiveSpan) -> None:
        """A step has ended in a flow that was stopped: if it is the one that this was stopped after, what it
        ran in is stopped, too."""
        if self._stopped and not span.raised and self._stopped.get(span.flow) == span.node.id:
            _stop_around(world, span.act, span.end or 0, span.end_index or 0)

    def stop_rest(self, world: World) -> None:
        """At the end of the log: what had come to the same step before, or had looked at it, or all that did
        where no line tells of a stop."""
        stopped_after = self._stopped or _unfollowed(world)
        reached = [
            (span.act, span.end, span.end_index)
            for span in (world.spans if stopped_after else ())
            if span.end is not None
            and span.end_index is not None
            and not span.raised
            and span.node.id == stopped_after.get(span.flow)
        ]
        for act, at, index in [*self._targets, *reached]:
            _stop_around(world, act, at, index)


def _stop_around(world: World, act: ContainerAttempt, at: float, index: int) -> None:
    """What was stopped in an attempt stops what that is in, up to its flow."""
    just = False
    while (span := _stops_with(act, at)) is not None:
        just = just or is_due(_timer(span), at)
        _stop(world, span, at, index)
        span.shown.doubtful = span.shown.doubtful or span.slot >= 0  # it may have thrown before
        span.shown.either_end = span.shown.either_end or just
        act = span.act


def _stops_with(act: ContainerAttempt, at: float) -> LiveSpan | None:
    """The step that is stopped with this attempt; None if it was given up before. What it ran set its timer
    first, so that of two that are due at once that one goes off."""
    span = act.span
    if span is None or act.kind == "flow" or not span.open or span.acts[-1] is not act:
        return None
    timer = _timer(span)
    return span if timer is None or at <= timer else None


def _timer(span: LiveSpan) -> Timer:
    """An unlogged step's time-out."""
    return latest_time_out(span) if span.slot >= 0 else None


def under_way(act: ContainerAttempt) -> bool:
    """Nothing that it is in, up to its flow, has ended."""
    inside = act
    while inside.span is not None and inside.kind != "flow":
        if not inside.span.open:
            return False
        inside = inside.span.act
    return True


def _unfollowed(world: World) -> dict[ContainerAttempt, str | None]:
    """Where all that was stopped had been given up before, no line tells of it; but a step ended, and the one
    after it, which begins with no await between, did not begin. By flow, the step it was stopped after."""
    lines = world.facts.lines
    targets = {
        span.node.id
        for span in world.spans
        if (seq := span.seq) is not None
        and seq.current is None
        and 0 < seq.pos < len(seq.nodes)
        and seq.nodes[seq.pos - 1] is span.node
        and not (span.open or span.raised or seq.act.failed)
        and seq in seq.act.runs
        and span.end_index is not None
        and span.end_index + 1 < len(lines)
        and lines[span.end_index + 1].event is not None
    }
    if len(targets) != 1:
        return {}
    return dict.fromkeys((span.flow for span in world.spans), targets.pop())


def _stop(world: World, span: LiveSpan, at: float, index: int) -> None:
    span.open = False
    span.shown.status, span.end, span.end_index = "stopped", at, index
    span.shown.duration = at - span.start
    for held in (world.open.get(span.node.id, []), world.children.get(span.node.id, [])):
        if span in held:
            held.remove(span)
