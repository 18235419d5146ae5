"""The tree of a trace: children, ends, self time, static paths and the critical path.

Times are ms from the run's start. Nothing here recurses, since a hostile flow may nest to any depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

from one_trace.model.trace import Span, SpanStatus, Trace

_CLOCK_MS = 1.0
"""The host rounds to milliseconds: ends and starts within this are simultaneous."""


class TreeSpan(Protocol):
    """What a `Span` and a `SanitizedSpan` have in common."""

    @property
    def span_id(self) -> str: ...
    @property
    def parent_span_id(self) -> str | None: ...


class TimedSpan(TreeSpan, Protocol):
    @property
    def step_id(self) -> str: ...
    @property
    def status(self) -> SpanStatus: ...
    @property
    def start_ms(self) -> float: ...
    @property
    def duration_ms(self) -> float | None: ...


S = TypeVar("S", bound=TreeSpan)
T = TypeVar("T", bound=TimedSpan)


def children_of(spans: Iterable[S]) -> dict[str | None, list[S]]:
    """The children of each span by its id; those at the top under None, with any span whose parent is missing
    or comes after it.
    """
    children: dict[str | None, list[S]] = {None: []}
    seen: set[str | None] = set()
    for span in spans:
        parent = span.parent_span_id if span.parent_span_id in seen else None
        children.setdefault(parent, []).append(span)
        seen.add(span.span_id)
    return children


def walk(spans: Iterable[S]) -> Iterator[tuple[S, bool]]:
    """Depth first, each span twice: with False before its children and with True after them."""
    children = children_of(spans)
    stack = [(span, False) for span in reversed(children[None])]
    while stack:
        span, left = stack.pop()
        yield span, left
        if not left:
            stack.append((span, True))
            stack.extend((child, False) for child in reversed(children.pop(span.span_id, [])))


def below(path: str, step_id: str) -> str:
    """The static path of a step in a container or flow with this static path. Planned and executed steps are
    named only here."""
    return f"{path} > {step_id}"


def static_paths(flow: str, spans: Iterable[TimedSpan]) -> dict[str, str]:
    """The static path of each span by its id: the root flow's key and the step ids down to it, without
    iterations and attempts. Built from the parents' ids, because an id may itself end in ``[0]``."""
    paths: dict[str, str] = {}
    for span in spans:
        paths[span.span_id] = below(paths.get(span.parent_span_id or "", flow), span.step_id)
    return paths


def static_path(flow: str, spans: Mapping[str, TimedSpan], span_id: str) -> str:
    """The static path of one span."""
    steps: list[str] = []
    while (span := spans.get(span_id)) is not None:
        steps.append(span.step_id)
        span_id = span.parent_span_id or ""
    return " > ".join([flow, *reversed(steps)])


def paths_within(spans: Iterable[TimedSpan]) -> dict[str, str]:
    """The static path of each span by its id, without the root flow's key."""
    paths: dict[str, str] = {}
    for span in spans:
        parent = paths.get(span.parent_span_id or "")
        paths[span.span_id] = span.step_id if parent is None else below(parent, span.step_id)
    return paths


def last_known_ms(duration_ms: float | None, spans: Iterable[TimedSpan]) -> float:
    """The last moment known of a run of this duration."""
    return max([duration_ms or 0.0, 0.0, *(span.start_ms + (span.duration_ms or 0.0) for span in spans)])


def end_ms(span: TimedSpan, last_ms: float) -> float:
    """When a span ended; for an incomplete one, the last moment known."""
    if span.duration_ms is not None:
        return span.start_ms + span.duration_ms
    return last_ms if span.status == "incomplete" else span.start_ms


def self_times(
    spans: Iterable[T], children: Mapping[str | None, Sequence[T]], last_ms: float
) -> dict[str, float]:
    """Self time by span id, for spans with a duration: it less the union of the children's intervals."""
    times = {}
    for span in spans:
        if span.duration_ms is None:
            continue
        start, end = span.start_ms, end_ms(span, last_ms)
        inner = children.get(span.span_id)  # nearly all spans have none
        busy = covered([(each.start_ms, end_ms(each, last_ms)) for each in inner], start, end) if inner else 0
        times[span.span_id] = end - start - busy
    return times


Attempted = tuple[str, str | None, int | None, int]
"""A span's id, its parent's, the attempt of its parent that it ran in, and how many it took itself."""


def superseded(spans: Iterable[Attempted]) -> set[str]:
    """The spans in attempts of containers that were followed by another attempt. Parents come before their
    children, so that all descendants are found."""
    found: set[str] = set()
    attempts_of: dict[str | None, int] = {}
    for span_id, parent, attempt, attempts in spans:
        if attempts > 1:
            attempts_of[span_id] = attempts
        last = attempts_of.get(parent, 0)
        if parent in found or (last and (attempt or last) < last):
            found.add(span_id)
    return found


class Stretch(NamedTuple):
    """A part of the critical path: the run waited for this span itself (None: for no step) in this
    interval."""

    span: Span | None
    start_ms: float
    end_ms: float


class Shape:
    """The tree of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.run = trace.run
        self.spans = trace.spans
        self.index = children_of(trace.spans)
        self.top: list[Span] = self.index[None]
        self.horizon = last_known_ms(trace.run.duration_ms, trace.spans)

    def children(self, span: Span) -> list[Span]:
        return self.index.get(span.span_id, [])

    def end(self, span: Span) -> float:
        return end_ms(span, self.horizon)

    @cached_property
    def self_ms(self) -> dict[str, float]:
        return self_times(self.spans, self.index, self.horizon)

    @cached_property
    def critical_path(self) -> list[Stretch]:
        """The chain of stretches from the run's start to its end, in time order."""
        end = self.run.duration_ms if self.run.duration_ms is not None else self.horizon
        back: list[Stretch] = []
        todo: list[tuple[Span | None, list[Span], float, float]] = [(None, self.top, 0.0, end)]
        while todo:
            owner, children, start, end = todo.pop()
            if not children:
                if end > start:
                    back.append(Stretch(owner, start, end))
                continue
            todo.extend(reversed(self._backwards(owner, children, start, end)))
        back.reverse()
        return back

    def _backwards(
        self, owner: Span | None, children: list[Span], start: float, end: float
    ) -> list[tuple[Span | None, list[Span], float, float]]:
        """One span's time from its end back to its start: its own stretches, and the children it waited
        for."""
        parts: list[tuple[Span | None, list[Span], float, float]] = []
        first = min(children, key=lambda child: self._rank(child, end))
        rest = sorted((child for child in children if child is not first), key=self.end, reverse=True)
        cursor = end
        for child in [first, *rest]:
            child_start, child_end = max(child.start_ms, start), min(self.end(child), cursor)
            awaited = child is first or self.end(child) <= cursor + _CLOCK_MS
            if not awaited or child_end <= child_start:
                continue
            if cursor > child_end:
                parts.append((owner, [], child_end, cursor))
            parts.append((child, self.children(child), child_start, child_end))
            cursor = child_start
        if cursor > start:
            parts.append((owner, [], start, cursor))
        return parts

    def _rank(self, child: Span, end: float) -> tuple[bool, float, bool, bool]:
        """Sorts the child that the end waited for first: the last to end, failures before those still
        running."""
        child_end = self.end(child)
        if child_end < end - _CLOCK_MS:
            return True, -child_end, False, False
        return (
            child.start_ms >= end,
            0.0,
            child.status not in ("error", "timeout"),
            child_end > end + _CLOCK_MS,
        )


def covered(intervals: Iterable[tuple[float, float]], start: float, end: float) -> float:
    """How much of ``start..end`` the union of `intervals` covers."""
    total, reached = 0.0, start
    for low, high in sorted(intervals):
        low, high = max(low, reached), min(high, end)
        if high > low:
            total += high - low
            reached = high
    return total
