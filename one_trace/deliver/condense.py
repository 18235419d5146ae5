"""A long run in fewer messages: iterations that went alike are sent as one `Fold`, except for the first, the
slowest, and all in which something failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from one_trace.model.alike import Alike
from one_trace.model.fold import FOLD_FROM, Spread, spread
from one_trace.model.tree import children_of
from one_trace.outbound.sanitize import SanitizedSpan

CONDENSE_OVER = 2000
"""Runs of more spans than this are condensed."""
_SLOWEST = 3

Iteration = list[SanitizedSpan]


class Fold(Struct, frozen=True, kw_only=True):
    """Iterations of the container `parent` that are sent as one. `first` is their first span, `numbers` are
    the numbers of the iterations, `spans` counts the spans in them.
    """

    parent: SanitizedSpan
    first: SanitizedSpan
    steps: list[str]
    numbers: list[int]
    spans: int
    spread: Spread


class Condensed(Struct, frozen=True):
    """The spans that are sent one by one, in their order, and the folds."""

    spans: list[SanitizedSpan]
    folds: list[Fold]


def condense(spans: Sequence[SanitizedSpan]) -> Condensed:
    """Fold the iterations of `spans` that went alike and well. Parents come before their children."""
    children = children_of(spans)
    alike = Alike(spans, children)
    folded: set[str] = set()
    folds: list[Fold] = []
    for span in spans:
        inner = children.get(span.span_id, [])
        if span.span_id in folded:
            folded.update(child.span_id for child in inner)
            continue
        for group in alike.groups(inner):
            rest = _without_first_and_slowest(group)
            if len(rest) >= FOLD_FROM and all(alike.well[member.span_id] for member in rest[0]):
                folds.append(_fold(span, rest, children))
                folded.update(member.span_id for iteration in rest for member in iteration)
    return Condensed([span for span in spans if span.span_id not in folded], folds)


def _without_first_and_slowest(group: list[Iteration]) -> list[Iteration]:
    slowest = sorted(range(len(group)), key=lambda at: -_duration_ms(group[at]))[:_SLOWEST]
    return [iteration for at, iteration in enumerate(group) if at not in {0, *slowest}]


def _duration_ms(iteration: Iteration) -> float:
    start = min(span.start_ms for span in iteration)
    return max(span.start_ms + (span.duration_ms or 0) for span in iteration) - start


def _fold(
    parent: SanitizedSpan, group: list[Iteration], children: dict[str | None, list[SanitizedSpan]]
) -> Fold:
    todo = [span for iteration in group for span in iteration]
    count = 0
    while todo:
        todo.extend(children.get(todo.pop().span_id, []))
        count += 1
    return Fold(
        parent=parent,
        first=group[0][0],
        steps=[span.step_id for span in group[0]],
        numbers=[iteration[0].iteration or 0 for iteration in group],
        spans=count,
        spread=spread([(at, _duration_ms(iteration)) for at, iteration in enumerate(group)]),
    )
