"""What waits in a reading, and what is noted of it on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from msgspec import Struct, field

from one_trace.assemble.ground.executions import Execution, Made
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Promise

STATUS = {"success": "success", "skipped": "skipped", "failed": "error", "timeout": "timeout"}
"""What the host calls an outcome, and we."""
NEVER = float("inf")
UNKNOWN = "\0 an error that the record does not tell"


class Timer(Struct, eq=False):
    """A pause before another attempt, or a time-out (`limit`) of an attempt of `of`."""

    due: float
    of: Execution
    limit: bool
    fire: Callable[[], None]
    attempt: int
    slack: float = 0
    """How much later it may have begun to run, by the next line of the moment."""

    @property
    def latest(self) -> float:
        return self.due + self.slack


class Waiting(Struct, eq=False):
    """The body of a leaf step that waits for its end. `due`: when it ends, where the state says so."""

    of: Execution
    attempt: int
    promise: Promise[StepFailure | None] | None = None
    """None: nothing waits for it yet."""
    due: float | None = None
    failure: StepFailure | None = None
    never: bool = False

    @property
    def latest(self) -> float:
        """When it is over at the latest."""
        return NEVER if self.due is None else self.due + self.of.slack


class Pending(Struct, eq=False):
    """`open`: executions with events that have begun and not ended, by step id; `waiting`: leaf bodies by
    step id; `silent`: those without events; `promised`: silent containers of which the state says when they
    ended, and whether they failed; `calls`: sub-flows before their first event; `reader`: what the first of
    them wait for; `limited`: attempts with a time-out whose bodies have begun in this tick, the innermost
    last; `count`: how many leaf bodies wait; `pausing`: whose pause or time-out the next timer is, an attempt
    of 0 for a pause, and how long it is by the log; `fresh`: what has begun without a line since the last
    line of this moment."""

    open: dict[str, list[Execution]] = field(default_factory=lambda: defaultdict(list))
    waiting: dict[str, list[Waiting]] = field(default_factory=lambda: defaultdict(list))
    silent: list[Waiting] = field(default_factory=list)
    promised: list[tuple[float, Execution, bool]] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    calls: list[Execution] = field(default_factory=list)
    reader: Promise[None] | None = None
    limited: list[tuple[Execution, int]] = field(default_factory=list)
    pausing: tuple[Execution, int, float | None] = field(default=None)  # type: ignore[assignment]  # set before it is read
    count: int = 0
    fresh: list[Execution | Timer] = field(default_factory=list)

    def add(self, waiting: Waiting) -> None:
        self.count += 1
        self.waiting[waiting.of.node.id].append(waiting)
        if waiting.of.where.silent:
            self.silent.append(waiting)

    def drop(self, waiting: Waiting) -> None:
        self.count -= 1
        self.waiting[waiting.of.node.id].remove(waiting)
        if waiting.of.where.silent:
            self.silent.remove(waiting)

    def foretold(self, of: Execution) -> float:
        """When the state says that a silent step ended, other than by a time-out; 0 where it does not."""
        ends = [each.due for each in self.silent if each.of is of and each.due is not None]
        ends += [due for due, each, _ in self.promised if each is of]
        return max(ends, default=0)

    @property
    def nothing(self) -> bool:
        """Nothing waits for a line, or for its time."""
        return not (self.count or self.timers or self.promised or self.calls or self.limited)


class Notes(Struct, eq=False):
    """`forced`: silent steps of which only what followed tells that they were over; `guessed`: failures of
    which only the step is known that they came through; `unseen`: what began after the last line;
    `reserved`: lines that end leaves which were over at once; `refused`: lines that do not end what they
    might, had that been over at once; `iterations`: how many a loop makes one after another, by its number;
    `root`: the map of the root flow, now; `kept`: when the state was saved last."""

    forced: set[Execution] = field(default_factory=set)
    guessed: set[StepFailure] = field(default_factory=set)
    unseen: set[Execution] = field(default_factory=set)
    reserved: set[int] = field(default_factory=set)
    refused: set[tuple[int, Execution]] = field(default_factory=set)
    iterations: dict[int, int] = field(default_factory=dict)
    root: dict[str, Made] = field(default_factory=dict)
    kept: dict[str, Made] = field(default_factory=dict)
