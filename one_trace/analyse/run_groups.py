"""Success, time and cost of the runs that share a value: a version, a model, a tag, a host, a repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum
from typing import Literal

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
KINDS = ("version", "model", "host", "machine", "executor", "repository", "tag:KEY")
"""What runs can be grouped by. `executor`: One CLI or the built-in runner, with its version. `machine`: where
they ran. `host`: see `Meaning`."""
Meaning = Literal["executor", "machine"]
"""What a host is: in the store of one machine the executor (One CLI, which one-trace calls its host), in a
team's history the machine (OpenTelemetry's `host.name`)."""


class RunGroup(Struct, rename="camel", kw_only=True):
    """The runs with one value; null: those where it is unknown.

    `means`: of a host, what it is in this history. `successRate` is of the runs that succeeded or failed,
    with Wilson's 95 % interval; `tooFew`: fewer than ten of them.
    """

    by: str
    means: Meaning | None = None
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


def parse_by(by: str, *others: str) -> tuple[str, str]:
    """What runs are grouped by, and the key of a tag. Raises WrongUsage; `others`: words that would do."""
    kind, colon, key = by.partition(":")
    if by in KINDS[:-1] or (kind == "tag" and colon and key):
        return kind, key
    words = ", ".join((*others, *KINDS[:-1]))
    raise WrongUsage(f"runs cannot be grouped by '{by}'", hint=f"Use {words} or tag:KEY.")


def models_value(names: Iterable[str]) -> str | None:
    """The models of a run as a value of ``--by model``."""
    return " + ".join(sorted(names)) or None


def groups_of(by: str, rows: Iterable[RunRow], means: Meaning | None = None) -> list[RunGroup]:
    """The groups of each flow, by their first runs. `rows`: by flow, oldest run first. `means`: of a host."""
    by_value: dict[tuple[str, str | None, str | None], list[RunFigures]] = {}
    for flow, project, value, figures in rows:
        by_value.setdefault((flow, project, value), []).append(figures)
    found = [group(by, *key, figures) for key, figures in by_value.items()]
    for each in found:
        each.means = means if by == "host" else None
    return found


class ValueRuns(Struct, rename="camel", kw_only=True):
    """The runs of all flows with one value; null: those where it is unknown. `means`: see `RunGroup`."""

    by: str
    means: Meaning | None = None
    value: str | None
    runs: int
    succeeded: int
    failed: int
    flows: list[str]
    first_run_at: str
    last_run_at: str
    cost_usd: float | None = None


def across_flows(groups: Iterable[RunGroup]) -> list[ValueRuns]:
    """The groups of all flows together, that of the newest run first."""
    by_value: dict[str | None, list[RunGroup]] = {}
    for each in groups:
        by_value.setdefault(each.value, []).append(each)
    found = [_together(value, each) for value, each in by_value.items()]
    found.sort(key=lambda each: each.value or "")
    return sorted(found, key=lambda each: each.last_run_at, reverse=True)


def _together(value: str | None, groups: Sequence[RunGroup]) -> ValueRuns:
    costs = [each.cost_usd for each in groups if each.cost_usd is not None]
    return ValueRuns(
        by=groups[0].by,
        means=groups[0].means,
        value=value,
        runs=sum(each.runs for each in groups),
        succeeded=sum(each.succeeded for each in groups),
        failed=sum(each.failed for each in groups),
        flows=sorted({each.flow_key for each in groups}),
        first_run_at=min(each.first_run_at for each in groups),
        last_run_at=max(each.last_run_at for each in groups),
        cost_usd=fsum(costs) if costs else None,
    )


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
