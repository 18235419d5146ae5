"""Lines that no reading explains: a damaged log, or flow files that have changed since. What fits is placed
beside its like, the rest stands flat in the flow that it ran in."""

from __future__ import annotations

from one_trace.assemble.flowtree.tree import Node, Tree
from one_trace.assembler.acts import finish
from one_trace.assembler.executions import Execution, Where
from one_trace.assembler.pending import STATUS, Waiting
from one_trace.assembler.standing import Standing
from one_trace.engine.loop import Promise
from one_trace.record.log import LogLine


class Tolerant:
    """Places lines by the flow files alone. `flows`: the sub-flows under way, the innermost last: which step
    calls them, and their tree."""

    def __init__(self, at: Standing) -> None:
        self._at = at
        self.flows: list[tuple[Execution | None, Tree]] = []
        self.placed = 0
        """How many lines it had to place."""

    def place(self, index: int, line: LogLine) -> None:
        self.placed += 1
        self._at.script.take(index)
        if line.event == "step:start":
            self._start(index, line)
        elif line.event in ("step:complete", "step:error"):
            self._end(index, line)
        elif line.event in ("flow:start", "flow:mock-start"):
            self._flow(line)
        elif line.event in ("flow:complete", "flow:error") and self.flows:
            self.flows.pop()

    def _flow(self, line: LogLine) -> None:
        key, trees = line.flow_key or "", self._at.known.ground.trees
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
            self.flows.append((None, self._at.known.ground.tree))

    def _start(self, index: int, line: LogLine) -> None:
        step_id, kind = line.step_id or "", line.type or ""
        beside = next(
            (each for each in reversed(self._at.executions) if self._is_beside(each, step_id)), None
        )
        if beside is not None:
            node = next(node for node in beside.node.step_list.nodes if node.id == step_id)
            where = beside.where
            where = Where(
                where.above, where.attempt, where.iteration, where.branch, node.index, where.go, False
            )
            self._begin(index, line, node, where, beside.path.rpartition(" > ")[0])
            return
        call, tree = self.flows[-1] if self.flows else (None, self._at.known.ground.tree)
        nodes = [node for node in tree.by_id.get(step_id, ()) if node.type == kind and not node.unlogged]
        owner = self._open_owner(nodes[0]) if nodes else None
        if nodes and (owner is not None or nodes[0].step_list.owner is None):
            above = owner if owner is not None else call
            attempt = above.attempts if above is not None else None
            turn = 0 if owner is not None and owner.node.type in ("loop", "while") else None
            where = Where(
                above, attempt, turn, nodes[0].step_list.branch, nodes[0].index, self._at.going.number, False
            )
            self._begin(index, line, nodes[0], where, self._inside(where))
            return
        node = tree.foreign(step_id, line.step_name or "", kind)
        self._at.known.ground.say_misplaced(node)
        where = Where(
            call, call.attempts if call is not None else None, None, None, None, self._at.going.number, False
        )
        self._begin(index, line, node, where, self._inside(where), misplaced=True)

    @staticmethod
    def _is_beside(each: Execution, step_id: str) -> bool:
        """It stands in a list in which a step with this id comes next, or at least later."""
        index = each.where.index
        if each.where.silent or index is None or each.lines[1] < 0:
            return False
        return any(node.id == step_id for node in each.node.step_list.nodes[index + 1 :])

    def _open_owner(self, node: Node) -> Execution | None:
        owner = node.step_list.owner
        if owner is None:
            return None
        found = (each for each in reversed(self._at.executions) if each.node is owner)
        return next((each for each in found if each.lines[1] < 0), None)

    def _inside(self, where: Where) -> str:
        above = where.above
        if above is None:
            return self._at.going.prefix
        again = f"#{where.attempt}" if where.attempt is not None and where.attempt > 1 else ""
        turn = f"[{where.iteration}]" if where.iteration is not None else ""
        return f"{above.path}{again}{turn}"

    def _begin(
        self, index: int, line: LogLine, node: Node, where: Where, inside: str, *, misplaced: bool = False
    ) -> Execution:
        at = self._at
        execution = Execution(len(at.executions) + 1, node, where, f"{inside} > {node.id}", line.at)
        execution.lines = (index, -1)
        begun = line.begun
        execution.start = begun if begun is not None else line.at
        if misplaced:
            execution.doubt("path", "parentSpanId", "index")
        at.executions.append(execution)
        at.pending.open.setdefault(node.id, []).append(execution)
        at.pending.waiting.setdefault(node.id, []).append(Waiting(execution, 1, Promise(at.loop)))
        return execution

    def _end(self, index: int, line: LogLine) -> None:
        at = self._at
        opened = at.pending.open.get(line.step_id or "", [])
        if opened:
            execution = opened[-1]
        else:
            call, tree = self.flows[-1] if self.flows else (None, at.known.ground.tree)
            nodes = tree.by_id.get(line.step_id or "", ())
            node = nodes[0] if nodes else tree.foreign(line.step_id or "", line.step_id or "", "unknown")
            where = Where(
                call, call.attempts if call is not None else None, None, None, None, at.going.number, False
            )
            execution = self._begin(index, line, node, where, self._inside(where), misplaced=True)
            execution.start = line.at - (line.duration_ms or 0)
            at.known.ground.faults.append(f"the step {(line.step_id or '')[:80]!r} ends without a start")
        execution.status = "error" if line.event == "step:error" else STATUS.get(line.status or "", "error")
        for each in list(at.pending.waiting.get(execution.node.id, ())):
            if each.of is execution:
                at.pending.waiting[execution.node.id].remove(each)
        finish(at, execution, index, line)
