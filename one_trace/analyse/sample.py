"""Timings that only single runs show: of the iterations of loops, the branches of parallel blocks and the
steps of a list, and for how long the run waited for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from one_trace.model.trace import FINE_STATUSES, Span, Trace
from one_trace.model.tree import Shape, static_paths

CONCURRENT = 5
"""How many iterations a sequential loop is thought to run at a time: the host's default for `parallel`."""
CLOCK_MS = 1.0
"""The host counts whole milliseconds."""


class Loop(Struct, kw_only=True):
    """One execution of one loop: its iterations' times, in ms, and whether each began after the one before
    had ended. `awaited`: the part of its time in which the run waited for what is in it.
    """

    path: str
    flow_key: str
    run_id: str
    total_ms: float
    iterations: list[float]
    sequential: bool
    awaited: float = 1.0

    @property
    def concurrent_ms(self) -> float:
        """What it would take with five iterations at a time, in batches as the host makes them."""
        batches = range(0, len(self.iterations), CONCURRENT)
        return sum(max(self.iterations[first : first + CONCURRENT]) for first in batches)

    @property
    def saved_ms(self) -> float:
        """What the run would save: no more than it waited for."""
        return max(0.0, sum(self.iterations) - self.concurrent_ms) * self.awaited


class Block(Struct, kw_only=True):
    """One execution of one parallel block: the time of each branch, in ms."""

    path: str
    run_id: str
    total_ms: float
    branches: dict[str, float]
    awaited: float = 1.0


class Row(Struct, kw_only=True):
    """One execution of one list of steps, one after the other: each with its start and end, in ms, and the
    part of its time that the run waited for it."""

    path: str
    """Of what they stand in."""
    run_id: str
    steps: dict[str, tuple[float, float, float]]
    """By step id."""


class View(NamedTuple):
    """A trace with its tree and the static path of each span."""

    trace: Trace
    shape: Shape
    paths: dict[str, str]
    awaited: dict[str, float]
    """By span id: how long, in ms, the run waited for it or for what is in it."""


def view(trace: Trace) -> View:
    """A trace, looked at once for all that is asked of it."""
    shape = Shape(trace)
    waited: dict[str, float] = {}
    for stretch in shape.critical_path:
        if stretch.span is not None:
            span_id = stretch.span.span_id
            waited[span_id] = waited.get(span_id, 0.0) + stretch.end_ms - stretch.start_ms
    for span in reversed(trace.spans):
        if span.parent_span_id is not None and span.span_id in waited:
            waited[span.parent_span_id] = waited.get(span.parent_span_id, 0.0) + waited[span.span_id]
    return View(trace, shape, static_paths(trace.run.flow_key, trace.spans), waited)


def critical(views: Sequence[View]) -> dict[str, float]:
    """By static path of the steps without children: the part of all these runs' time that they were waited
    for."""
    whole = sum(one.trace.run.duration_ms or 0.0 for one in views)
    found: dict[str, float] = {}
    for one in views:
        for span in one.trace.spans:
            if span.span_id in one.awaited and not one.shape.children(span):
                path = one.paths[span.span_id]
                found[path] = found.get(path, 0.0) + one.awaited[span.span_id]
    return {path: min(ms / whole, 1.0) for path, ms in found.items()} if whole else {}


def loops(views: Sequence[View]) -> Iterator[Loop]:
    """Every execution of a loop of more than two iterations that all succeeded."""
    for one in views:
        for span, children in _containers(one, "loop"):
            times = _iterations(children)
            if len(times) < 3 or any(child.status not in FINE_STATUSES for child in children):
                continue
            yield Loop(
                path=one.paths[span.span_id],
                flow_key=span.flow_key,
                run_id=one.trace.run.run_id,
                total_ms=span.duration_ms or 0.0,
                iterations=[end - start for start, end in times],
                sequential=all(later[0] >= before[1] - CLOCK_MS for before, later in pairwise(times)),
                awaited=_awaited(one, span),
            )


def blocks(views: Sequence[View]) -> Iterator[Block]:
    """Every execution of a parallel block of more than one branch that all succeeded."""
    for one in views:
        for span, children in _containers(one, "parallel"):
            branches = {
                child.step_id: child.duration_ms for child in children if child.duration_ms is not None
            }
            if len(branches) > 1 and all(child.status in FINE_STATUSES for child in children):
                yield Block(
                    path=one.paths[span.span_id],
                    run_id=one.trace.run.run_id,
                    total_ms=span.duration_ms or 0.0,
                    branches=branches,
                    awaited=_awaited(one, span),
                )


def rows(views: Sequence[View]) -> Iterator[Row]:
    """Every execution of a list of two steps or more that all succeeded: of a flow, of an iteration, of a
    branch."""
    for one in views:
        lists: dict[tuple[str, int | None, str | None, int | None], list[Span]] = {}
        parallel = {span.span_id for span in one.trace.spans if span.type == "parallel"}
        for span in one.trace.spans:
            if span.parent_span_id not in parallel:
                key = (span.parent_span_id or "", span.iteration, span.branch, span.parent_attempt)
                lists.setdefault(key, []).append(span)
        for (parent, *_), spans in lists.items():
            good = [span for span in spans if span.status == "success" and span.attempts == 1]
            if len(good) < 2 or len({span.step_id for span in spans}) < len(spans):
                continue
            yield Row(
                path=one.paths.get(parent, one.trace.run.flow_key),
                run_id=one.trace.run.run_id,
                steps={
                    span.step_id: (span.start_ms, one.shape.end(span), _awaited(one, span)) for span in good
                },
            )


def _awaited(one: View, span: Span) -> float:
    took = span.duration_ms or 0.0
    return min(one.awaited.get(span.span_id, 0.0) / took, 1.0) if took else 0.0


def _containers(one: View, kind: str) -> Iterator[tuple[Span, list[Span]]]:
    """Containers that succeeded at once, with what is in them."""
    for span in one.trace.spans:
        children = one.shape.children(span)
        if span.type == kind and children and span.attempts == 1 and span.status == "success":
            yield span, children


def _iterations(children: Sequence[Span]) -> list[tuple[float, float]]:
    """Start and end of each iteration in their order."""
    found: dict[int, tuple[float, float]] = {}
    for child in children:
        if child.iteration is None:
            continue
        start, end = child.start_ms, child.start_ms + (child.duration_ms or 0)
        first, last = found.get(child.iteration, (start, end))
        found[child.iteration] = min(first, start), max(last, end)
    return [found[iteration] for iteration in sorted(found)]
