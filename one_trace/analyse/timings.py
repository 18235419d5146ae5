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
"""Iterations that a sequential loop could run at a time: the host's default for `parallel`."""
CLOCK_MS = 1.0
"""The host counts whole milliseconds."""


class LoopRun(Struct, kw_only=True):
    """One execution of one loop: its iterations' durations in ms, and whether each began after the one before
    had ended. `awaited` is the part of its duration in which the run waited for its children.
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
        """Its duration in batches of five iterations, which is how the host runs them."""
        batches = range(0, len(self.iterations), CONCURRENT)
        return sum(max(self.iterations[first : first + CONCURRENT]) for first in batches)

    @property
    def saved_ms(self) -> float:
        """What the run would save: at most what it waited for."""
        return max(0.0, sum(self.iterations) - self.concurrent_ms) * self.awaited


class ParallelRun(Struct, kw_only=True):
    """One execution of one parallel block: the duration of each branch in ms."""

    path: str
    run_id: str
    total_ms: float
    branches: dict[str, float]
    awaited: float = 1.0


class ListRun(Struct, kw_only=True):
    """One execution of one list of steps."""

    path: str
    """Of their container."""
    run_id: str
    steps: dict[str, tuple[float, float, float]]
    """By step id: start and end in ms, and the part of the time in between that the run waited for it."""


class RunTree(NamedTuple):
    """A trace with its tree and the static path of each span."""

    trace: Trace
    shape: Shape
    paths: dict[str, str]
    """By span id."""
    awaited_ms: dict[str, float]
    """By span id: how long the run waited for it or its descendants."""

    def awaited(self, span: Span) -> float:
        """The part of a span's duration in which the run waited for it."""
        took = span.duration_ms or 0.0
        return min(self.awaited_ms.get(span.span_id, 0.0) / took, 1.0) if took else 0.0

    def containers(self, kind: str) -> Iterator[tuple[Span, list[Span]]]:
        """Containers that succeeded at the first attempt, as did their children, with these."""
        for span in self.trace.spans:
            children = self.shape.children(span)
            first_attempt = span.type == kind and span.attempts == 1 and span.status == "success"
            if first_attempt and children and all(one.status in FINE_STATUSES for one in children):
                yield span, children


def tree_of(trace: Trace) -> RunTree:
    shape = Shape(trace)
    awaited: dict[str, float] = {}
    for stretch in shape.critical_path:
        if stretch.span is not None:
            span_id = stretch.span.span_id
            awaited[span_id] = awaited.get(span_id, 0.0) + stretch.end_ms - stretch.start_ms
    for span in reversed(trace.spans):
        if span.parent_span_id is not None and span.span_id in awaited:
            awaited[span.parent_span_id] = awaited.get(span.parent_span_id, 0.0) + awaited[span.span_id]
    return RunTree(trace, shape, static_paths(trace.run.flow_key, trace.spans), awaited)


def critical_shares(trees: Sequence[RunTree]) -> dict[str, float]:
    """By static path of the steps without children: the part of all these runs' time that they were waited
    for."""
    total = sum(tree.trace.run.duration_ms or 0.0 for tree in trees)
    awaited: dict[str, float] = {}
    for tree in trees:
        for span in tree.trace.spans:
            if span.span_id in tree.awaited_ms and not tree.shape.children(span):
                path = tree.paths[span.span_id]
                awaited[path] = awaited.get(path, 0.0) + tree.awaited_ms[span.span_id]
    return {path: min(ms / total, 1.0) for path, ms in awaited.items()} if total else {}


def loops(trees: Sequence[RunTree]) -> Iterator[LoopRun]:
    """Every execution of a loop with more than two iterations that all succeeded."""
    for tree in trees:
        for span, children in tree.containers("loop"):
            times = _iterations(children)
            if len(times) > 2:
                yield LoopRun(
                    path=tree.paths[span.span_id],
                    flow_key=span.flow_key,
                    run_id=tree.trace.run.run_id,
                    total_ms=span.duration_ms or 0.0,
                    iterations=[end - start for start, end in times],
                    sequential=all(later[0] >= before[1] - CLOCK_MS for before, later in pairwise(times)),
                    awaited=tree.awaited(span),
                )


def blocks(trees: Sequence[RunTree]) -> Iterator[ParallelRun]:
    """Every execution of a parallel block with more than one branch that all succeeded."""
    for tree in trees:
        for span, children in tree.containers("parallel"):
            branches = {
                child.step_id: child.duration_ms for child in children if child.duration_ms is not None
            }
            if len(branches) > 1:
                yield ParallelRun(
                    path=tree.paths[span.span_id],
                    run_id=tree.trace.run.run_id,
                    total_ms=span.duration_ms or 0.0,
                    branches=branches,
                    awaited=tree.awaited(span),
                )


def lists(trees: Sequence[RunTree]) -> Iterator[ListRun]:
    """Every execution of a list in which two steps or more succeeded: of a flow, an iteration or a branch."""
    for tree in trees:
        by_list: dict[tuple[str, int | None, str | None, int | None], list[Span]] = {}
        parallel = {span.span_id for span in tree.trace.spans if span.type == "parallel"}
        for span in tree.trace.spans:
            if span.parent_span_id not in parallel:
                key = (span.parent_span_id or "", span.iteration, span.branch, span.parent_attempt)
                by_list.setdefault(key, []).append(span)
        for (parent, *_), spans in by_list.items():
            good = [span for span in spans if span.status == "success" and span.attempts == 1]
            if len(good) > 1 and len({span.step_id for span in spans}) == len(spans):
                yield ListRun(
                    path=tree.paths.get(parent, tree.trace.run.flow_key),
                    run_id=tree.trace.run.run_id,
                    steps={
                        span.step_id: (span.start_ms, tree.shape.end(span), tree.awaited(span))
                        for span in good
                    },
                )


def _iterations(children: Sequence[Span]) -> list[tuple[float, float]]:
    """Start and end of each iteration, in order."""
    iterations: dict[int, tuple[float, float]] = {}
    for child in children:
        if child.iteration is not None:
            start, end = child.start_ms, child.start_ms + (child.duration_ms or 0)
            first, last = iterations.get(child.iteration, (start, end))
            iterations[child.iteration] = min(first, start), max(last, end)
    return [iterations[number] for number in sorted(iterations)]
