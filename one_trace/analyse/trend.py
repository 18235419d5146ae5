"""How a figure went over the runs of a flow: a sparkline's points and the last change (see `changes`)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from one_trace.analyse.changes import FEWEST, LEAST_MS, last_change, last_rate_change
from one_trace.analyse.history import RunSummary, StepHistory
from one_trace.analyse.quantiles import median, quantile, unpack

POINTS = 12
"""Of a sparkline: as many as fit beside a row of figures on 100 columns."""


class Trend(Struct, rename="camel", frozen=True, kw_only=True):
    """How a figure went over the runs, oldest first.

    `values` has at most 12 points, each the median of consecutive runs (null: nothing was measured in them).
    `before` and `recent` are the medians before and since the last change, which began with the run that
    started at `since`; `change` is ``recent / before - 1`` (null where `before` is 0), `delta` is
    ``recent - before``. All are null where nothing changed. `tooFew`: fewer than 10 runs, too few to find a
    change. Only runs in which the step (or flow) succeeded, at the first attempt, are compared.
    """

    values: list[float | None] = []
    recent: float | None = None
    before: float | None = None
    change: float | None = None
    delta: float | None = None
    since: str | None = None
    since_version: str | None = None
    too_few: bool = True


class OutcomeChange(Struct, rename="camel", frozen=True, kw_only=True):
    """The last change of a flow's failure rate: failed runs of those that succeeded or failed, before and
    since the run that started at `since`."""

    since: str
    since_version: str | None
    failed_before: int
    runs_before: int
    failed: int
    runs: int


def slices(count: int, wanted: int = POINTS) -> list[tuple[int, int]]:
    """At most `wanted` even parts of `count` things in order: (from, to) each."""
    parts = min(count, wanted)
    return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def of_durations(runs: Sequence[RunSummary]) -> Trend:
    """The trend of a flow's durations in ms."""
    parts = [
        [run.duration_ms for run in runs[start:end] if run.duration_ms is not None]
        for start, end in slices(len(runs))
    ]
    indexes = [i for i, run in enumerate(runs) if run.status == "success" and run.duration_ms is not None]
    return _trend(
        [median(part) for part in parts], indexes, [runs[i].duration_ms or 0.0 for i in indexes], runs
    )


def of_step(step: StepHistory, runs: Sequence[RunSummary]) -> tuple[list[float], Trend]:
    """All durations of a step's spans in ms, ascending, and the trend of their mean in each run."""
    packed = step.series.durations
    parts = [unpack(packed[start:end]) for start, end in slices(len(packed))]
    durations = [value for part in parts for value in part]
    # The parts are sorted runs, and merging sorted runs is what Python's sort is best at.
    durations.sort()
    indexes, means = step.clean(step.series.mean_ms)
    return durations, _trend([quantile(part, 0.5) for part in parts], indexes, means, runs)


def of_outcomes(runs: Sequence[RunSummary]) -> OutcomeChange | None:
    """The last change of the part of runs that failed."""
    ended = [run for run in runs if run.status in ("success", "error")]
    change = last_rate_change([run.status == "error" for run in ended])
    if change is None:
        return None
    first = ended[change.since]
    return OutcomeChange(
        since=first.started_at,
        since_version=first.version,
        failed_before=change.failed_before,
        runs_before=change.runs_before,
        failed=change.failed,
        runs=change.runs,
    )


def _trend(
    points: list[float | None], indexes: Sequence[int], values: Sequence[float], runs: Sequence[RunSummary]
) -> Trend:
    too_few = len(values) < FEWEST
    change = last_change(values, least=LEAST_MS)
    if change is None:
        return Trend(values=points, too_few=too_few)
    first = runs[indexes[change.since]]
    return Trend(
        values=points,
        recent=change.now,
        before=change.before,
        change=change.ratio,
        delta=change.now - change.before,
        since=first.started_at,
        since_version=first.version,
        too_few=too_few,
    )
