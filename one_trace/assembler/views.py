"""Executions as the modules that measure inputs see spans."""

from __future__ import annotations

from dataclasses import dataclass

from one_trace.assemble.flowtree.tree import Node, Tree
from one_trace.assembler.executions import Execution
from one_trace.assembler.stored import Results, Stored
from one_trace.record.state import Result


@dataclass(frozen=True)
class Scope:
    """A map of results, and the one around it."""

    results: Results | None
    parent: Scope | None
    settled: bool = True


@dataclass(frozen=True)
class Act:
    """The attempt that something ran in: of a container, or of the flow, whose `span` is the step that calls
    it."""

    kind: str
    span: View | None
    attempt: int
    tree: Tree | None = None


class Views:
    def __init__(self, stored: Stored) -> None:
        self._stored, self._root = stored, Scope(stored.root, None)
        self._views: dict[int, View] = {}
        self._scopes: dict[tuple[int, int | None, int | None], Scope] = {}
        self._inside: dict[int, object] = {}
        self._trees: dict[str, Tree] = {}

    def of(self, execution: Execution) -> View:
        found = self._views.get(execution.number)
        if found is None:
            found = self._views[execution.number] = View(execution, self)
        return found

    def tree(self, key: str) -> Tree:
        return self._trees.setdefault(key, Tree(key, known=False))

    def scope(self, execution: Execution) -> Scope:
        at = execution
        while True:
            where = at.where
            above = where.above
            if above is None:
                return self._root
            if above.node.type in ("loop", "flow"):
                key = above.number, where.attempt, where.iteration
                if key not in self._scopes:
                    self._scopes[key] = self._scope_in(above, where.attempt or 1, where.iteration)
                return self._scopes[key]
            at = above

    def _scope_in(self, container: Execution, attempt: int, iteration: int | None) -> Scope:
        inside = self._inside_of(container, attempt)
        if container.node.type == "flow":
            return Scope(inside if isinstance(inside, dict) else None, None)
        number = iteration or 0
        turn = inside[number] if isinstance(inside, list) and number < len(inside) else None
        return Scope(turn, self.scope(container))

    def _inside_of(self, container: Execution, attempt: int) -> object:
        result = container.result
        if result is None or result.status != "success" or attempt != (result.retries or 0) + 1:
            return None
        if container.number not in self._inside:
            self._inside[container.number] = self._stored.inside(container.node.type, result)
        return self._inside[container.number]


class View:
    """One execution."""

    __slots__ = ("_act", "_execution", "_flow", "_views")

    def __init__(self, execution: Execution, views: Views) -> None:
        self._execution, self._views = execution, views
        self._act: Act | None = None
        self._flow: Act | None = None

    @property
    def shown(self) -> View:
        return self

    @property
    def unsure_attempts(self) -> bool:
        doubts = self._execution.doubts
        return doubts is not None and "attempts" in doubts

    @property
    def node(self) -> Node:
        return self._execution.node

    @property
    def result(self) -> Result | None:
        return self._execution.result

    @property
    def iteration(self) -> int | None:
        return self._execution.where.iteration

    @property
    def attempts(self) -> int:
        return self._execution.attempts

    @property
    def begun(self) -> int:
        return self._execution.lines[0]

    @property
    def slot(self) -> int:
        where = self._execution.where
        return where.index if where.silent and where.index is not None else -1

    @property
    def scope(self) -> Scope:
        return self._views.scope(self._execution)

    @property
    def act(self) -> Act:
        if self._act is None:
            where, above = self._execution.where, self._execution.where.above
            inside = above.node.type if above is not None else "flow"
            span = self._views.of(above) if above is not None else None
            self._act = Act(inside, span, where.attempt or 1)
        return self._act

    @property
    def flow(self) -> Act:
        if self._flow is None:
            self._flow = self._find_flow()
        return self._flow

    def _find_flow(self) -> Act:
        at = self
        while at.act.kind != "flow" and at.act.span is not None:
            at = at.act.span
        return Act("flow", at.act.span, at.act.attempt, self._views.tree(self.node.flow_key))
