"""Which iterations of a container went alike: the one rule behind every fold, on a page, in an answer and in
an upload.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from one_trace.model.trace import FINE_STATUSES


class FoldableSpan(Protocol):
    """What a `Span` and a `SanitizedSpan` have in common."""

    @property
    def span_id(self) -> str: ...
    @property
    def parent_span_id(self) -> str | None: ...
    @property
    def step_id(self) -> str: ...
    @property
    def iteration(self) -> int | None: ...
    @property
    def branch(self) -> str | None: ...
    @property
    def parent_attempt(self) -> int | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def late(self) -> bool: ...
    @property
    def error_code(self) -> str | None: ...


S = TypeVar("S", bound=FoldableSpan)


class Alike(Generic[S]):
    """The spans of one trace, compared. `children` are those of each span by its id (`tree.children_of`).

    `kinds` by span id: a number that two spans share if they ended the same way, and so did all that ran in
    them (however often it ran). `well`: whether a span and everything in it succeeded or was skipped.
    """

    def __init__(self, spans: Sequence[S], children: Mapping[str | None, list[S]]) -> None:
        self.kinds: dict[str, int] = {}
        self.well: dict[str, bool] = {}
        numbers: dict[tuple[object, ...], int] = {}
        for span in reversed(spans):  # children stand after their parents
            outcome: tuple[object, ...] = (
                span.step_id,
                span.status,
                span.branch,
                span.attempts,
                span.late,
                span.error_code,
            )
            well = span.status in FINE_STATUSES and not span.late
            inner = children.get(span.span_id)  # nearly all spans have none
            if inner:
                below = sorted({(child.iteration is not None, self.kinds[child.span_id]) for child in inner})
                outcome = (*outcome, *below)
                well = well and all(self.well[child.span_id] for child in inner)
            self.kinds[span.span_id] = numbers.setdefault(outcome, len(numbers))
            self.well[span.span_id] = well

    def groups(self, children: Iterable[S]) -> list[list[list[S]]]:
        """The iterations among the children of one span, those that went alike in one group.

        An iteration is the list of its spans; everything is in the order of `children`.
        """
        groups: dict[tuple[int, ...], list[list[S]]] = {}
        for (attempt, _), members in iterations(children).items():
            groups.setdefault((attempt, *(self.kinds[span.span_id] for span in members)), []).append(members)
        return list(groups.values())


def iterations(children: Iterable[S]) -> dict[tuple[int, int], list[S]]:
    """The spans of each iteration, by the container's attempt and the iteration's number."""
    found: dict[tuple[int, int], list[S]] = {}
    for span in children:
        if span.iteration is not None:
            found.setdefault((span.parent_attempt or 1, span.iteration), []).append(span)
    return found
