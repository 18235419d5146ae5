"""One run with one entry for each step, all its iterations together: what two runs are compared by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from one_trace.analyse.changes import LEAST_MS, LEAST_USD, last_change
from one_trace.analyse.quantiles import median, quantile
from one_trace.model.trace import WORST_FIRST, SpanStatus, Trace, worst
from one_trace.model.tree import below, paths_within

ENOUGH = 5
"""Fewer past runs are too few to say what is usual."""
MOST_PAST_RUNS = 50
"""What was usual long ago is not usual now."""
LEAST_BYTES = 100
_SIGMA = 1.4826
"""Times the median absolute deviation: the standard deviation of a normal distribution."""
_SIGMAS = 3.0


class StepRun(Struct, rename="camel", kw_only=True):
    """All spans of one step in one run: the worst status, the sum of their durations."""

    count: int = 0
    status: SpanStatus = "skipped"
    duration_ms: float | None = None
    max_ms: float | None = None
    retries: int = 0
    output_bytes: float | None = None
    cost_usd: float | None = None


class Usual(Struct, rename="camel", frozen=True, kw_only=True):
    """What a figure was in past runs: the median, and the range in which it varies by chance.

    The range is p5 to p95, widened to the median plus and minus three standard deviations (estimated from the
    median absolute deviation, which a few outliers do not move).
    """

    runs: int
    p50: float
    low: float
    high: float

    def explains(self, value: float) -> bool:
        return self.low <= value <= self.high


class StepRef(NamedTuple):
    """A step by its path below the root flow's key, so that runs of two flows can be compared."""

    path: str
    step_id: str
    type: str


Steps = dict[str, tuple[StepRef, StepRun]]
"""By path below the root flow's key."""


class UsualStep(NamedTuple):
    """What is usual of one step; None where too few past runs are known."""

    ms: Usual | None = None
    bytes: Usual | None = None
    usd: Usual | None = None


class Typical(NamedTuple):
    """The median run, of so many."""

    runs: int
    duration_ms: float | None
    cost_usd: float | None
    usual_ms: Usual | None


class Known(Protocol):
    """What is known of past runs: the runs themselves, or a baseline made of them."""

    def typical_run(self) -> Typical: ...
    def typical(self) -> Steps: ...
    def usual_step(self, path: str) -> UsualStep: ...


class PastRuns(Struct, kw_only=True):
    """The successful runs of a flow before the run in question, oldest first."""

    runs: list[float] = []
    """Durations in ms."""
    costs: list[float] = []
    steps: dict[str, list[StepRun]] = {}
    """By path below the root flow's key, one for each run in which the step occurred."""
    refs: dict[str, StepRef] = {}

    def typical_run(self) -> Typical:
        return Typical(
            runs=len(self.runs),
            duration_ms=median(since_last_change(self.runs, LEAST_MS)),
            cost_usd=median(since_last_change(self.costs, LEAST_USD)),
            usual_ms=usual(self.runs, LEAST_MS),
        )

    def typical(self) -> Steps:
        """The median of each step that occurs in at least half of the runs."""
        half = len(self.runs) / 2
        return {
            path: (self.refs[path], self.median_of(path))
            for path, runs in self.steps.items()
            if len(runs) >= half
        }

    def median_of(self, path: str) -> StepRun:
        """The median of a step in the runs in which it occurs."""
        return _median_of(self.steps[path])

    def usual_step(self, path: str) -> UsualStep:
        runs = self.steps.get(path, [])
        return UsualStep(
            ms=usual([run.duration_ms for run in runs], LEAST_MS),
            bytes=usual([run.output_bytes for run in runs], LEAST_BYTES),
            usd=usual([run.cost_usd for run in runs], LEAST_USD),
        )


class PastStep(NamedTuple):
    """One step in one past run: `skipped`, `error`, `timeout` and `spans` are numbers of spans."""

    flow: str
    path: str
    step_id: str
    type: str
    skipped: int
    error: int
    timeout: int
    spans: int
    duration_ms: float | None
    max_ms: float | None
    retries: int
    output_bytes: int | None
    cost_usd: float | None

    @property
    def status(self) -> SpanStatus:
        if self.error:
            return "error"
        if self.timeout:
            return "timeout"
        return "skipped" if self.skipped == self.spans else "success"


def past_runs(runs: Iterable[tuple[float, float | None]], steps: Iterable[PastStep]) -> PastRuns:
    """Past runs from their durations and costs, and from their steps, oldest run first."""
    figures = list(runs)
    past = PastRuns(
        runs=[duration for duration, _ in figures],
        costs=[cost for _, cost in figures if cost is not None],
    )
    for step in steps:
        path = step.path[len(below(step.flow, "")) :]
        past.refs[path] = StepRef(path, step.step_id, step.type)
        past.steps.setdefault(path, []).append(
            StepRun(
                count=step.spans,
                status=step.status,
                duration_ms=step.duration_ms,
                max_ms=step.max_ms,
                retries=step.retries,
                output_bytes=step.output_bytes,
                cost_usd=step.cost_usd,
            )
        )
    return past


def steps_of(trace: Trace) -> Steps:
    """The steps of a run, by their first start."""
    steps: Steps = {}
    paths = paths_within(trace.spans)
    for span in trace.spans:
        path = paths[span.span_id]
        if path not in steps:
            steps[path] = (StepRef(path, span.step_id, span.type), StepRun(status=span.status))
        step = steps[path][1]
        step.count += 1
        step.retries += span.retries
        step.status = worst((span.status, step.status))
        step.duration_ms = _plus(step.duration_ms, span.duration_ms)
        if span.duration_ms is not None:
            step.max_ms = max(step.max_ms or 0.0, span.duration_ms)
        step.output_bytes = _plus(step.output_bytes, span.output_bytes)
        step.cost_usd = _plus(step.cost_usd, span.usage.cost_usd if span.usage else None)
    return steps


def since_last_change(values: Sequence[float | None], least: float) -> list[float]:
    """The known ones of past values, oldest first, since the last change by at least `least`."""
    known = [value for value in values if value is not None]
    change = last_change(known, least=least)
    return known[change.since :] if change and len(known) - change.since >= ENOUGH else known


def usual(values: Sequence[float | None], least: float) -> Usual | None:
    """What is usual of a figure of past runs since its last change: a rise would otherwise explain itself.
    None if they are too few."""
    ordered = sorted(since_last_change(values, least))
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


def _plus(known: float | None, more: float | None) -> float | None:
    """A sum that ignores unknown values."""
    if known is None or more is None:
        return more if known is None else known
    return known + more


def _median_of(runs: Sequence[StepRun]) -> StepRun:
    def middle(name: str, least: float) -> float | None:
        return median(since_last_change([getattr(run, name) for run in runs], least))

    statuses = [run.status for run in runs]
    return StepRun(
        count=round(middle("count", 1) or 0),
        status=max(WORST_FIRST, key=statuses.count),
        duration_ms=middle("duration_ms", LEAST_MS),
        max_ms=middle("max_ms", LEAST_MS),
        retries=round(middle("retries", 1) or 0),
        output_bytes=middle("output_bytes", LEAST_BYTES),
        cost_usd=middle("cost_usd", LEAST_USD),
    )
