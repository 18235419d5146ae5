"""One run as one entry a step, iterations together: what two runs are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from one_trace.analyse.changes import last_change
from one_trace.analyse.figures import median, quantile
from one_trace.model.trace import WORST_FIRST, SpanStatus, Trace, worst
from one_trace.model.tree import below, static_paths

ENOUGH = 5
"""With fewer past runs there is no telling what is usual."""
_SIGMA = 1.4826
"""Times the median absolute deviation: the standard deviation, where things vary normally."""
_SIGMAS = 3.0


class Group(Struct, rename="camel", kw_only=True):
    """All spans of one step in one run. `status` is the worst of theirs, `durationMs` their times added
    up.
    """

    count: int = 0
    status: SpanStatus = "skipped"
    duration_ms: float | None = None
    max_ms: float | None = None
    retries: int = 0
    output_bytes: float | None = None
    cost_usd: float | None = None


class Usual(Struct, rename="camel", frozen=True, kw_only=True):
    """What a figure was in past runs: the median, and from where to where it varied by chance.

    The range is p5 to p95, widened to the median plus and minus three standard deviations (told from the
    median absolute deviation, which a few odd runs do not move).
    """

    runs: int
    p50: float
    low: float
    high: float

    def explains(self, value: float) -> bool:
        return self.low <= value <= self.high


class Step(NamedTuple):
    """Which step: its place under the root flow, so that runs of two flows can be compared as well."""

    path: str
    step_id: str
    type: str


def groups(trace: Trace) -> dict[str, tuple[Step, Group]]:
    """The steps of a run by their path under the root flow, in the order in which they first started."""
    found: dict[str, tuple[Step, Group]] = {}
    root = below(trace.run.flow_key, "")
    paths = static_paths(trace.run.flow_key, trace.spans)
    for span in trace.spans:
        path = paths[span.span_id][len(root) :]
        entry = found.get(path)
        if entry is None:
            entry = found[path] = (Step(path, span.step_id, span.type), Group(status=span.status))
        group = entry[1]
        group.count += 1
        group.retries += span.retries
        group.status = worst((span.status, group.status))
        group.duration_ms = plus(group.duration_ms, span.duration_ms)
        if span.duration_ms is not None:
            group.max_ms = max(group.max_ms or 0.0, span.duration_ms)
        group.output_bytes = plus(group.output_bytes, span.output_bytes)
        group.cost_usd = plus(group.cost_usd, span.usage.cost_usd if span.usage else None)
    return found


def plus(known: float | None, more: float | None) -> float | None:
    """A sum in which what is not known counts nothing."""
    if known is None or more is None:
        return more if known is None else known
    return known + more


def of_late(values: Sequence[float | None], least: float = 0.0) -> list[float]:
    """The known ones of past figures, oldest first, since the last change by at least `least`."""
    known = [value for value in values if value is not None]
    change = last_change(known, least=least)
    return known[change.since :] if change and len(known) - change.since >= ENOUGH else known


def usual(values: Sequence[float | None], least: float = 0.0) -> Usual | None:
    """What is usual of a figure of past runs, oldest first; None where they are too few to tell. Where it has
    changed, only what came since: a rise would else explain itself."""
    ordered = sorted(of_late(values, least))
    if len(ordered) < ENOUGH:
        return None
    middle = quantile(ordered, 0.5) or 0.0
    spread = _SIGMAS * _SIGMA * (median([abs(value - middle) for value in ordered]) or 0.0)
    low, high = quantile(ordered, 0.05) or 0.0, quantile(ordered, 0.95) or 0.0
    return Usual(
        runs=len(ordered),
        p50=middle,
        low=max(min(low, middle - spread), 0.0),
        high=max(high, middle + spread),
    )


class Past(Struct, kw_only=True):
    """The runs of a flow before the one in question that succeeded."""

    runs: list[float] = []
    """Durations, ms, oldest first."""
    costs: list[float] = []
    steps: dict[str, list[Group]] = {}
    """By path under the root flow, one a run in which the step occurred."""
    about: dict[str, Step] = {}

    def typical(self) -> dict[str, tuple[Step, Group]]:
        """The median of each step that occurs in half of the runs at least, as if it were a run; of what has
        changed, since then."""
        half = len(self.runs) / 2
        return {
            path: (self.about[path], _middle(group_list))
            for path, group_list in self.steps.items()
            if len(group_list) >= half
        }


def _middle(found: Sequence[Group]) -> Group:
    def of(values: list[float | None]) -> float | None:
        return median(of_late(values))

    statuses = [group.status for group in found]
    return Group(
        count=round(of([group.count for group in found]) or 0),
        status=max(WORST_FIRST, key=statuses.count),
        duration_ms=of([group.duration_ms for group in found]),
        max_ms=of([group.max_ms for group in found]),
        retries=round(of([group.retries for group in found]) or 0),
        output_bytes=of([group.output_bytes for group in found]),
        cost_usd=of([group.cost_usd for group in found]),
    )
