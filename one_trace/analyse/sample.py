"""What only single runs tell: how the iterations of loops and the branches of parallel blocks lay in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from one_trace.model import Span, Trace
from one_trace.store import Store

RUNS = 20
SPANS = 20_000
"""The last runs are looked at, at most so many, and no more of them than have so many spans together."""
ABREAST = 5
"""How many iterations a sequential loop is thought to run side by side: the host's default for `parallel`."""
CLOCK_MS = 1.0
"""The host counts whole milliseconds."""


class Loop(Struct, kw_only=True):
    """One run of one loop: its iterations' times, in ms, and whether each began after the one before had
    ended.
    """

    path: str
    flow_key: str
    run_id: str
    total_ms: float
    iterations: list[float]
    sequential: bool

    @property
    def concurrent_ms(self) -> float:
        """What it would take with five iterations abreast, in batches as the host makes them."""
        batches = range(0, len(self.iterations), ABREAST)
        return sum(max(self.iterations[first : first + ABREAST]) for first in batches)


class Block(Struct, kw_only=True):
    """One run of one parallel block: the time of each branch, in ms."""

    path: str
    run_id: str
    total_ms: float
    branches: dict[str, float]


def sample(store: Store, flow: str, since_ms: int | None) -> list[Trace]:
    """The last runs of a flow, newest first."""
    traces: list[Trace] = []
    spans = 0
    for run in store.runs(flow=flow, since_ms=since_ms, limit=RUNS):
        spans += run.counts.spans
        if traces and spans > SPANS:
            break
        traces.append(store.trace(run.run_id))
    return traces


def static_paths(trace: Trace) -> dict[str, str]:
    """Static path (the step ids down to it) by span id."""
    paths: dict[str, str] = {}
    for span in trace.spans:
        lead = paths.get(span.parent_span_id or "", trace.run.flow_key)
        paths[span.span_id] = f"{lead} > {span.step_id}"
    return paths


def loops(traces: Sequence[Trace]) -> Iterator[Loop]:
    """Every run of a loop of more than two iterations that all ended."""
    for trace in traces:
        for span, children, path in _containers(trace, "loop"):
            times = _iterations(children)
            if span.duration_ms is None or span.attempts > 1 or len(times) < 3:
                continue
            yield Loop(
                path=path,
                flow_key=span.flow_key,
                run_id=trace.run.run_id,
                total_ms=span.duration_ms,
                iterations=[end - start for start, end in times],
                sequential=all(later[0] >= before[1] - CLOCK_MS for before, later in pairwise(times)),
            )


def blocks(traces: Sequence[Trace]) -> Iterator[Block]:
    """Every run of a parallel block of more than one branch whose times are known."""
    for trace in traces:
        for span, children, path in _containers(trace, "parallel"):
            branches = {
                child.step_id: child.duration_ms for child in children if child.duration_ms is not None
            }
            if span.duration_ms is not None and span.attempts == 1 and len(branches) > 1:
                yield Block(path=path, run_id=trace.run.run_id, total_ms=span.duration_ms, branches=branches)


def _containers(trace: Trace, kind: str) -> Iterator[tuple[Span, list[Span], str]]:
    inside: dict[str, list[Span]] = {}
    for span in trace.spans:
        inside.setdefault(span.parent_span_id or "", []).append(span)
    paths = static_paths(trace)
    for span in trace.spans:
        if span.type == kind and span.span_id in inside:
            yield span, inside[span.span_id], paths[span.span_id]


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
