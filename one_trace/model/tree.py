"""The tree of a trace: children, ends, self time, static paths and the critical path.

Times are ms from the run's start. Nothing here recurses, since a hostile flow may nest to any depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

from one_trace.model.trace import Span, Trace

_CLOCK_MS = 1.0
"""The host rounds to milliseconds: ends and starts within this are simultaneous."""


class TreeSpan(Protocol):
    """What a `Span` and a `SanitizedSpan` have in common."""

    @property
    def span_id(self) -> str: ...
    @property
    def parent_span_id(self) -> str | None: ...


S = TypeVar("S", bound=TreeSpan)


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


def static_paths(flow: str, spans: Iterable[Span]) -> dict[str, str]:
    """The static path of each span by its id: the root flow's key and the step ids down to it, without
    iterations and attempts. Built from the parents' ids, because an id may itself end in ``[0]``."""
    paths: dict[str, str] = {}
    for span in spans:
        paths[span.span_id] = below(paths.get(span.parent_span_id or "", flow), span.step_id)
    return paths


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
        ends = [span.start_ms + (span.duration_ms or 0.0) for span in trace.spans]
        self.horizon = max([trace.run.duration_ms or 0.0, 0.0, *ends])
        """The last moment known."""

    def children(self, span: Span) -> list[Span]:
        return self.index.get(span.span_id, [])

    def end(self, span: Span) -> float:
        """When it ended; for an incomplete span, the last moment known."""
        if span.duration_ms is not None:
            return span.start_ms + span.duration_ms
        return self.horizon if span.status == "incomplete" else span.start_ms

    @cached_property
    def self_ms(self) -> dict[str, float]:
        """Self time by span id, for spans with a duration: it less the union of the children's intervals."""
        return {span.span_id: self._self(span) for span in self.spans if span.duration_ms is not None}

    def _self(self, span: Span) -> float:
        start, end = span.start_ms, self.end(span)
        children = self.index.get(span.span_id)
        if children is None:  # nearly all spans
            return end - start
        return end - start - covered([(child.start_ms, self.end(child)) for child in children], start, end)

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
