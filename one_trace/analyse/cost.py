"""What LLM calls used, by flow, step, model and day, and how much of it was wasted.

Pure functions of `CallUsage` rows; `calls` makes them of what a history has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from math import fsum

from msgspec import Struct
from msgspec.structs import replace

from one_trace.analyse.rounding import rounded
from one_trace.model.trace import ModelUsage

SCHEMA = "one-trace-cost/1"
NO_MODEL = "unknown"
_Key = tuple[str, str | None]
"""What calls are grouped by, and its project."""
SUMMED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "turns")


class CallUsage(Struct, kw_only=True, omit_defaults=True):
    """The calls of one step that used the same models, added up: those of one run, or of several runs of one
    day. Of money there are summands with exactly its sum, so that any grouping gives the same figures."""

    runs: list[int]
    """The history's own numbers of the runs."""
    flow: str
    project: str | None = None
    """The folder of the run."""
    path: str = ""
    step: int = 0
    """The history's own number of the step, if it has one."""
    day: str = ""
    """Of the run's start, in local time."""
    run_failed: bool = False
    retried: bool = False
    """Made in an attempt of a container that was followed by another."""
    models: tuple[str, ...] = ()
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    turns: int = 0
    costs: list[float] = []
    """Empty if no call reported its cost."""
    retries: int = 0
    retry_costs: list[float] = []
    """An estimate: each attempt cost as much as the last one, the only one whose cost is known."""
    per_model: dict[str, ModelUsage] = {}
    """The tokens of each of several models, if known."""
    model_costs: dict[str, list[float]] = {}
    """And what they cost, if that is known."""
    unpriced: int = 0
    """Calls that reported tokens but no cost."""
    estimated_calls: int = 0
    estimates: dict[str, list[float]] = {}
    """By model: the estimated cost of such calls, in US dollars."""

    def by_model(self) -> list[CallUsage]:
        """One row for each model; turns, which are not known by model, are in the first."""
        return [
            replace(
                self,
                models=(name,),
                turns=0 if position else self.turns,
                estimates={key: costs for key, costs in self.estimates.items() if key == name},
                costs=self.model_costs.get(name, []),
                **{field: getattr(usage, field) for field in SUMMED[:-1]},
            )
            for position, (name, usage) in enumerate(self.per_model.items())
        ] or [self]


class Spent(Struct, rename="camel", kw_only=True):
    """Calls added up. `costUsd` is null if no call reported its cost; `share` is the part of the total.

    `unpriced` counts the calls that reported tokens but no cost. `estimatedUsd` is the cost of
    `estimatedCalls` of them at list prices, and not part of `costUsd`; null if no price is known.
    """

    key: str
    project: str | None = None
    """The folder of a flow or step; null for models and days, which are of all folders."""
    runs: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    turns: int = 0
    cost_usd: float | None = None
    share: float | None = None
    unpriced: int = 0
    estimated_calls: int = 0
    estimated_usd: float | None = None


class Waste(Struct, rename="camel", kw_only=True):
    """Calls without a use: of failed runs, and of attempts of containers that were retried (`givenUp`); they
    may overlap. `retriesUsd` is an estimate: only the last attempt of a retried call reports its cost.
    """

    failed_runs: Spent
    given_up: Spent
    retries: int = 0
    retries_usd: float = 0.0


class Uncounted(Struct, rename="camel", kw_only=True):
    """Executions of a step that calls an agent whose usage the record does not show."""

    flow: str
    path: str
    tool: str
    calls: int
    why: str
    fix: str


class CostDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace cost``. A call that used several models without reporting their parts counts for
    all of them together. `uncounted` are the steps that look like LLM calls without any usage.

    `flows`, `steps` and `models` are sorted by cost, highest first; `days` (of the run's start, in the
    reader's time, whose offset is `timeZone`) oldest first. `runs` counts all runs, also those without calls.
    """

    schema: str = SCHEMA
    flow: str | None = None
    project: str | None = None
    """Only runs of this folder (``--here``)."""
    since: str | None = None
    tags: dict[str, str] = {}
    """Only runs with these tags (``--tag``)."""
    time_zone: str = ""
    runs: int = 0
    total: Spent
    flows: list[Spent] = []
    steps: list[Spent] = []
    models: list[Spent] = []
    days: list[Spent] = []
    waste: Waste
    uncounted: list[Uncounted] = []


def document(
    usages: Sequence[CallUsage],
    *,
    runs: int,
    flow: str | None,
    since: str | None,
    project: str | None = None,
    uncounted: Sequence[Uncounted] = (),
) -> CostDocument:
    """The cost of calls; `runs` is the number of runs examined."""
    total = _sum("total", usages)

    def ranked(usages: Sequence[CallUsage], key: Callable[[CallUsage], _Key]) -> list[Spent]:
        groups = _grouped(usages, key, total)
        return sorted(groups, key=lambda spent: (-(spent.cost_usd or 0), -spent.output_tokens))

    return rounded(
        CostDocument(
            flow=flow,
            project=project,
            since=since,
            time_zone=datetime.now().astimezone().strftime("%z"),
            runs=runs,
            total=total,
            flows=ranked(usages, lambda usage: (usage.flow, usage.project)),
            steps=ranked(usages, lambda usage: (usage.path, usage.project)),
            models=ranked(
                [part for usage in usages for part in usage.by_model()],
                lambda usage: (" + ".join(usage.models) or NO_MODEL, None),
            ),
            days=_grouped(usages, lambda usage: (usage.day, None), total),
            waste=Waste(
                failed_runs=_sum("failedRuns", [usage for usage in usages if usage.run_failed], total),
                given_up=_sum("givenUp", [usage for usage in usages if usage.retried], total),
                retries=sum(usage.retries for usage in usages),
                retries_usd=fsum(cost for usage in usages for cost in usage.retry_costs),
            ),
            uncounted=list(uncounted),
        )
    )


def _grouped(usages: Sequence[CallUsage], key: Callable[[CallUsage], _Key], total: Spent) -> list[Spent]:
    """By key, in the order of the keys."""
    groups: dict[_Key, list[CallUsage]] = {}
    for usage in usages:
        groups.setdefault(key(usage), []).append(usage)
    ordered = sorted(groups, key=lambda each: (each[0], each[1] or ""))
    return [replace(_sum(name, groups[name, project], total), project=project) for name, project in ordered]


def _sum(key: str, usages: Sequence[CallUsage], total: Spent | None = None) -> Spent:
    spent, runs = Spent(key=key), set[int]()
    for usage in usages:
        runs.update(usage.runs)
        spent.calls += usage.calls
        spent.unpriced += usage.unpriced
        spent.estimated_calls += usage.estimated_calls
        add_tokens(spent, usage)
        spent.turns += usage.turns
    costs = [cost for usage in usages for cost in usage.costs]
    estimates = [cost for usage in usages for costs in usage.estimates.values() for cost in costs]
    spent.runs = len(runs)
    spent.cost_usd = cost = fsum(costs) if costs else None
    spent.estimated_usd = fsum(estimates) if estimates else None
    whole = cost if total is None else total.cost_usd
    spent.share = cost / whole if cost is not None and whole else None
    return spent


def add_tokens(
    total: Spent | CallUsage | ModelUsage, used: Spent | CallUsage | ModelUsage
) -> None:  # a loop over SUMMED takes four times as long, for each of millions of calls
    total.input_tokens += used.input_tokens
    total.output_tokens += used.output_tokens
    total.cache_read_tokens += used.cache_read_tokens
    total.cache_write_tokens += used.cache_write_tokens


def summands(values: Sequence[float]) -> list[float]:
    """A few numbers with exactly the sum of `values`; none if there are no values."""
    parts: list[float] = []
    while rest := fsum([*values, *(-part for part in parts)]):
        parts.append(rest)
    return parts or ([0.0] if values else [])
