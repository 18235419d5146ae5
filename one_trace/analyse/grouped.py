"""Success, time and cost of runs that have one value in common: a version, a model, a tag, a host."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from msgspec import Struct

from one_trace.analyse.figures import quantile
from one_trace.analyse.sequence import wilson

FEW = 10
"""With fewer runs that ended, the interval of the rate is half of all rates wide: too few to compare."""
_ENDED = ("success", "error")


class Grouped(Struct, rename="camel", kw_only=True):
    """The runs that have one value in common; null: those of which it is not known.

    `successRate` is of the runs that succeeded or failed, with Wilson's 95 % interval; `tooFew`: fewer than
    ten of them.
    """

    by: str
    value: str | None
    flow_key: str
    project: str | None = None
    runs: int = 0
    succeeded: int = 0
    failed: int = 0
    success_rate: float | None = None
    rate_low: float = 0.0
    rate_high: float = 1.0
    too_few: bool = True
    p50_ms: float | None = None
    cost_usd: float | None = None
    cost_usd_per_run: float | None = None
    first_run_at: str
    last_run_at: str


def group(
    by: str,
    key: str,
    project: str | None,
    value: str | None,
    rows: Sequence[tuple[str, str, float | None, float | None]],
) -> Grouped:
    """The figures of runs (start, status, duration in ms, cost in US dollars), oldest first."""
    good, bad = (sum(status == wanted for _, status, _, _ in rows) for wanted in _ENDED)
    low, high = wilson(good, good + bad)
    times = sorted(ms for _, status, ms, _ in rows if status == "success" and ms is not None)
    costs = [cost for _, _, _, cost in rows if cost is not None]
    return Grouped(
        by=by,
        value=value,
        flow_key=key,
        project=project,
        runs=len(rows),
        succeeded=good,
        failed=bad,
        success_rate=good / (good + bad) if good + bad else None,
        rate_low=low,
        rate_high=high,
        too_few=good + bad < FEW,
        p50_ms=quantile(times, 0.5),
        cost_usd=fsum(costs) if costs else None,
        cost_usd_per_run=fsum(costs) / len(costs) if costs else None,
        first_run_at=rows[0][0],
        last_run_at=rows[-1][0],
    )
