"""Lines that no reading explains: a damaged log, or flow files that have changed since. What fits is placed
beside its like, the rest stands flat in the flow that it ran in."""

from __future__ import annotations

import itertools
from collections import defaultdict

from msgspec.structs import replace

from one_trace.assemble.flowtree.tree import Node, Tree
from one_trace.assemble.ground.executions import Execution, Where, prefix
from one_trace.assemble.ground.script import FINAL
from one_trace.assemble.reading.acts import finish
from one_trace.assemble.reading.pending import STATUS, Waiting
from one_trace.assemble.reading.standing import Standing
from one_trace.record.log import LogLine

_AHEAD = 200
"""Of so many executions it is looked which of them has ended by a later line."""
_NEAR = 8
"""Of so many that ran last in a list it is looked whether they have ended."""


class Tolerant:
    """Places lines by the flow files alone. `flows`: the sub-flows under way, the innermost last: which step
    calls them, and their tree."""

    def __init__(self, at: Standing) -> None:
        self._at = at
        self.flows: list[tuple[Execution | None, Tree]] = []
        self.misplaced: list[str] = []
        """Of lines that had to be placed, what is wrong with them if no other reading could place them."""
        self._ran: dict[int, list[Execution]] = defaultdict(list)
        """By list, what ran in it."""
        self._unseen: dict[str, list[Execution]] = defaultdict(list)
        """By step, what the engine has begun without a line."""
        self._looked = 0

    def place(self, index: int, line: LogLine) -> None:
        self._at.script.take(index)
        if line.event == "step:start":
            self._start(index, line)
        elif line.event in FINAL:
            self._end(index, line)
        elif line.event == "step:retry":
            self._retry(line)
        elif line.event in ("flow:start", "flow:mock-start"):
            self._flow(line)
        elif line.event in ("flow:complete", "flow:error") and self.flows:
            self.flows.pop()

    def _retry(self, line: LogLine) -> None:
        """Of what runs, though its flow file would have it tried again otherwise."""
        opened = self._at.pending.open.get(line.step_id or "", [])
        if opened:
            opened[-1].again += ((self._at.clock.moment(), line.at),)

    def _flow(self, line: LogLine) -> None:
        key, trees = line.flow_key or "", self._at.known.ground.flows.trees
        calling = [
            each
            for opened in self._at.pending.open.values()
            for each in opened
            if each.node.type == "flow" and trees.may_call(each.node, key)
        ]
        call = max(calling, key=lambda each: each.number, default=None)
        if call is not None:
            self.flows.append((call, trees.sub_flow(key, call.node)))
        elif not self.flows:
            self.flows.append((None, self._at.known.ground.flows.root))

    def _start(self, index: int, line: LogLine) -> None:
        step_id, kind = line.step_id or "", line.type or ""
        if self._begins(index, step_id):
            return
        found = self._beside(step_id) or self._first(step_id, kind)
        if found is not None:
            node, where = found
            self._begin(index, line, node, where)
            return
        call, tree = self._flow_now
        node = tree.foreign(step_id, line.step_name or "", kind)
        self._say_misplaced(node)
        self._begin(index, line, node, self._in_flow(call), misplaced=True)

    def _say_misplaced(self, node: Node) -> None:
        flows, faults = self._at.known.ground.flows, self._at.known.ground.faults
        if not flows.root.known:
            return
        if flows.has_step(node.id, node.type):
            self.misplaced.append(f"the step {node.id[:80]!r} ran where the flow files have none")
        else:
            faults.append(f"the flow files have no place for the step {node.id[:80]!r}")

    def _begins(self, index: int, step_id: str) -> bool:
        """What the engine has begun without this line."""
        self._look()
        for each in self._unseen.get(step_id, ()):
            if max(each.lines) < 0 and each.over is None:
                each.lines = (index, -1)
                each.start = self._at.script.lines[index].at
                self._at.pending.open[step_id].append(each)
                if self._is_behind(each):
                    each.doubt("path", "parentSpanId", "index")
                return True
        return False

    def _is_behind(self, one: Execution) -> bool:
        """What comes later in its list has run."""
        ran = self._ran.get(id(one.node.step_list), ())
        return any(
            each.where.above is one.where.above and (each.where.index or 0) > (one.where.index or 0)
            for each in itertools.islice(reversed(ran), _NEAR)
        )

    def _beside(self, step_id: str) -> tuple[Node, Where] | None:
        """In a list in which what ran last has ended, and a step with this id comes later."""
        found: tuple[Execution, Node] | None = None
        for node in self._at.known.ground.flows.with_id(step_id):
            for each in itertools.islice(reversed(self._ran.get(id(node.step_list), ())), _NEAR):
                if node.silent or each.lines[1] < 0 or (each.where.index or 0) >= (node.index or 0):
                    continue
                if found is None or each.number > found[0].number:
                    found = each, node
                break
        if found is None:
            return None
        where, node = found[0].where, found[1]
        go = self._at.going.number
        return node, Where(where.above, where.attempt, where.iteration, where.branch, node.index, go, False)

    def _look(self) -> None:
        """At what has begun since."""
        executions = self._at.executions
        for each in executions[self._looked :]:
            if each.where.silent or each.where.index is None:
                continue
            if each.lines[0] >= 0:
                self._ran[id(each.node.step_list)].append(each)
            else:
                self._unseen[each.node.id].append(each)
        self._looked = len(executions)

    def _first(self, step_id: str, kind: str) -> tuple[Node, Where] | None:
        """In a list of which nothing has run yet where it is under way."""
        call, tree = self._flow_now
        same = [node for node in tree.by_id.get(step_id, ()) if not node.silent]
        for node in [node for node in same if node.type == kind] or same:
            owner = self._open_owner(node)
            if owner is None and node.step_list.owner is not None:
                continue
            above = owner if owner is not None else call
            last = next(reversed(self._ran.get(id(node.step_list), ())), None)
            if last is not None and last.where.above is above and not _repeats(owner):
                continue
            iteration = 0 if owner is not None and owner.node.type in ("loop", "while") else None
            return node, replace(
                self._in_flow(above), iteration=iteration, branch=node.step_list.branch, index=node.index
            )
        return None

    @property
    def _flow_now(self) -> tuple[Execution | None, Tree]:
        return self.flows[-1] if self.flows else (None, self._at.known.ground.flows.root)

    def _in_flow(self, above: Execution | None) -> Where:
        attempt = above.attempts if above is not None else None
        return Where(above, attempt, None, None, None, self._at.going.number, False)

    def _open_owner(self, node: Node) -> Execution | None:
        owner = node.step_list.owner
        if owner is None:
            return None
        found = (each for each in reversed(self._at.executions) if each.node is owner)
        return next((each for each in found if each.lines[1] < 0 and _has_begun(each)), None)

    def _begin(
        self, index: int, line: LogLine, node: Node, where: Where, *, misplaced: bool = False
    ) -> Execution:
        at = self._at
        inside = prefix(where, where.above, at.going.prefix)
        execution = Execution(len(at.executions) + 1, node, where, f"{inside} > {node.id}", line.at)
        execution.lines = (index, -1)
        begun = line.begun
        execution.start = begun if begun is not None else line.at
        if misplaced:
            execution.doubt("path", "parentSpanId", "index")
        at.executions.append(execution)
        at.pending.open.setdefault(node.id, []).append(execution)
        at.pending.add(Waiting(execution, 1))
        return execution

    def _end(self, index: int, line: LogLine) -> None:
        at = self._at
        opened = at.pending.open.get(line.step_id or "", [])
        execution = opened[-1] if opened else self._ended_ahead(index, line.step_id or "")
        if execution is None:
            call, tree = self._flow_now
            nodes = tree.by_id.get(line.step_id or "", ())
            node = nodes[0] if nodes else tree.foreign(line.step_id or "", line.step_id or "", "unknown")
            execution = self._begin(index, line, node, self._in_flow(call), misplaced=True)
            execution.start = line.at - (line.duration_ms or 0)
            self.misplaced.append(f"the step {(line.step_id or '')[:80]!r} ends without a start")
        execution.status = "error" if line.event == "step:error" else STATUS.get(line.status or "", "error")
        for each in list(at.pending.waiting.get(execution.node.id, ())):
            if each.of is execution:
                at.pending.drop(each)
        finish(at, execution, index, line)

    def _ended_ahead(self, index: int, step_id: str) -> Execution | None:
        """What was begun before this line, and ended by a later one of its time: that is another's then."""
        for each in itertools.islice(reversed(self._at.executions), _AHEAD):
            if each.node.id == step_id and 0 <= each.lines[0] < index < each.lines[1]:
                self._at.script.taken[each.lines[1]] = 0
                return each
        return None


def _repeats(owner: Execution | None) -> bool:
    return owner is not None and (owner.node.type in ("loop", "while") or owner.node.retries > 0)


def _has_begun(each: Execution) -> bool:
    return each.where.silent or each.lines[0] >= 0
