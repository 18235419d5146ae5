"""What is measured: a step that ran, the attempt that it ran in, and the results that it could read."""

from __future__ import annotations

from typing import Protocol

from msgspec import Raw

from one_trace.assemble.flowtree.tree import Node


class Readable(Protocol):
    """A map of results by step id, None where it is not known; `parent`: the one around it."""

    @property
    def results(self) -> dict[str, Raw] | None: ...

    @property
    def parent(self) -> Readable | None: ...


class Around(Protocol):
    """The attempt that something ran in: of a container, or of a flow, whose `span` is the step that calls
    it. The run's own flow has none."""

    @property
    def kind(self) -> str: ...

    @property
    def attempt(self) -> int: ...

    @property
    def span(self) -> Ran | None: ...


class Ran(Protocol):
    """`begun`: the line that began it; `slot`: the place of an unlogged child in its block, else -1."""

    @property
    def node(self) -> Node: ...

    @property
    def iteration(self) -> int | None: ...

    @property
    def attempts(self) -> int: ...

    @property
    def unsure_attempts(self) -> bool: ...

    @property
    def begun(self) -> int: ...

    @property
    def slot(self) -> int: ...

    @property
    def act(self) -> Around: ...

    @property
    def flow(self) -> Around:
        """The flow in which it stands."""

    @property
    def scope(self) -> Readable: ...
