"""A long run in fewer messages: iterations that went alike become one, as `trace show` does it.

Of iterations that went alike the first and the slowest stay whole, and every iteration in which something
failed does; the others become a `Fold` that says how many there were and how long they took.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from msgspec import Struct

from one_trace.outbound.sanitize import SanitizedSpan

FOLD_OVER = 2000
"""Runs of more spans than this are folded."""
_ALIKE = 4
_SLOWEST = 3
_WELL = ("success", "skipped")


class Fold(Struct, frozen=True, kw_only=True):
    """Iterations that are told as one. Durations in ms."""

    parent: SanitizedSpan
    at: SanitizedSpan
    """The first span that is not told."""
    steps: list[str]
    count: int
    spans: int
    first: int
    last: int
    least_ms: float
    median_ms: float
    most_ms: float


class Folded(Struct, frozen=True):
    """The spans that are told one by one, in their order, and the folds."""

    spans: list[SanitizedSpan]
    folds: list[Fold]


def fold(spans: list[SanitizedSpan]) -> Folded:
    """Leave out of `spans` what went alike. Parents stand before their children."""
    children: dict[str | None, list[SanitizedSpan]] = {}
    for span in spans:
        children.setdefault(span.parent_span_id, []).append(span)
    kinds, well, sizes = _kinds(spans, children)
    left_out: set[str] = set()
    folds: list[Fold] = []
    for span in spans:
        if span.span_id in left_out:
            left_out.update(child.span_id for child in children.get(span.span_id, []))
            continue
        for group in _alike(children.get(span.span_id, []), kinds, well):
            folds.append(_fold(span, group, sizes))
            left_out.update(each.span_id for iteration in group for each in iteration)
    return Folded([span for span in spans if span.span_id not in left_out], folds)


def _kinds(
    spans: list[SanitizedSpan], children: dict[str | None, list[SanitizedSpan]]
) -> tuple[dict[str, int], dict[str, bool], dict[str, int]]:
    """By span id: a number that spans share which went alike, whether all went well, and how many spans it
    is.
    """
    numbers: dict[tuple[object, ...], int] = {}
    kinds: dict[str, int] = {}
    well: dict[str, bool] = {}
    sizes: dict[str, int] = {}
    for span in reversed(spans):
        inner = [child for child in children.get(span.span_id, []) if child.span_id in kinds]
        below = sorted({(child.iteration is not None, kinds[child.span_id]) for child in inner})
        went = (span.step_id, span.status, span.branch, span.attempts, span.late, span.error_code)
        kinds[span.span_id] = numbers.setdefault((*went, *below), len(numbers))
        good = span.status in _WELL and not span.late
        well[span.span_id] = good and all(well[child.span_id] for child in inner)
        sizes[span.span_id] = 1 + sum(sizes[child.span_id] for child in inner)
    return kinds, well, sizes


def _alike(
    children: list[SanitizedSpan], kinds: dict[str, int], well: dict[str, bool]
) -> Iterator[list[list[SanitizedSpan]]]:
    """Groups of iterations to be left out."""
    iterations: dict[tuple[int | None, int], list[SanitizedSpan]] = {}
    for child in children:
        if child.iteration is not None:
            iterations.setdefault((child.parent_attempt, child.iteration), []).append(child)
    groups: dict[tuple[object, ...], list[list[SanitizedSpan]]] = {}
    for (attempt, _), members in iterations.items():
        if all(well[member.span_id] for member in members):
            key = (attempt, *(kinds[member.span_id] for member in members))
            groups.setdefault(key, []).append(members)
    for group in groups.values():
        slowest = sorted(range(len(group)), key=lambda number: -_took(group[number]))[:_SLOWEST]
        kept = {0, *slowest}
        rest = [members for number, members in enumerate(group) if number not in kept]
        if len(rest) >= _ALIKE:
            yield rest


def _took(iteration: list[SanitizedSpan]) -> float:
    start = min(span.start_ms for span in iteration)
    return max(span.start_ms + (span.duration_ms or 0) for span in iteration) - start


def _fold(parent: SanitizedSpan, group: list[list[SanitizedSpan]], sizes: dict[str, int]) -> Fold:
    times = [_took(iteration) for iteration in group]
    numbers = [iteration[0].iteration or 0 for iteration in group]
    return Fold(
        parent=parent,
        at=group[0][0],
        steps=[span.step_id for span in group[0]],
        count=len(group),
        spans=sum(sizes[span.span_id] for iteration in group for span in iteration),
        first=min(numbers),
        last=max(numbers),
        least_ms=min(times),
        median_ms=median(times),
        most_ms=max(times),
    )
