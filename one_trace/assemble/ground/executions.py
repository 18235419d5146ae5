"""What ran: each execution of a step, and its tree as the engine makes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from one_trace.assemble.flowtree.tree import Node
from one_trace.engine.failures import StepFailure
from one_trace.engine.observer import Place
from one_trace.record.log import LogLine
from one_trace.record.state import Result


class Where(Struct, gc=False, eq=False):
    """Where an execution stands. `go`: 1, or 1 more than the number of the resume. `attempt`: of its
    parent."""

    above: Execution | None
    attempt: int | None
    iteration: int | None
    branch: str | None
    index: int | None
    go: int
    silent: bool
    """A direct child of a parallel block: it has no events of its own."""
    alone: bool = False
    """Nothing that it runs in runs anything beside it."""


class Execution(Struct, gc=False, eq=False):
    """One execution of a step. Times are epoch ms; `moments` count what happened in the run. Nothing that it
    refers to may refer to it: the garbage collector does not look at it."""

    number: int
    node: Node
    where: Where
    path: str
    start: float
    lines: tuple[int, int] = (-1, -1)
    """The lines that began and ended it; -1 where there is none."""
    line: LogLine | None = None
    """The line that ended it."""
    status: str | None = None
    error: str | None = None
    end: float | None = None
    failure: StepFailure | None = None
    """What it threw, which may have been thrown in it."""
    again: tuple[tuple[int, float], ...] = ()
    """At which moments and times its attempts after the first began."""
    over: int | None = None
    """The moment at which it ended."""
    result: Result | None = None
    expected: Any = None
    doubts: set[str] | None = None
    slack: float = 0
    """How much later than `start` it may have begun, where that has no line."""

    @property
    def attempts(self) -> int:
        return 1 + len(self.again)

    @property
    def attempt_start(self) -> float:
        """When its last attempt began."""
        return self.again[-1][1] if self.again else self.start

    def doubt(self, *names: str) -> None:
        self.doubts = (self.doubts or set()).union(names)


class Made(Struct, gc=False, eq=False):
    """A result. `parts`: of a loop its maps by iteration, of a block or a condition its children's results,
    of a sub-flow its map, of a while the last results of its iterations. `spread`: the map has the results of
    the sub-flow that was its last step over its own. `of`: None for what a while leaves meanwhile."""

    of: Execution | None = None
    status: str = "success"
    duration: float | None = None
    retries: int | None = None
    parts: Any = None
    spread: bool = False


Map = dict[str, Made]


def prefix(place: Place | Where, above: Execution | None, root: str) -> str:
    """What the paths of the executions at a place begin with; `root`: those of the flow."""
    if above is None:
        return root
    again = f"#{place.attempt}" if place.attempt is not None and place.attempt > 1 else ""
    iteration = f"[{place.iteration}]" if place.iteration is not None else ""
    return f"{above.path}{again}{iteration}"


def outwards(execution: Execution) -> Iterator[Execution]:
    """What it runs in, the innermost first."""
    above = execution.where.above
    while above is not None:
        yield above
        above = above.where.above


def lineage(execution: Execution) -> Iterator[Execution]:
    """It, and what it runs in, the innermost first."""
    yield execution
    yield from outwards(execution)


def child_around(execution: Execution, container: Execution) -> Execution:
    """What runs in the container directly, and is the execution or around it."""
    return next(each for each in lineage(execution) if each.where.above is container)


def loud_around(silent: Execution) -> Execution | None:
    """The innermost around it that has events."""
    return next((each for each in outwards(silent) if not each.where.silent), None)


def duration_of(each: Execution) -> float | None:
    """How long it took, by its line, or its result, or the run."""
    if each.line is not None and each.line.event == "step:complete" and each.line.duration_ms is not None:
        return each.line.duration_ms
    lasted = each.result.duration_ms if each.result is not None and each.where.silent else None
    if lasted is not None and lasted >= 0:  # its clock was not set back meanwhile
        return lasted
    return each.end - each.start if each.over is not None and each.end is not None else None


def is_late(each: Execution, *, either: bool = False) -> bool:
    """Whether it ended after the attempt that it ran in, or not at all. `either`: instead, whether that is
    open, since both ended at one time and one of them has no line."""
    above = each.where.above
    if above is None or (either and not (each.where.silent or above.where.silent)):
        return False
    attempt = each.where.attempt or 1
    given_up = attempt <= len(above.again)
    over = above.again[attempt - 1][0] if given_up else above.over
    if not either:
        return over is not None and (each.over is None or each.over > over)
    if over is None or each.over is None or not (each.where.silent or above.where.silent):
        return False
    when = above.again[attempt - 1][1] if given_up else above.end
    return (given_up or above.status != "success" or is_at_limit(above)) and each.end == when


def is_at_limit(each: Execution) -> bool:
    """It ended when its time-out was due, and may have been timed out."""
    timeout = each.node.timeout
    return timeout is not None and each.end is not None and each.end - each.attempt_start == timeout


def prefix_of(each: Execution) -> str:
    """What its path begins with."""
    return each.path[: -len(each.node.id) - 3]
