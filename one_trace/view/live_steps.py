"""The steps of a run while it runs: events in, what is known so far out.

The events name no parent, so where a step stands follows from the flow files and from what is open when it
starts. Where that leaves several places, it stands in the innermost block that all of them are in. Of a
direct child of `parallel` the host reports nothing but retries: whether it has ended, and how, is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from one_trace.view.live_plan import CONTAINERS, Called, DrawnStep, Plan, no_flow

UNKNOWN = "unknown"
_STATUS = {"success": "success", "skipped": "skipped", "timeout": "timeout"}
"""The host's words for how a step has ended. Any other is an error."""


class Retry(NamedTuple):
    """The attempt that a step is waiting for or making."""

    attempt: int
    attempts: int
    at_ms: float


class Took(NamedTuple):
    """How long the longest execution of a step lasted. `estimated`: measured by us, not reported."""

    ms: float
    estimated: bool = False


class LiveStep:
    """A step in its place: its running executions, and how many have ended with which status."""

    def __init__(self, step_id: str, drawn: DrawnStep, parent: LiveStep | None) -> None:
        self.step_id = step_id
        self.drawn = drawn
        self.parent = parent
        self.inner: dict[str, LiveStep] = {}
        self.running: list[float] = []
        """When each running execution started."""
        self.ended: Counter[str] = Counter()
        self.last = "success"
        """The status of the last one that ended."""
        self.took: Took | None = None
        self.retry: Retry | None = None
        self.retries = 0
        self.late = False
        """It started or ended after a block that it is in had ended."""
        self.doubtful = False
        """An end that was counted here may be that of another step with this id."""
        self.may_go_on = False
        """It has ended or timed out, but more may start in it: the host cancels nothing."""

    @property
    def kind(self) -> str:
        return self.drawn.kind

    @property
    def silent(self) -> bool:
        """It is a direct child of `parallel`, for which the host writes no events."""
        return self.parent is not None and self.parent.kind == "parallel" and self.parent.has(self.step_id)

    @property
    def executions(self) -> int:
        """How many executions have started."""
        return len(self.running) + self.ended.total()

    @property
    def iterations(self) -> int:
        """Of a loop: how many iterations have started, judged by its busiest step."""
        return max((step.executions for step in self.inner.values()), default=0)

    @property
    def failures(self) -> int:
        return self.ended["error"] + self.ended["timeout"]

    def has(self, step_id: str) -> bool:
        """The flow files say that a step with this id is directly in it."""
        return self.drawn.inner is not None and step_id in self.drawn.inner

    def has_room(self) -> bool:
        """Another step may start directly in it."""
        if self.drawn.inner is None and self.kind != "flow":
            return True
        runs = max(len(self.running), int(self.may_go_on))
        return sum(len(step.running) for step in self.inner.values()) < runs * self.drawn.at_once

    def awaits(self, step_id: str, unplaced: set[str]) -> bool:
        """That step may be the next one in it. `unplaced`: ids of which some executions are not in the block
        that they belong to."""
        before = (self.drawn.inner or {})[step_id].after
        if step_id in unplaced or before in unplaced:
            return True
        begun = self.inner[step_id].executions if step_id in self.inner else 0
        if before is not None:
            return before in self.inner and begun < self.inner[before].ended.total()
        return self.kind in ("loop", "while") or begun < self.executions + self.retries

    def outwards(self) -> Iterator[LiveStep]:
        """It and the blocks that it is in, the innermost first; the last one is the run."""
        at: LiveStep | None = self
        while at is not None:
            yield at
            at = at.parent

    def inside(self) -> Iterator[LiveStep]:
        """The steps in it at any depth."""
        todo = list(self.inner.values())
        while todo:
            step = todo.pop()
            yield step
            todo += step.inner.values()

    def is_busy(self) -> bool:
        """Something in it runs, as far as the events tell."""
        return any(step.running and not step.silent for step in self.inside())

    def outlives_its_block(self) -> bool:
        """A block that it is in has ended. When a silent child starts and ends is not known."""
        return not self.silent and any(not block.running for block in list(self.outwards())[1:])

    def end(self, status: str, took: Took | None) -> None:
        """Its execution that was begun first has ended."""
        self.running.pop(0)
        self.ended[status] += 1
        self.last = status
        self.retry = None
        self.late = self.late or self.outlives_its_block()
        if took is not None and (self.took is None or took.ms >= self.took.ms):
            self.took = took
        if took is not None and not took.estimated and not self.running:
            self._bound(took.ms)

    def _bound(self, most_ms: float) -> None:
        """What is in it and was measured by us lasted no longer than it."""
        for step in self.inside():
            if step.took is not None and step.took.estimated and not step.late:
                step.took = min(step.took, Took(most_ms, estimated=True))


class LiveSteps:
    """The steps of a run so far. `plan`: of its flow; `called`: of the flows that it calls."""

    def __init__(self, began_ms: float, plan: Plan | None = None, called: Called = no_flow) -> None:
        self.run = LiveStep("", DrawnStep("flow", plan), None)
        self.run.running.append(began_ms)
        self._called = called
        self._open = [self.run]
        """Blocks in which a step may start, those that were begun last at the end."""
        self._running: dict[str, list[LiveStep]] = {}
        self._unplaced: set[str] = set()
        self._ended: dict[str, set[str]] = {}
        """With which statuses the steps of an id have ended."""

    def feed(self, event: Mapping[str, object], now_ms: float) -> None:
        """Process an event or a log line. Only events of steps change anything."""
        step_id = event.get("stepId")
        if not isinstance(step_id, str):
            return
        kind = event.get("event")
        if kind == "step:start":
            self._start(step_id, str(event.get("type", "")), now_ms)
        elif kind == "step:complete":
            self._end(
                step_id, _STATUS.get(str(event.get("status")), "error"), event.get("durationMs"), now_ms
            )
        elif kind == "step:error":
            self._end(step_id, "error", None, now_ms)
        elif kind == "step:retry":
            self._retry(step_id, event, now_ms)
        elif kind == "step:retry-success":
            for step in self._silent(step_id)[:1]:
                self._end_silent(step, "success")

    def is_unsure(self, step: LiveStep) -> bool:
        """Which of the steps with its id has ended in which way is not known."""
        ended, running = self._ended.get(step.step_id, set()), self._running.get(step.step_id)
        return step.doubtful and (bool(running) or ended != {"success"})

    # -- starts

    def _start(self, step_id: str, kind: str, now_ms: float) -> None:
        block, drawn = self._place(step_id)
        step = block.inner.get(step_id)
        if step is None:
            step = block.inner[step_id] = LiveStep(step_id, self._drawn(drawn, kind), block)
        self._begin(step, now_ms)

    def _drawn(self, planned: DrawnStep | None, kind: str) -> DrawnStep:
        drawn = planned if planned is not None and planned.kind == kind else DrawnStep(kind)
        return drawn._replace(inner=self._called(drawn.calls)) if drawn.calls is not None else drawn

    def _begin(self, step: LiveStep, now_ms: float) -> None:
        step.running.append(now_ms)
        step.late = step.late or step.outlives_its_block()
        if not step.silent:
            self._running.setdefault(step.step_id, []).append(step)
        if step.kind in CONTAINERS:
            if step in self._open:
                self._open.remove(step)
            self._open.append(step)
        if step.kind == "parallel":
            self._begin_silent(step, now_ms)

    def _begin_silent(self, block: LiveStep, now_ms: float) -> None:
        """Its children may be running from now on."""
        for step_id, planned in (block.drawn.inner or {}).items():
            child = block.inner.get(step_id)
            if child is None:
                drawn = self._drawn(planned, planned.kind)
                child = block.inner[step_id] = LiveStep(step_id, drawn, block)
            self._begin(child, now_ms)

    def _place(self, step_id: str) -> tuple[LiveStep, DrawnStep | None]:
        """The block that it has started in, and what the flow files say of it."""
        planned = [block for block in self._open if block.kind != "parallel" and block.has(step_id)]
        if not planned:
            return self._guess(step_id), None
        free = [block for block in planned if block.has_room()] or planned
        blocks = [block for block in free if block.awaits(step_id, self._unplaced)] or free
        if len(blocks) > 1:
            self._unplaced.add(step_id)
        return _innermost_common(blocks), (blocks[0].drawn.inner or {})[step_id]

    def _guess(self, step_id: str) -> LiveStep:
        """Where the flow files do not say it: where it ran before, else the block that was begun last."""
        known = [block for block in self._open if block.drawn.inner is None] or self._open
        blocks = [block for block in known if block.running and block.has_room()] or known
        return next((block for block in reversed(blocks) if step_id in block.inner), blocks[-1])

    # -- ends and retries

    def _end(self, step_id: str, status: str, took: object, now_ms: float) -> None:
        running = self._running.get(step_id)
        if not running:
            return
        # It is negative if the clock was set back meanwhile.
        reported = float(took) if isinstance(took, int | float) and took >= 0 else None
        step = self._ended_one(running, status, reported, now_ms)
        running.remove(step)
        self._ended.setdefault(step_id, set()).add(status)
        length = (
            Took(max(0.0, now_ms - step.running[0]), estimated=True) if reported is None else Took(reported)
        )
        step.end(status, None if status == "skipped" else length)
        self._close(step)

    def _ended_one(
        self, running: list[LiveStep], status: str, reported: float | None, now_ms: float
    ) -> LiveStep:
        """Which of the running steps with one id has ended: a block only after what is in it, and the one
        that has lasted as long as is reported."""
        if len(set(running)) == 1:
            return running[-1]
        for each in running:
            each.doubtful = True
        done = [each for each in running if status != "success" or not each.is_busy()] or running
        if reported is None:
            return done[-1]
        began_ms = now_ms - reported
        return min(done, key=lambda each: abs(began_ms - each.running[0]))

    def _close(self, step: LiveStep) -> None:
        """What follows from the end of a step for what is in it."""
        for child in step.inner.values() if step.kind == "parallel" else ():
            if child.silent and child.running:
                known = step.last == "success" and child.drawn.must_succeed
                self._end_silent(child, "success" if known else UNKNOWN)
        if step.kind in CONTAINERS and not step.running:
            timed_out = step.last in ("timeout", UNKNOWN)
            step.may_go_on = timed_out or any(inner.running for inner in step.inside())
            if not step.may_go_on:
                self._open.remove(step)

    def _end_silent(self, step: LiveStep, status: str) -> None:
        step.end(status, None)
        self._close(step)

    def _retry(self, step_id: str, event: Mapping[str, object], now_ms: float) -> None:
        found = [*self._running.get(step_id, ()), *self._silent(step_id)]
        attempt, retries, delay = event.get("attempt"), event.get("maxRetries"), event.get("delayMs")
        if found and isinstance(attempt, int) and isinstance(retries, int):
            wait = float(delay) if isinstance(delay, int | float) else 0.0
            step = found[-1]
            step.retry = Retry(attempt, retries + 1, now_ms + wait)
            step.retries += 1
            if len(set(found)) > 1:
                for each in found:
                    each.doubtful = True
            if step.kind == "parallel":
                self._begin_again(step, now_ms)

    def _begin_again(self, block: LiveStep, now_ms: float) -> None:
        """Another attempt of a `parallel` runs its children once more."""
        for child in block.inner.values():
            if child.silent and not child.running:
                self._begin(child, now_ms)

    def _silent(self, step_id: str) -> list[LiveStep]:
        """The children of open `parallel` blocks with this id that may be running."""
        blocks = [block for block in self._open if block.kind == "parallel" and block.has(step_id)]
        children = [block.inner[step_id] for block in blocks if step_id in block.inner]
        return [child for child in children if child.running]


def _innermost_common(blocks: list[LiveStep]) -> LiveStep:
    """The innermost block that all of these are or are in."""
    others = [set(block.outwards()) for block in blocks[1:]]
    return next(block for block in blocks[0].outwards() if all(block in other for other in others))
