"""What is alive while the log is replayed: spans, the attempts of containers, and their runs through lists of
steps.

Of each it is told apart what is known when it begins, where it stands in the replay, and what is shown of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Raw

from one_trace.assemble.flowtree.tree import Node, StepList, Tree
from one_trace.assemble.live.progress import AttemptProgress
from one_trace.assemble.live.shown import ShownSpan, UnsureAttempt
from one_trace.model.trace import Branch
from one_trace.record.state import Result

ENDS = {
    "success": "success",
    "completed": "success",
    "skipped": "skipped",
    "timeout": "timeout",
    "failed": "error",
}
"""The host's words for how a step has ended, and ours. Any other is an error."""
Results = dict[str, Raw]
Foreseen = dict[tuple[str, int], Result | None]
"""Results of containers that may run more than once, by path and by number among the spans of that path, as
an earlier replay settled them; None where what the state has is another's."""


class Scope:
    """A map of results by step id, as the host keeps one: the root flow's, a sub-flow's, an iteration's.

    `results` is what the state holds of it, `guess` what it may hold, told before its `owner` has ended; each
    is looked up when it is first asked for. `last`: the last span that wrote under an id. An iteration whose
    loop left no result falls back to `parent`, into which the host merges it.
    """

    __slots__ = (
        "guess",
        "guessed",
        "iteration",
        "last",
        "maybe",
        "merged",
        "outcomes",
        "over",
        "over_index",
        "owner",
        "parent",
        "results",
        "running",
        "settled",
        "shared",
    )

    def __init__(
        self,
        results: Results | None,
        parent: Scope | None,
        owner: ContainerAttempt | None = None,
        iteration: int | None = None,
        *,
        merged: bool = False,
    ) -> None:
        self.results = self.guess = results
        self.settled = self.guessed = owner is None
        self.parent = parent
        self.owner = owner
        self.iteration = iteration
        self.merged = merged
        self.shared: Scope = self if parent is None or merged else parent.shared
        """The map that the host really has: only iterations that run concurrently have one of their own."""
        self.over: float | None = None
        self.over_index: int | None = None
        """When its iteration was over, and the line: what was still running then is not in it."""
        self.last: dict[str, LiveSpan] = {}
        self.outcomes: set[tuple[str, str, float | None]] = set() if parent is None else parent.outcomes
        """How what has written in the outermost map or inside it has ended: id, status, duration."""
        self.running: dict[str, int] = {} if self.shared is self else self.shared.running
        """How many of an id run now that will write into the shared map."""
        self.maybe: frozenset[str] = frozenset()
        """Ids under which something that left no sign may have written."""

    def outwards(self) -> Iterator[Scope]:
        """It and the maps that it is merged into, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def may_write(self, ids: set[str]) -> None:
        """Silent steps of which nothing was seen."""
        for scope in self.outwards():
            scope.maybe |= ids

    def wrote(self, span: LiveSpan) -> None:
        scope: Scope | None = self
        step_id = span.node.id
        stored = span.stored
        while scope is not None:
            stored.before = scope.last.get(step_id)
            scope.last[step_id] = span
            scope = scope.parent
        outcome = (step_id, span.shown.status, span.shown.reported_ms)
        stored.alike = outcome in self.outcomes
        self.outcomes.add(outcome)


class StoredResult:
    """How a span's result came to stand in the host's maps."""

    __slots__ = ("alike", "before", "expected", "found_in", "lost", "overwrites")

    def __init__(self) -> None:
        self.expected: Result | bool | None = None
        """What the state says of it before it ends; False: nothing; None: not looked up."""
        self.found_in: Scope | None = None
        """The map that its result was found in."""
        self.lost = False
        """What was given up wrote under its id before its iteration was over."""
        self.alike = False
        """One that had written under its id before has ended in the same way."""
        self.before: LiveSpan | None = None
        """What had written under its id before, in the outermost map."""
        self.overwrites = False
        """Another may have written under its id before it."""


class BegunStep:
    """What is known of a span when it begins. A direct child of `parallel` has no `seq` (the host writes no
    events for it): `slot` is its place in the block."""

    __slots__ = (
        "act",
        "batch",
        "begun",
        "branch",
        "clock",
        "iteration",
        "node",
        "number",
        "path",
        "placed",
        "seq",
        "slot",
        "started_at",
    )

    def __init__(
        self,
        node: Node,
        seq: SequenceRun | None,
        act: ContainerAttempt,
        path: str,
        clock: float,
        number: int,
    ) -> None:
        self.node = node
        self.seq = seq
        self.act = act
        self.path = path
        self.number = number
        self.clock = clock
        """When the line that began it was written: what it says that it lasted counts from then, or later."""
        self.started_at: str | None = None
        self.iteration: int | None = None
        self.branch: Branch | None = None
        self.placed = True
        """False where the flow files do not tell where it stands."""
        self.begun = -1
        """The line that began it."""
        self.slot = -1
        self.batch = 0

    @property
    def flow(self) -> ContainerAttempt:
        """The sub-flow (or root) in which it stands."""
        return self.act if self.act.kind == "flow" else self.act.under

    @property
    def scope(self) -> Scope:
        return self.seq.scope if self.seq is not None else self.act.scope


class LiveSpan(BegunStep):
    """One execution of a step, and where it stands in the replay. Times are epoch ms; `end` is the log's time
    of the event that ended it, the line `end_index`."""

    __slots__ = (
        "acts",
        "attempts",
        "end",
        "end_index",
        "inner_start",
        "open",
        "raised",
        "retried",
        "shown",
        "start",
        "stored",
        "succeeded",
    )

    def __init__(
        self,
        node: Node,
        seq: SequenceRun | None,
        act: ContainerAttempt,
        path: str,
        start: float,
        number: int,
    ) -> None:
        super().__init__(node, seq, act, path, start, number)
        self.start = start
        self.open = True
        self.end: float | None = None
        self.end_index: int | None = None
        self.raised = False
        self.attempts = 1
        self.retried: tuple[float, ...] = ()
        """When its second, third ... attempt began."""
        self.acts: list[ContainerAttempt] = []
        self.inner_start: float | None = None
        """When the first event from inside an unlogged child was written."""
        self.succeeded: float | None = None
        """When an unlogged child said that it had succeeded after retries."""
        self.shown = ShownSpan()
        self.stored = StoredResult()

    @property
    def unsure_attempts(self) -> bool:
        return self.shown.unsure_attempts


class BegunAttempt:
    """What is known of an attempt of a container when it begins; of a flow, when its first step does."""

    __slots__ = (
        "attempt",
        "depth",
        "kind",
        "node",
        "opened",
        "prefix",
        "resume",
        "scope",
        "span",
        "tree",
        "under",
    )

    def __init__(
        self, span: LiveSpan | None, node: Node | None, attempt: int, scope: Scope, resume: int
    ) -> None:
        self.span = span
        self.node = node
        self.kind = node.type if node is not None else "flow"
        self.attempt = attempt
        self.scope = scope
        self.resume = resume
        self.prefix = ""
        self.tree: Tree | None = None
        self.opened = 0.0
        """When it was found to have begun, or, after a retry, to be due."""
        self.depth = 0

    @property
    def steps(self) -> list[Node]:
        """The steps of its body, as the flow has them."""
        return self.node.body.nodes if self.node is not None and self.node.body is not None else []


class ContainerAttempt(BegunAttempt):
    """One attempt of a container, or (where `span` is None) one run or resume of the root flow."""

    __slots__ = (
        "children",
        "closed",
        "error",
        "failed",
        "finished",
        "merging",
        "progress",
        "results",
        "runs",
        "start",
        "thrown",
        "unsure",
    )

    def __init__(
        self, span: LiveSpan | None, node: Node | None, attempt: int, scope: Scope, resume: int
    ) -> None:
        super().__init__(span, node, attempt, scope, resume)
        self.under: ContainerAttempt = self
        """The sub-flow (or root) in which the container stands."""
        self.start = 0.0
        self.runs: list[SequenceRun] = []
        """Those under way."""
        self.children: list[LiveSpan] = []
        self.merging: list[LiveSpan] = []
        """Of a flow: the loops in it whose iterations run concurrently, and are merged when they are done."""
        self.failed = False
        self.error: str | None = None
        self.thrown: list[LiveSpan] = []
        """What threw in it, in this order."""
        self.finished = False
        self.closed = False
        """Its step has ended, and with it all that could begin in it."""
        self.results: list[Results] | bool | None = None
        """A loop's results by iteration; False: not known; None: not looked up."""
        self.progress = AttemptProgress()
        self.unsure = UnsureAttempt()


class SequenceRun:
    """One pass through a list of steps: at most one of its steps runs at a time, and in order."""

    __slots__ = (
        "act",
        "branch",
        "current",
        "doubtful",
        "iteration",
        "nodes",
        "pos",
        "prefix",
        "scope",
        "skip",
    )

    def __init__(
        self, act: ContainerAttempt, step_list: StepList, iteration: int | None, scope: Scope, prefix: str
    ) -> None:
        self.act = act
        self.nodes = step_list.nodes
        self.branch = step_list.branch
        self.iteration = iteration
        self.scope = scope
        self.prefix = prefix
        self.pos = 0
        self.doubtful = act.unsure.doubtful
        self.current: LiveSpan | None = None
        self.skip: frozenset[str] = frozenset()

    def awaited(self) -> Node | None:
        """The step that starts next; None after the last one."""
        return self.nodes[self.pos] if self.pos < len(self.nodes) else None
