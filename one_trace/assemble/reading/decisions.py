"""What the host evaluated, seen by what follows: which side of a condition, how many iterations, skipped or
not."""

from __future__ import annotations

from one_trace.assemble.flowtree.tree import Node, StepList, Tree
from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.facts import BUSY_MS
from one_trace.assemble.ground.script import ENDS, FINAL, Conflict
from one_trace.assemble.reading.expected import SURE
from one_trace.assemble.reading.pending import UNKNOWN
from one_trace.assemble.reading.standing import Standing
from one_trace.engine.failures import StepFailure
from one_trace.engine.rules import WHILE_ITERATIONS
from one_trace.engine.schema import Json
from one_trace.record.log import LogLine

LITERALS = {"true": True, "false": False}


class Decisions:
    def __init__(self, at: Standing) -> None:
        self._at, self._expected = at, at.known.expected
        self.begun: dict[tuple[int, int], int] = {}
        """Iterations of a while that have begun, by number and attempt."""

    # -- skipped

    def holds(self, execution: Execution, expression: Json) -> bool:
        guarded = execution.node.step
        is_if = expression is guarded.get("if")
        literal = LITERALS.get(str(expression).strip())
        if literal is not None:
            return literal
        return self._skipped(execution) is not is_if

    def _skipped(self, execution: Execution) -> bool:
        expected = self._expected.of(execution)
        if expected.result is not None and expected.level == SURE:
            return expected.result.status == "skipped"
        if execution.where.silent:
            if expected.result is not None:
                return expected.result.status == "skipped"
            return self._begins_nothing(execution.node)
        line = self._next_of(execution.node.id)
        if line is None:
            return False
        if line.event == "step:complete" and line.status == "skipped":
            alike = len(self._at.pending.open.get(execution.node.id, ())) > 1
            return not alike or self._at.choices.whether("skipped", execution, likely=True, either=True)
        return False

    def _next_of(self, step_id: str) -> LogLine | None:
        """The next line of a step but for its starts."""
        for _, line in self._at.script.ahead(self._at.clock.at + self._at.script.slack):
            if line.step_id == step_id and line.event != "step:start":
                return line
        return None

    def _begins_nothing(self, node: Node) -> bool:
        """None of the lines that it would begin with is there."""
        firsts = self.firsts_of(node)
        return bool(firsts) and not self._comes(firsts)

    # -- branches and iterations

    def condition(self, execution: Execution) -> bool:
        node = execution.node
        literal = LITERALS.get(str(node.config.get("expression")).strip())
        if literal is not None:
            return literal
        taken = self._expected.taken(execution)
        if taken is not None:
            return taken
        then, other = self.firsts(node.then), self.firsts(node.orelse)
        if self._comes(then):
            return True
        if self._comes(other):
            return False
        return not then and bool(other)

    def items(self, execution: Execution, most: int) -> int:
        known = self._expected.iterations(execution)
        if known is not None:
            return known
        node = execution.node
        if node.most is not None:
            return min(node.most, most) if node.config.get("maxIterations") is None else node.most
        return self._counted(node)

    def counted(self, execution: Execution, count: int) -> None:
        """A loop makes this many iterations."""
        if execution.node.concurrency == 1:
            self._at.notes.iterations[execution.number] = count

    def iterations_of(self, container: Execution) -> tuple[float, float] | None:
        """How many iterations it makes one after another, at least and at most; a branch makes one. None:
        they do not wait for each other."""
        node = container.node
        if node.type == "while":
            known = self._expected.iterations(container)
            most = WHILE_ITERATIONS if node.most is None else node.most
            forever = LITERALS.get(str(node.config.get("condition")).strip())
            return (known, known) if known is not None else (most if forever else 1, most)
        if node.type == "loop":
            count = self._at.notes.iterations.get(container.number)
            return (count, count) if count is not None else None
        return 1, 1

    def _counted(self, node: Node) -> int:
        """How often its first step begins before it ends, by the log alone."""
        first, count = self.firsts(node.body), 0
        for _, line in self._at.script.rest():
            if line.step_id == node.id and line.event in FINAL:
                break
            count += self.is_first(line, first)
        return max(count, 1) if not first else count

    def again(self, execution: Execution) -> bool:
        key = execution.number, execution.attempts
        begun = self.begun[key] = self.begun.get(key, 1) + 1
        known = self._expected.iterations(execution)
        if known is not None:
            return begun <= known
        literal = LITERALS.get(str(execution.node.config.get("condition")).strip())
        if literal is not None:
            return literal
        return self._comes(self.firsts(execution.node.body))

    def called(self, execution: Execution) -> str:
        if execution.node.sub_key is not None:
            return execution.node.sub_key
        line = next((line for _, line in self._at.script.rest() if line.event == "flow:start"), None)
        if line is None or line.flow_key is None:
            raise Conflict("no flow starts")
        return line.flow_key

    def accepted(self, call: Execution) -> None:
        """Raises where a sub-flow does not begin: its inputs were refused."""
        at = self._at
        line = self._of_call(call)
        if line is None or line.event in ("flow:start", "flow:mock-start", "flow:dry-run"):
            return
        if call.where.silent:
            at.notes.forced.add(call)
        if line.status in (None, "failed"):
            raise StepFailure(line.error or self._expected.error(call) or UNKNOWN)

    def _of_call(self, call: Execution) -> LogLine | None:
        """The line with which a sub-flow begins, or its step ends without. What reads its file blocks the
        host."""
        at = self._at
        first = None if at.known.lenient else at.script.peek()
        for _, line in at.script.ahead(at.clock.at + BUSY_MS) if call.where.silent else at.script.rest():
            if line.event in ("flow:start", "flow:mock-start", "flow:dry-run"):
                if at.known.ground.flows.trees.may_call(call.node, line.flow_key or ""):
                    return line
            elif line.step_id == call.node.id and line.event in ENDS and not call.where.silent:
                return line
            if at.known.exact:
                break
        return first if call.where.silent or at.known.exact else None

    def requires(self, execution: Execution) -> None:
        """Raises where the step's next line says that something was missing."""
        line = self._next_of(execution.node.id)
        reported = line.error if line is not None else None
        if reported is None:
            expected = self._expected.of(execution)
            reported = expected.result.error if expected.result is not None else None
        if reported is not None and reported.startswith(f'Step "{execution.node.id}" requires '):
            raise StepFailure(reported)

    # -- what lists begin with

    def firsts(self, listing: StepList | None) -> frozenset[str]:
        """The steps whose starts a list begins with, or `flow KEY`."""
        if listing is None or not listing.nodes:
            return frozenset()
        return frozenset({listing.nodes[0].id})

    def firsts_of(self, node: Node) -> frozenset[str]:
        """The same of a silent child."""
        if node.type in ("loop", "while"):
            return self.firsts(node.body)
        if node.type == "condition":
            return self.firsts(node.then) | self.firsts(node.orelse)
        if node.type == "flow":
            tree: Tree | None = self._at.known.ground.flows.trees.called_by(node)
            return frozenset({f"\0{tree.key}"}) if tree is not None else frozenset()
        return frozenset().union(*(self.firsts_of(child) for child in node.silent_steps))

    @staticmethod
    def is_first(line: LogLine, firsts: frozenset[str]) -> bool:
        if line.event == "step:start":
            return line.step_id in firsts
        return line.event in ("flow:start", "flow:mock-start") and f"\0{line.flow_key}" in firsts

    def _comes(self, firsts: frozenset[str]) -> bool:
        script = self._at.script
        until = self._at.clock.at + script.slack
        return any(self.is_first(line, firsts) for _, line in script.ahead(until)) if firsts else False
