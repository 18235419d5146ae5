"""Who begins: the open spans of a run, and which of them a ``step:start`` is begun by.

The argument. The host is one thread: between two awaits it is a call stack, and what it writes there stands
together in the log. A step's start is written by the call that, if the step is a container, goes on to start
what stands first in it, and so on inwards; with a loop of three at a time, or a parallel block, the call
comes back out and goes on to the next iteration or child. A step's completion is followed, with no await
between, by the start of the step after it in the same list. So a start belongs to the line before it: `next`
and `stack` hold the call stack which that line left behind. Only a next iteration, a next batch or a next
attempt begins after an await: those are kept as `idle` and `pending`."""

from __future__ import annotations

from functools import partial

from one_trace.assemble.agree.belied import belied, said_of
from one_trace.assemble.flowtree.tree import CONTAINERS, Node, Tree
from one_trace.assemble.live.around import first_sign
from one_trace.assemble.live.over import may_iterate
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan, Scope, SequenceRun
from one_trace.assemble.live.timers import is_past, latest_time_out
from one_trace.assemble.reading.awaits import resumed
from one_trace.assemble.reading.begins import begin, new_run
from one_trace.assemble.reading.blocks import begin_attempt, reopen
from one_trace.assemble.reading.gaps import past_a_gap
from one_trace.assemble.reading.notes import FOREIGN, GAP, REOPENED
from one_trace.assemble.reading.signs import first_ids
from one_trace.assemble.reading.standing import Standing
from one_trace.record.log import LogLine


class World(Standing):
    """The run as it stands after a line of its log, and what a line makes of it."""

    # -- a step starts

    def start(self, line: LogLine) -> LiveSpan:
        """Enter the span that a ``step:start`` begins, in the place it belongs to."""
        step_id = line.step_id or ""
        self.kind = (line.type or "", line.step_name or "")
        seq = self.place_of(step_id)
        how = "" if seq is not None else REOPENED
        if seq is None and reopen(self, lambda node: step_id in first_ids(node)):
            seq = resumed(self, step_id)
        if seq is None:
            self.doubts.contradicted(self.index, None)
            seq, how = past_a_gap(self, step_id), GAP
        if seq is None:
            return self._noted(self.enter_foreign(line), FOREIGN)
        return self._noted(self.enter(seq, seq.nodes[seq.pos], line), how)

    def _noted(self, span: LiveSpan, how: str) -> LiveSpan:
        if self.doubts.notes is not None:
            self.doubts.notes.is_about(self.index, span, how)
        return span

    def place_of(self, step_id: str) -> SequenceRun | None:
        """The run whose next step has this id and begins now; None where nothing leads to it."""
        seq = self.next
        if seq is not None:
            node = seq.awaited()
            if node is not None and self.is_this(node, step_id):
                return seq
            self.next = None
        stack = self.stack
        while stack:
            begun = begin(self, stack[-1], step_id)
            if begun is not None:
                return begun
            stack.pop()
        return resumed(self, step_id)

    def enter(self, seq: SequenceRun, node: Node, line: LogLine) -> LiveSpan:
        span = LiveSpan(node, seq, seq.act, f"{seq.prefix} > {node.id}", line.at, len(self.spans))
        span.iteration, span.branch = seq.iteration, seq.branch
        span.shown.doubtful = seq.doubtful or seq.act.unsure.doubtful
        if seq.pos == 0:
            span.shown.unsure_end, seq.act.unsure.iteration = seq.act.unsure.iteration, False
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
                    other.stored.expected = False  # either may write last
        first_sign(span.act, span.start, self.index)
        self.foresight.expect(span)
        if node.type in CONTAINERS:
            act = begin_attempt(self, span, span.start)
            if act.kind != "flow":
                self.stack.append(act)
        return span

    def begin_flow(self, act: ContainerAttempt, tree: Tree, skip: frozenset[str] = frozenset()) -> None:
        """A flow's steps begin: the first one starts at once."""
        act.tree = tree
        if act.span is not None:
            act.scope = Scope(None, None, act)
        self.flows.add(act)
        self.stack.clear()
        seq = new_run(act, tree.root, None)
        seq.skip = skip
        self._go_on(seq)

    # -- a step has ended

    def end(self, span: LiveSpan) -> None:
        """Take a span out of those that are open; what its list starts next, it starts now."""
        span.open = False
        ended = span.start + span.shown.duration if span.shown.duration is not None else self.now
        ended = ended if ended < self.now else self.now
        self.last.moment = max(self.last.moment, ended)
        self.open[span.node.id].remove(span)
        span.scope.running[span.node.id] -= 1
        self.last.act, self.last.index = span.act, self.index
        self.stack.clear()
        self.next = None
        seq = span.seq
        if seq is None or seq.current is not span:
            return
        seq.current = None
        if span.raised:
            seq.act.runs.remove(seq)
        else:
            seq.pos += 1
            self._go_on(seq)

    def _go_on(self, seq: SequenceRun) -> None:
        nodes = seq.nodes
        while seq.pos < len(nodes) and seq.skip and nodes[seq.pos].id in seq.skip:
            seq.pos += 1
        if seq.pos < len(nodes):
            self.next = seq
        else:
            self._run_over(seq)

    def _run_over(self, seq: SequenceRun) -> None:
        act = seq.act
        act.runs.remove(seq)
        act.progress.over_at, act.progress.over_index = float(self.now), self.index
        if seq.scope.owner is act:
            self._scope_over(seq.scope)
        if act.kind == "flow":
            act.finished = True
        elif (
            may_iterate(act)
            and not act.runs
            and not act.failed
            and act.progress.started >= act.progress.batch_end
        ):
            act.progress.idle, act.progress.idle_at = self.index, self.now
            self.waits.idle.setdefault(seq.nodes[0].id, []).append(act)

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
                span.stored.lost = shared.last.get(step_id) is not span

    def fail(self, act: ContainerAttempt, error: str | None) -> None:
        """An error was thrown into `act`. An unlogged child passes it on by itself; others say so in the
        log."""
        act.failed = True
        act.error = error
        act.progress.idle = -1
        child = act.span
        if child is None or child.slot < 0 or not child.open or child.acts[-1] is not act:
            return
        node = child.node
        if node.strategy == "retry" and child.attempts <= node.retries:
            return
        child.open = False
        if is_past(latest_time_out(child), self.now):
            return  # nobody waited for it any more
        child.end, child.end_index, child.shown.error = self.now, self.index, error
        if node.strategy not in ("continue", "fallback"):
            child.raised = True
            child.act.thrown.append(child)
            self.fail(child.act, error)
