"""The flows under way, each found by its key: flows within each other may be thousands."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.assemble.live.state import ContainerAttempt


class OpenFlows:
    """In the order in which they began."""

    def __init__(self) -> None:
        self._all: dict[ContainerAttempt, None] = {}
        self._by_key: dict[str, dict[ContainerAttempt, None]] = {}

    def add(self, flow: ContainerAttempt) -> None:
        """`flow` knows its steps by now."""
        self._all[flow] = None
        self._by_key.setdefault(_key(flow), {})[flow] = None

    def remove(self, flow: ContainerAttempt) -> None:
        del self._all[flow]
        del self._by_key[_key(flow)][flow]

    def with_key(self, key: str | None) -> list[ContainerAttempt]:
        return list(self._by_key.get(key or "", ()))

    @property
    def innermost(self) -> ContainerAttempt:
        """The one that began last."""
        return next(reversed(self._all))

    def __contains__(self, flow: ContainerAttempt) -> bool:
        return flow in self._all

    def __len__(self) -> int:
        return len(self._all)

    def __reversed__(self) -> Iterator[ContainerAttempt]:
        return reversed(self._all)


def _key(flow: ContainerAttempt) -> str:
    return flow.tree.key if flow.tree is not None else ""
