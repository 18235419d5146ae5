"""--stop-after: the step has ended, or a dry run has looked at it, and what it ran in, up to its flow, is
stopped with it. What runs beside it goes on, and is stopped in its turn where it comes to that step.
"""

from __future__ import annotations

from one_trace.assemble.live import Act, LiveSpan
from one_trace.assemble.world import World
from one_trace.record.log import LogLine


class Stops:
    """The stops of one replay."""

    def __init__(self) -> None:
        self._targets: list[tuple[Act, float, int]] = []
        """Where a target of a dry run was looked at, when, and in which line."""
        self._stopped: dict[Act, str | None] = {}
        """Flows that were stopped, and the step they were stopped after."""

    def look_at(self, world: World, line: LogLine) -> None:
        """The target of --dry-run --stop-after is looked at, not run."""
        world.kind = (line.type or "", line.step_name or "")
        seq = world.place_of(line.step_id or "")
        if seq is not None:
            self._targets.append((seq.act, float(line.at), world.index))

    def stop_flow(self, world: World, line: LogLine, last: Act | None) -> Act | None:
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

    def stop_rest(self, world: World) -> None:
        """At the end of the log: what had gone on beside a target, and came to the same step."""
        if not self._stopped:
            return
        reached = [
            (span.act, span.end, span.end_index)
            for span in world.spans
            if span.end is not None
            and span.end_index is not None
            and not span.raised
            and span.node.id == self._stopped.get(span.flow)
        ]
        for act, at, index in [*self._targets, *reached]:
            inside = act
            while inside.span is not None and inside.kind != "flow" and inside.span.open:
                _stop(world, inside.span, at, index)
                inside = inside.span.act


def _stop(world: World, span: LiveSpan, at: float, index: int) -> None:
    span.open = False
    span.status, span.end, span.end_index = "stopped", at, index
    span.duration = at - span.start
    for held in (world.open.get(span.node.id, []), world.kids.get(span.node.id, [])):
        if span in held:
            held.remove(span)
