"""Success, time and cost of the runs that share a value: a version, a model, a tag or a host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum

from msgspec import Struct

from one_trace.analyse.failure_patterns import wilson
from one_trace.analyse.quantiles import median
from one_trace.errors import WrongUsage

FEW = 10
"""With fewer runs that ended, Wilson's interval of the rate is half of all rates wide: too few to compare."""

RunFigures = tuple[str, str, float | None, float | None]
"""Start, status, duration in ms and cost in US dollars of a run."""


RunRow = tuple[str, str | None, str | None, RunFigures]
"""Flow, project, value and figures of a run."""
_KINDS = ("version", "model", "host")


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


def parse_by(by: str) -> tuple[str, str]:
    """What runs are grouped by, and the key of a tag. Raises WrongUsage."""
    kind, colon, key = by.partition(":")
    if by in _KINDS or (kind == "tag" and colon and key):
        return kind, key
    raise WrongUsage(f"runs cannot be grouped by '{by}'", hint="Use version, model, host or tag:KEY.")


def models_value(names: Iterable[str]) -> str | None:
    """The models of a run as a value of ``--by model``."""
    return " + ".join(sorted(names)) or None


def groups_of(by: str, rows: Iterable[RunRow]) -> list[RunGroup]:
    """The groups of each flow, by their first runs. `rows`: by flow, oldest run first."""
    by_value: dict[tuple[str, str | None, str | None], list[RunFigures]] = {}
    for flow, project, value, figures in rows:
        by_value.setdefault((flow, project, value), []).append(figures)
    return [group(by, *key, figures) for key, figures in by_value.items()]


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
