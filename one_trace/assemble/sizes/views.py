"""Executions as those that measure inputs see them: which results each could read, and in which attempt of
what it ran."""

from __future__ import annotations

from msgspec import Struct

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.stored import Results, Stored

_Place = tuple[int, int, int | None]
"""In which execution, by its number, in which attempt of it and in which iteration."""


class Scope(Struct, frozen=True):
    """The results that can be read by step id, None where they are not known; `parent`: those around."""

    results: Results | None
    parent: Scope | None


class ContainerAttempt(Struct, frozen=True):
    """The attempt that something ran in: of a container, or of a flow, whose `span` is the step that calls
    it. The run's own flow has none."""

    kind: str
    span: View | None
    attempt: int


class Views:
    def __init__(self, stored: Stored) -> None:
        self._stored, self._root = stored, Scope(stored.root, None)
        self._views: dict[int, View] = {}
        self._scopes: dict[_Place, Scope] = {}
        self._inside: dict[int, object] = {}
        self._attempts: dict[_Place, ContainerAttempt] = {}

    def of(self, execution: Execution) -> View:
        found = self._views.get(execution.number)
        if found is None:
            found = self._views[execution.number] = View(execution, self)
        return found

    def close(self) -> None:
        """They refer to one another."""
        self._views.clear()
        self._attempts.clear()

    def scope(self, execution: Execution) -> Scope:
        at = execution
        while (above := at.where.above) is not None:
            if above.node.type in ("loop", "flow"):
                key = above.number, at.where.attempt or 1, at.where.iteration
                if key not in self._scopes:
                    self._scopes[key] = self._scope_in(above, *key[1:])
                return self._scopes[key]
            at = above
        return self._root

    def _scope_in(self, container: Execution, attempt: int, iteration: int | None) -> Scope:
        inside = self._inside_of(container, attempt)
        if container.node.type == "flow":
            return Scope(inside if isinstance(inside, dict) else None, None)
        number = iteration or 0
        results = inside[number] if isinstance(inside, list) and number < len(inside) else None
        return Scope(results, self.scope(container))

    def _inside_of(self, container: Execution, attempt: int) -> object:
        result = container.result
        if result is None or result.status != "success" or attempt != (result.retries or 0) + 1:
            return None
        if container.number not in self._inside:
            self._inside[container.number] = self._stored.inside(container.node.type, result)
        return self._inside[container.number]

    def container(self, execution: Execution) -> ContainerAttempt:
        above, attempt = execution.where.above, execution.where.attempt or 1
        key = above.number if above is not None else 0, attempt, None
        if key not in self._attempts:
            kind = above.node.type if above is not None else "flow"
            span = self.of(above) if above is not None else None
            self._attempts[key] = ContainerAttempt(kind, span, attempt)
        return self._attempts[key]


class View:
    """One execution."""

    __slots__ = ("_execution", "_views", "node")

    def __init__(self, execution: Execution, views: Views) -> None:
        self._execution, self._views = execution, views
        self.node: Node = execution.node

    @property
    def unsure_attempts(self) -> bool:
        doubts = self._execution.doubts
        return doubts is not None and "attempts" in doubts

    @property
    def iteration(self) -> int | None:
        return self._execution.where.iteration

    @property
    def attempts(self) -> int:
        return self._execution.attempts

    @property
    def begun(self) -> int:
        """The line that began it."""
        return self._execution.lines[0]

    @property
    def slot(self) -> int:
        """The place of a silent child in its block, else -1."""
        where = self._execution.where
        return where.index if where.silent and where.index is not None else -1

    @property
    def scope(self) -> Scope:
        return self._views.scope(self._execution)

    @property
    def container(self) -> ContainerAttempt:
        return self._views.container(self._execution)

    @property
    def flow(self) -> ContainerAttempt:
        """The flow in which it stands."""
        at = self.container
        while at.kind != "flow" and at.span is not None:
            at = at.span.container
        return at
