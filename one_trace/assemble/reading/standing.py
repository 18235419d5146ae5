"""Where a run stands after a line of its log."""

from __future__ import annotations

import math

from one_trace.assemble.flowtree.tree import CONTAINERS, Node
from one_trace.assemble.live.facts import Facts
from one_trace.assemble.live.state import ContainerAttempt, Foreseen, LiveSpan, SequenceRun
from one_trace.assemble.reading.doubts import Doubts
from one_trace.assemble.reading.open_flows import OpenFlows


class Foresight:
    """What earlier replays have told of containers that may run more than once, and of what they had taken
    for something else."""

    def __init__(self, foreseen: Foreseen) -> None:
        self._foreseen = foreseen
        self._seen: dict[str, int] = {}

    def expect(self, span: LiveSpan) -> None:
        """Let a span that begins expect just this."""
        if not self._foreseen:
            return
        nth = self._seen[span.path] = self._seen.get(span.path, 0) + 1
        repeats = span.node.repeats and span.node.type in CONTAINERS
        if repeats or (span.path, nth) in self._foreseen:
            span.stored.expected = self._foreseen.get((span.path, nth)) or False


class Waiting:
    """What may begin after an await: nothing in the log leads to it."""

    def __init__(self) -> None:
        self.idle: dict[str, list[ContainerAttempt]] = {}
        """Loops with an iteration that is over, by the id of the step with which the next one begins."""
        self.pending: list[ContainerAttempt] = []
        """Next attempts, and blocks with batches to come."""
        self.failed_blocks: list[ContainerAttempt] = []
        """Blocks that failed, with batches of which nothing was seen."""
        self.favoured: ContainerAttempt | None = None
        """The choice among those that may begin with the line at hand."""
        self.elder: set[Node | None] = set()
        """Blocks of which the elder of two that wait has turned out to go on first, given up or not: what it
        waits for takes as long in each."""
        self.calls: list[ContainerAttempt] = []
        """Attempts of ``flow`` steps whose sub-flow has not started yet."""
        self.imported = math.inf
        """When the first sub-flow started: the host imports what reads flows before that, and all that were
        called meanwhile start then, in turn."""


class LastEnd:
    """In which attempt something ended last, by which line; and when the last did by its own clock: the log
    may have been written later."""

    def __init__(self) -> None:
        self.act: ContainerAttempt | None = None
        self.index = -1
        self.moment = 0.0


class Given:
    """What a replay is told before it begins. `kinds`: ids and types of the steps in the flows met so far;
    `last_save`: the line that the state was saved with last, -1 if that is not certain."""

    def __init__(
        self, doubts: Doubts, foreseen: Foreseen, kinds: set[tuple[str, str]], last_save: int, facts: Facts
    ) -> None:
        self.doubts = doubts
        self.facts = facts
        self.kinds = kinds
        self.last_save = last_save
        self.foresight = Foresight(foreseen)


class Standing(Given):
    """The run as it stands after a line of its log, the line `index`, written at `now`."""

    def __init__(
        self, doubts: Doubts, foreseen: Foreseen, kinds: set[tuple[str, str]], last_save: int, facts: Facts
    ) -> None:
        super().__init__(doubts, foreseen, kinds, last_save, facts)
        self.spans: list[LiveSpan] = []
        self.resume = 1
        self.kind = ("", "")
        """Type and name of the step that starts."""
        self.index = 0
        self.now = 0
        self.last = LastEnd()
        self.forget()

    def forget(self) -> None:
        """The run is resumed: nothing of the one before it goes on."""
        self.next: SequenceRun | None = None
        self.stack: list[ContainerAttempt] = []
        self.open: dict[str, list[LiveSpan]] = {}
        self.children: dict[str, list[LiveSpan]] = {}
        self.waits = Waiting()
        self.flows = OpenFlows()
        """Sub-flows under way, the root flow first."""

    @property
    def kept(self) -> bool:
        """What is done by now is in the state."""
        return self.index < self.last_save

    def is_this(self, node: Node, step_id: str) -> bool:
        """Is this the step that starts? A sub-flow is not validated, and may have its id for steps of several
        types; but a file that was changed since may have another type for it."""
        if node.id != step_id:
            return False
        kind = self.kind[0]
        return node.type == kind or (step_id, kind) not in self.kinds
