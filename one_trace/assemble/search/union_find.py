"""Which names stand for each other, directly or by way of others."""

from __future__ import annotations


class UnionFind:
    """Each name is below another, or at the top of its set."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        first, second = self._top(one), self._top(other)
        if first != second:
            self._above[second] = first

    def __bool__(self) -> bool:
        """Whether any two are joined."""
        return bool(self._above)

    def joined(self, one: str, other: str) -> bool:
        return self._top(one) == self._top(other)

    def _top(self, name: str) -> str:
        top = name
        while (above := self._above.get(top)) is not None:
            top = above
        if top != name:
            self._above[name] = top  # the way is shorter the next time
        return top
