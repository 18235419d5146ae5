"""Events of kinds that are not known."""

from __future__ import annotations

NO_NEWS = frozenset(
    {"flow:deprecation", "flow:warning", "step:mock", "step:page", "step:retry-skip", "workflow:result"}
)
"""Known events that say nothing of the tree that others do not say as well."""
_KIND_CHARS = 80
_KINDS = 50


def count(others: dict[str, int], event: str) -> None:
    """One more of its kind: so much of a name, and so many kinds."""
    kind = event[:_KIND_CHARS]
    if kind in others or len(others) < _KINDS:
        others[kind] = others.get(kind, 0) + 1
