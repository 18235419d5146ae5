"""Success, time and cost of the runs that share a value: a version, a model, a tag or a host."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from msgspec import Struct

from one_trace.analyse.failure_patterns import wilson
from one_trace.analyse.quantiles import median

FEW = 10
"""With fewer runs that ended, Wilson's interval of the rate is half of all rates wide: too few to compare."""

RunFigures = tuple[str, str, float | None, float | None]
"""Start, status, duration in ms and cost in US dollars of a run."""


class RunGroup(Struct, rename="camel", kw_only=True):
    """The runs with one value; null: those where it is unknown.

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
    by: str, flow_key: str, project: str | None, value: str | None, runs: Sequence[RunFigures]
) -> RunGroup:
    """The figures of runs, oldest first."""
    statuses = [status for _, status, _, _ in runs]
    succeeded, failed = statuses.count("success"), statuses.count("error")
    ended = succeeded + failed
    low, high = wilson(succeeded, ended)
    costs = [cost for _, _, _, cost in runs if cost is not None]
    return RunGroup(
        by=by,
        value=value,
        flow_key=flow_key,
        project=project,
        runs=len(runs),
        succeeded=succeeded,
        failed=failed,
        success_rate=succeeded / ended if ended else None,
        rate_low=low,
        rate_high=high,
        too_few=ended < FEW,
        p50_ms=median([ms for _, status, ms, _ in runs if status == "success" and ms is not None]),
        cost_usd=fsum(costs) if costs else None,
        cost_usd_per_run=fsum(costs) / len(costs) if costs else None,
        first_run_at=runs[0][0],
        last_run_at=runs[-1][0],
    )
