"""How a figure went over the runs of a flow: a sparkline's points and the last change (see `changes`)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from one_trace.analyse.changes import FEWEST, LEAST_MS, last_change, last_rate_change
from one_trace.analyse.figures import median, quantile, unpack
from one_trace.analyse.history import RunFacts, StepHistory

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


def of_durations(runs: Sequence[RunFacts]) -> Trend:
    """The trend of a flow's durations in ms."""
    parts = [
        [run.duration_ms for run in runs[start:end] if run.duration_ms is not None]
        for start, end in slices(len(runs))
    ]
    measured = [
        (place, run.duration_ms)
        for place, run in enumerate(runs)
        if run.status == "success" and run.duration_ms is not None
    ]
    return _trend([median(part) for part in parts], measured, runs)


def of_step(step: StepHistory, runs: Sequence[RunFacts]) -> tuple[list[float], Trend]:
    """All durations of a step's spans in ms, ascending, and the trend of their mean in each run."""
    packed = step.series.durations
    parts = [unpack(packed[start:end]) for start, end in slices(len(packed))]
    durations = [value for part in parts for value in part]
    # The parts are sorted runs, and merging sorted runs is what Python's sort is best at.
    durations.sort()
    return durations, _trend([quantile(part, 0.5) for part in parts], step.means(), runs)


def of_outcomes(runs: Sequence[RunFacts]) -> OutcomeChange | None:
    """The last change of the part of runs that failed."""
    ended = [run for run in runs if run.status in ("success", "error")]
    found = last_rate_change([run.status == "error" for run in ended])
    if found is None:
        return None
    first = ended[found.since]
    return OutcomeChange(
        since=first.started_at,
        since_version=first.version,
        failed_before=found.failed_before,
        runs_before=found.runs_before,
        failed=found.failed,
        runs=found.runs,
    )


def _trend(
    values: list[float | None], measured: Sequence[tuple[int, float]], runs: Sequence[RunFacts]
) -> Trend:
    too_few = len(measured) < FEWEST
    found = last_change([value for _, value in measured], least=LEAST_MS)
    if found is None:
        return Trend(values=values, too_few=too_few)
    first = runs[measured[found.since][0]]
    return Trend(
        values=values,
        recent=found.now,
        before=found.before,
        change=found.ratio,
        delta=found.now - found.before,
        since=first.started_at,
        since_version=first.version,
        too_few=too_few,
    )
