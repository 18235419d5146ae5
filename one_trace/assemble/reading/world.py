"""Who begins: the open spans of a run, and which of them a ``step:start`` is begun by.

The argument. The host is one thread: between two awaits it is a call stack, and what it writes there stands
together in the log. A step's start is written by the call that, if the step is a container, goes on to start
what stands first in it, and so on inwards; with a loop of three abreast, or a parallel block, the call comes
back out and goes on to the next iteration or child. A step's completion is followed, with no await between,
by the start of the step after it in the same list. So a start belongs to the line before it: `next` and
`stack` hold the call stack which that line left behind. Only a next iteration, a next batch or a next attempt
begins after an await: those are kept as `idle` and `pending`.
"""

from __future__ import annotations

import math
from functools import partial

from one_trace.assemble.agree.results import belied, said_of
from one_trace.assemble.flowtree.tree import CONTAINERS, Listing, Node, Tree
from one_trace.assemble.live.facts import Facts
from one_trace.assemble.live.state import (
    CLOCK_MS,
    Act,
    Foreseen,
    LiveSpan,
    Pass,
    Scope,
    first_sign,
    in_doubtful_block,
    may_turn,
    timed_out_at,
)
from one_trace.assemble.reading.awaits import resumed
from one_trace.assemble.reading.blocks import first_ids, has_begun, open_batch, reopen, skipped
from one_trace.assemble.reading.doubts import Doubts
from one_trace.assemble.reading.gaps import past_a_gap
from one_trace.assemble.reading.open_flows import OpenFlows
from one_trace.record.log import LogLine


class World:
    """The run as it stands after a line of its log."""

    def __init__(
        self,
        doubts: Doubts,
        foreseen: Foreseen,
        kinds: set[tuple[str, str]],
        last_save: int,
        facts: Facts,
    ) -> None:
        self.doubts = doubts
        self.facts = facts
        self.kinds = kinds
        """Ids and types of the steps in the flows met so far."""
        self.last_save = last_save
        """The line that the state was saved with last; -1 if that is not certain."""
        self.foreseen = foreseen
        self._seen: dict[str, int] = {}
        self.spans: list[LiveSpan] = []
        self.go = 1
        self.kind = ("", "")
        """Type and name of the step that starts."""
        self.last: Act | None = None
        """In which something ended last, by the line `last_index`."""
        self.last_index = -1
        self.index = 0
        self.now = 0
        self.moment = 0.0
        """When the last span that ended did end, by its own clock: the log may have been written later."""
        self.forget()

    def forget(self) -> None:
        """A new go begins: nothing of the one before it goes on."""
        self.next: Pass | None = None
        self.stack: list[Act] = []
        self.open: dict[str, list[LiveSpan]] = {}
        self.kids: dict[str, list[LiveSpan]] = {}
        self.idle: dict[str, list[Act]] = {}
        self.pending: list[Act] = []
        self.failed_blocks: list[Act] = []
        """Blocks that failed, with batches of which nothing was seen."""
        self.favoured: Act | None = None
        """The choice among those that may begin with the line at hand."""
        self.elder: set[Node | None] = set()
        """Blocks of which the elder of two that wait has turned out to go on first, given up or not: what it
        waits for takes as long in each."""
        self.imported = math.inf
        """When the first sub-flow started: the host imports what reads flows before that, and all that were
        called meanwhile start then, in turn."""
        self.waiting: list[Act] = []
        """Attempts of ``flow`` steps whose sub-flow has not started yet."""
        self.flows = OpenFlows()
        """Sub-flows under way, the root flow first."""

    @property
    def kept(self) -> bool:
        """What is done by now is in the state."""
        return self.index < self.last_save

    # -- a step starts

    def start(self, line: LogLine) -> LiveSpan:
        """Enter the span that a ``step:start`` begins, in the place it belongs to."""
        step_id = line.step_id or ""
        self.kind = (line.type or "", line.step_name or "")
        seq = self.place_of(step_id)
        if seq is None and reopen(self, lambda node: step_id in first_ids(node)):
            seq = resumed(self, step_id)
        if seq is None:
            self.doubts.contradicted(self.index, None)
            seq = past_a_gap(self, step_id)
        if seq is not None:
            return self.enter(seq, seq.nodes[seq.pos], line)
        return self.enter_foreign(line)

    def place_of(self, step_id: str) -> Pass | None:
        """The pass whose next step has this id and begins now; None where nothing leads to it."""
        seq = self.next
        if seq is not None:
            node = seq.awaited()
            if node is not None and self.is_this(node, step_id):
                return seq
            self.next = None
        stack = self.stack
        while stack:
            begun = self.begin(stack[-1], step_id)
            if begun is not None:
                return begun
            stack.pop()
        return resumed(self, step_id)

    def enter(self, seq: Pass, node: Node, line: LogLine) -> LiveSpan:
        span = LiveSpan(node, seq, seq.act, f"{seq.prefix} > {node.id}", line.at, len(self.spans))
        span.iteration, span.branch = seq.iteration, seq.branch
        span.doubtful = seq.doubtful or seq.act.doubtful
        if seq.pos == 0:
            span.unsure_end, seq.act.unsure_turn = seq.act.unsure_turn, False
        seq.current = span
        self.next = None
        return self._entered(span, line)

    def enter_foreign(self, line: LogLine) -> LiveSpan:
        """A step that no flow file has a place for: it stands flat in the innermost flow under way."""
        flow = self.flows.innermost
        tree = flow.tree or Tree("", known=False)
        node = tree.foreign(line.step_id or "", line.step_name or "", line.type or "")
        span = LiveSpan(node, None, flow, f"{flow.prefix} > {node.id}", line.at, len(self.spans))
        span.placed = False
        return self._entered(span, line)

    def _entered(self, span: LiveSpan, line: LogLine) -> LiveSpan:
        begun = line.begun
        if begun is not None:
            span.start, span.started_at = begun, line.timestamp
        span.clock = line.at if line.at > span.start else span.start
        span.begun = self.index
        self.spans.append(span)
        node = span.node
        held = self.open.get(node.id)
        if held is None:
            self.open[node.id] = [span]
        else:
            held.append(span)
        running = span.scope.running
        running[node.id] = running.get(node.id, 0) + 1
        if running[node.id] > 1:
            for other in self.open[node.id]:
                if other.scope.running is running and not other.node.repeats:
                    other.expected = False  # either may write last
        first_sign(span.act, span.start, self.index)
        if self.foreseen:
            self.foresee(span)
        if node.type in CONTAINERS:
            act = self.new_act(span, span.start)
            if act.kind != "flow":
                self.stack.append(act)
        return span

    # -- containers

    def new_act(self, span: LiveSpan, start: float) -> Act:
        """The next attempt of a container."""
        attempt = span.attempts
        act = Act(span, span.node, attempt, span.scope, self.go)
        act.prefix = span.path if attempt == 1 else f"{span.path}#{attempt}"
        act.under = span.flow
        act.start, act.opened = start, max(start, self.now)
        act.depth = span.act.depth + 1
        act.doubtful = span.doubtful or span.act.doubtful
        act.astray = span.act.astray
        span.acts.append(act)
        if act.kind == "loop" and act.node is not None and act.node.concurrency > 1:
            act.under.merging.append(span)
        if act.kind == "flow":
            self.waiting.append(act)
        elif act.kind == "parallel":
            open_batch(self, act, 0)
        return act

    def foresee(self, span: LiveSpan) -> None:
        nth = self._seen[span.path] = self._seen.get(span.path, 0) + 1
        repeats = span.node.repeats and span.node.type in CONTAINERS
        if repeats or (span.path, nth) in self.foreseen:
            span.expected = self.foreseen.get((span.path, nth)) or False

    def begin(self, act: Act, step_id: str) -> Pass | None:
        """A pass of `act` that begins with this step, if one can begin now."""
        node = act.node
        if node is None or act.failed:
            return None
        if act.kind == "parallel":
            for position in range(act.cursor, len(act.kids)):
                kid = act.kids[position]
                due = kid.acts and kid.open and has_begun(kid.acts[-1], self.now)
                begins = due and not (kid.node.guarded and skipped(kid))
                begun = self.begin(kid.acts[-1], step_id) if begins else None
                if begun is not None:
                    act.cursor = position
                    return begun
            return None
        if act.kind == "condition":
            if act.started:
                return None
            sides = [side for side in node.sides if self.is_this(side.nodes[0], step_id)]
            if len(sides) > 1:  # a flow that was not validated: the line has its type and name
                alike = [side for side in sides if (side.nodes[0].type, side.nodes[0].name) == self.kind]
                sides, act.either = alike or sides, len(alike) != 1
            return self.new_pass(act, sides[0], None) if sides else None
        body = node.body
        if body is None or not body.nodes or body.nodes[0].id != step_id:
            return None
        if not self.is_this(body.nodes[0], step_id):
            return None
        if act.started == 0:
            act.batch_end = node.concurrency
        elif act.started >= act.batch_end:
            return None
        if node.most is not None and act.started >= node.most:
            return None
        return self.new_pass(act, body, act.started)

    def is_this(self, node: Node, step_id: str) -> bool:
        """Is this the step that starts? A sub-flow is not validated, and may have its id for steps of several
        types; but a file that was changed since may have another type for it."""
        if node.id != step_id:
            return False
        kind = self.kind[0]
        return node.type == kind or (step_id, kind) not in self.kinds

    def new_pass(self, act: Act, listing: Listing, iteration: int | None) -> Pass:
        scope, prefix = act.scope, act.prefix
        if in_doubtful_block(act):
            act.doubtful = True
        if iteration is not None:
            prefix = f"{prefix}[{iteration}]"
            if act.kind == "loop":
                merged = act.node is not None and act.node.concurrency > 1
                scope = Scope(None, act.scope, act, iteration, merged=merged)
        seq = Pass(act, listing, iteration, scope, prefix)
        act.passes.append(seq)
        act.started += 1
        act.idle = -1
        return seq

    def begin_flow(self, act: Act, tree: Tree, skip: frozenset[str] = frozenset()) -> None:
        """A flow's steps begin: the first one starts at once."""
        act.tree = tree
        if act.span is not None:
            act.scope = Scope(None, None, act)
        self.flows.add(act)
        self.stack.clear()
        seq = self.new_pass(act, tree.root, None)
        seq.skip = skip
        self._go_on(seq)

    # -- a step has ended

    def end(self, span: LiveSpan) -> None:
        """Take a span out of those that are open; what its list starts next, it starts now."""
        span.open = False
        ended = span.start + span.duration if span.duration is not None else self.now
        ended = ended if ended < self.now else self.now
        self.moment = ended if ended > self.moment else self.moment
        self.open[span.node.id].remove(span)
        span.scope.running[span.node.id] -= 1
        self.last, self.last_index = span.act, self.index
        self.stack.clear()
        self.next = None
        seq = span.seq
        if seq is None or seq.current is not span:
            return
        seq.current = None
        if span.raised:
            seq.act.passes.remove(seq)
        else:
            seq.pos += 1
            self._go_on(seq)

    def _go_on(self, seq: Pass) -> None:
        nodes = seq.nodes
        while seq.pos < len(nodes) and seq.skip and nodes[seq.pos].id in seq.skip:
            seq.pos += 1
        if seq.pos < len(nodes):
            self.next = seq
        else:
            self._pass_over(seq)

    def _pass_over(self, seq: Pass) -> None:
        act = seq.act
        act.passes.remove(seq)
        act.over_at, act.over_index = float(self.now), self.index
        if seq.scope.owner is act:
            self._scope_over(seq.scope)
        if act.kind == "flow":
            act.finished = True
        elif may_turn(act) and not act.passes and not act.failed and act.started >= act.batch_end:
            act.idle, act.idle_at = self.index, self.now
            self.idle.setdefault(seq.nodes[0].id, []).append(act)

    def check(self, scope: Scope) -> None:
        """Nothing more is written into this map: what it says last must be what was made of the log."""
        for span in belied(scope) if self.doubts.choices else ():
            self.doubts.contradicted(self.index, span, partial(said_of, scope, span, self.spans))

    def _scope_over(self, scope: Scope) -> None:
        scope.over, scope.over_index = float(self.now), self.index
        self.check(scope)
        shared = scope.shared
        if shared is not scope:
            for step_id, span in scope.last.items():
                span.lost = shared.last.get(step_id) is not span

    def fail(self, act: Act, error: str | None) -> None:
        """An error was thrown into `act`. A silent child passes it on by itself; others say so in the log."""
        act.failed = True
        act.error = error
        act.idle = -1
        kid = act.span
        if kid is None or kid.slot < 0 or not kid.open or kid.acts[-1] is not act:
            return
        node = kid.node
        if node.strategy == "retry" and kid.attempts <= node.retries:
            return
        kid.open = False
        over = timed_out_at(kid)
        if over is not None and over + CLOCK_MS < self.now:
            return  # nobody waited for it any more
        kid.end, kid.end_index, kid.error = self.now, self.index, error
        if node.strategy not in ("continue", "fallback"):
            kid.raised = True
            kid.act.thrown.append(kid)
            self.fail(kid.act, error)
