"""What is alive while the log is replayed: spans, the attempts of containers, and their passes through lists
of steps."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Raw

from one_trace.assemble.flowtree.tree import Listing, Node, Tree
from one_trace.model.trace import Branch
from one_trace.record.state import Result

CLOCK_MS = 3.0
"""Two clock readings of one moment differ by no more, in all that was measured."""
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
        owner: Act | None = None,
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
        """The map that the host really has: only iterations that run abreast have one of their own."""
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
        while scope is not None:
            span.before = scope.last.get(step_id)
            scope.last[step_id] = span
            scope = scope.parent
        outcome = (step_id, span.status, span.reported_ms)
        span.alike = outcome in self.outcomes
        self.outcomes.add(outcome)


def logged(kid: LiveSpan) -> LiveSpan | None:
    """A step that the log tells of: itself, or the nearest that a silent child is in."""
    above: LiveSpan | None = kid
    while above is not None and above.slot >= 0:
        above = above.act.span
    return above


class LiveSpan:
    """One execution of a step. Times are epoch ms; `end` is the log's time of the event that ended it.

    A direct child of `parallel` has no `seq` (the host writes no events for it): `slot` is its place in the
    block.
    """

    __slots__ = (
        "act",
        "acts",
        "alike",
        "assumed",
        "attempts",
        "batch",
        "before",
        "begun",
        "born",
        "branch",
        "clock",
        "doubtful",
        "duration",
        "either_end",
        "end",
        "end_index",
        "error",
        "error_code",
        "expected",
        "found_in",
        "host_ms",
        "inner_start",
        "iteration",
        "lost",
        "node",
        "number",
        "open",
        "overwrites",
        "path",
        "placed",
        "raised",
        "result",
        "retried",
        "seq",
        "shared_result",
        "slot",
        "start",
        "started_at",
        "status",
        "succeeded",
        "unsure_attempts",
        "unsure_end",
    )

    def __init__(self, node: Node, seq: Pass | None, act: Act, path: str, start: float, number: int) -> None:
        self.node = node
        self.seq = seq
        self.act = act
        self.path = path
        self.start = start
        self.clock = start
        """When the line that began it was written: what it says that it lasted counts from then, or later."""
        self.number = number
        self.started_at: str | None = None
        self.iteration: int | None = None
        self.branch: Branch | None = None
        self.open = True
        self.born = True
        self.assumed = False
        """It must have run, if the silent block that it is in succeeded; nothing else was seen of it."""
        self.status = ""
        self.duration: float | None = None
        self.host_ms: float | None = None
        """What the executor says that it lasted, where its clock was set back meanwhile."""
        self.end: float | None = None
        self.end_index: int | None = None
        self.raised = False
        self.placed = True
        """False where the flow files do not tell where it stands."""
        self.attempts = 1
        self.retried: tuple[float, ...] = ()
        """When its second, third ... attempt began."""
        self.acts: list[Act] = []
        self.error: str | None = None
        self.error_code: str | None = None
        self.doubtful = False
        self.result: Result | None = None
        self.expected: Result | bool | None = None
        """What the state says of it before it ends; False: nothing; None: not looked up."""
        self.begun = -1
        """The line that began it."""
        self.slot = -1
        self.batch = 0
        self.found_in: Scope | None = None
        """The map that its result was found in."""
        self.shared_result = False
        """Another step of the same id, in a sub-flow that was not validated, wrote its result after it."""
        self.unsure_attempts = False
        """How often it was tried is not certain."""
        self.unsure_end = False
        """What ended it may have ended one that began at another time, as far as times are exact."""
        self.either_end = False
        """What ended it may have ended another step with its id."""
        self.lost = False
        """What was given up wrote under its id before its iteration was over."""
        self.alike = False
        """One that had written under its id before has ended in the same way."""
        self.before: LiveSpan | None = None
        """What had written under its id before, in the outermost map."""
        self.overwrites = False
        """Another may have written under its id before it."""
        self.succeeded: float | None = None
        """When a silent child said that it had succeeded after retries."""
        self.inner_start: float | None = None
        """When the first event from inside a silent child was written."""

    @property
    def reported_ms(self) -> float | None:
        """Its duration as it stands in the log and in the state."""
        return self.duration if self.host_ms is None else self.host_ms

    @property
    def flow(self) -> Act:
        """The sub-flow (or root) in which it stands."""
        return self.act if self.act.kind == "flow" else self.act.under

    @property
    def scope(self) -> Scope:
        return self.seq.scope if self.seq is not None else self.act.scope


class Act:
    """One attempt of a container, or (where `span` is None) one go of the root flow."""

    __slots__ = (
        "astray",
        "attempt",
        "batch",
        "batch_end",
        "closed",
        "cursor",
        "depth",
        "doubtful",
        "either",
        "ended_either",
        "error",
        "failed",
        "finished",
        "first_index",
        "go",
        "idle",
        "idle_at",
        "kids",
        "kind",
        "merging",
        "node",
        "opened",
        "over_at",
        "over_index",
        "passes",
        "prefix",
        "results",
        "scope",
        "span",
        "start",
        "started",
        "thrown",
        "tree",
        "under",
        "unsure_batch",
        "unsure_turn",
    )

    def __init__(self, span: LiveSpan | None, node: Node | None, attempt: int, scope: Scope, go: int) -> None:
        self.span = span
        self.node = node
        self.kind = node.type if node is not None else "flow"
        self.attempt = attempt
        self.scope = scope
        self.go = go
        self.prefix = ""
        self.under: Act = self
        """The sub-flow (or root) in which the container stands."""
        self.tree: Tree | None = None
        self.start = 0.0
        self.opened = 0.0
        """When it was found to have begun, or, after a retry, to be due."""
        self.depth = 0
        self.passes: list[Pass] = []
        """Those under way."""
        self.started = 0
        """Passes (iterations, branches) begun so far."""
        self.batch = 0
        self.batch_end = 0
        self.unsure_turn = False
        """Its next iteration may be another loop's, which began a little earlier or later."""
        self.unsure_batch = False
        """Its next batch may be another block's."""
        self.cursor = 0
        self.kids: list[LiveSpan] = []
        self.merging: list[LiveSpan] = []
        """Of a flow: the loops in it whose iterations run abreast, and are merged when they are done."""
        self.doubtful = False
        """It may be another's that runs alike: see `doubts`."""
        self.astray = False
        """It may be another step's: the record does not tell whether the one before it was skipped."""
        self.either = False
        """A condition of which the record does not tell which of its sides it has run."""
        self.ended_either = -1
        """The last line that may have ended its step, or another that runs alike."""
        self.failed = False
        self.error: str | None = None
        self.thrown: list[LiveSpan] = []
        """What threw in it, in this order."""
        self.finished = False
        self.first_index: int | None = None
        """The first line from inside it."""
        self.over_at: float | None = None
        self.over_index = -1
        """When its last pass was over, and the line."""
        self.closed = False
        """Its step has ended, and with it all that could begin in it."""
        self.idle = -1
        """The line after which it may begin another pass; -1: none is due."""
        self.idle_at = 0
        self.results: list[Results] | bool | None = None
        """A loop's results by iteration; False: not known; None: not looked up."""

    @property
    def steps(self) -> list[Node]:
        """The steps of its body, as the flow has them."""
        return self.node.body.nodes if self.node is not None and self.node.body is not None else []


def outside(act: Act) -> Iterator[Act]:
    """What an attempt stands in, the innermost first."""
    while act.span is not None:
        act = act.span.act
        yield act


def alive(act: Act) -> bool:
    """It was not given up, and nothing that it is in was."""
    at: Act | None = act
    while at is not None and at.span is not None:
        span = at.span
        if not span.open or span.acts[-1] is not at:
            return False
        at = span.act
    return True


def in_doubtful_block(act: Act) -> bool:
    """A silent block that it is in may be another."""
    at = act
    while at.span is not None and at.span.slot >= 0:
        at = at.span.act
        if at.doubtful:
            return True
    return False


def timed_out_at(kid: LiveSpan) -> float | None:
    """When a silent container is over by its time-out, at the latest."""
    timeout = kid.node.timeout
    if timeout is None or not kid.acts:
        return None
    began = kid.acts[-1].start
    return timeout + (max(began, kid.inner_start or began) if kid.attempts == 1 else began)


def quiet(act: Act) -> bool:
    """Nothing runs in this attempt, as far as the log can tell: it may complete."""
    if act.kind == "flow":
        return act.finished or not act.started
    if act.kind == "parallel":
        return all(not kid.acts or not kid.open or quiet(kid.acts[-1]) for kid in act.kids)
    return not act.passes


def is_over(kid: LiveSpan) -> bool:
    """A silent step of which all that it ran was over before its time-out: it has succeeded."""
    act = kid.acts[-1] if kid.acts and kid.slot >= 0 else None
    if act is None or act.kind == "parallel" or act.failed or act.over_at is None:
        return False
    over = act.finished if act.kind == "flow" else quiet(act) and not may_turn(act)
    timeout = kid.node.timeout
    return over and (timeout is None or act.over_at + CLOCK_MS < act.start + timeout)


def silent_kids(span: LiveSpan) -> Iterator[LiveSpan]:
    """The silent children of its last attempt, at any depth."""
    for kid in span.acts[-1].kids if span.acts else ():
        yield kid
        yield from silent_kids(kid)


def last_began(span: LiveSpan) -> float:
    """When its last attempt did."""
    return span.retried[-1] if span.retried else span.start


def may_turn(act: Act) -> bool:
    """A loop may have another iteration, as far as is known."""
    node = act.node
    most = node.most if node is not None else None
    return act.kind in ("loop", "while") and (most is None or act.started < most)


class Pass:
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

    def __init__(self, act: Act, listing: Listing, iteration: int | None, scope: Scope, prefix: str) -> None:
        self.act = act
        self.nodes = listing.nodes
        self.branch = listing.branch
        self.iteration = iteration
        self.scope = scope
        self.prefix = prefix
        self.pos = 0
        self.doubtful = act.doubtful
        self.current: LiveSpan | None = None
        self.skip: frozenset[str] = frozenset()

    def awaited(self) -> Node | None:
        """The step that starts next; None after the last one."""
        return self.nodes[self.pos] if self.pos < len(self.nodes) else None


def let_go(spans: list[LiveSpan]) -> None:
    """Nothing is asked of these spans any more. They and what they ran in hold one another: undone here, they
    go as soon as nobody has them, and the collector need not look for them."""
    nowhere = Scope(None, None)
    nothing = Act(None, None, 1, nowhere, 1)
    none: list[Act] = []
    for span in spans:
        if span.seq is not None:
            span.seq.scope.shared = nowhere
        for act in span.acts:
            act.under, act.scope, act.passes = nothing, nowhere, nothing.passes
        span.act, span.acts = nothing, none
        span.seq = span.before = span.found_in = None
    spans.clear()


def first_sign(act: Act, at: float, index: int) -> None:
    """A line from inside this attempt: if it is a silent child's, that had started by then, and what it is in
    too."""
    if act.first_index is None:
        act.first_index = index
    span = act.span
    while span is not None and span.slot >= 0 and span.inner_start is None:
        span.inner_start = at
        if span.act.first_index is None:
            span.act.first_index = index
        span = span.act.span
