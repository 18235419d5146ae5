"""LLM calls from the rows that a history has of them: what they used, and which are not counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from one_trace.analyse import prices
from one_trace.analyse.cost import CallUsage, Uncounted, add_tokens, summands
from one_trace.model.trace import ModelUsage, PartedUsage, PlannedStep
from one_trace.model.tree import Attempted, superseded

_USAGE_OPTIONS = {"codex": "--json", "opencode": "--format json"}
_FAILED = (
    "it failed, and the host keeps no output of a step that failed",
    "let it continue (onError: continue) and check its result in a later step",
)
_NO_USAGE = {
    "pipe": (
        "its output goes through another command, which drops the usage",
        "let the step print all of it ({options}), and pick the answer in a later step",
    ),
    "": ("its output contains no usage", "call it with {options}"),
}
CONTAINERS = ("condition", "loop", "while", "parallel", "flow")
"""Types of the steps whose attempts run other steps."""


class Calls(NamedTuple):
    """The LLM calls of some runs: how many runs there are, what their calls used, and which are not
    counted."""

    runs: int
    usages: Sequence[CallUsage]
    uncounted: Sequence[Uncounted]


class CallingRun(NamedTuple):
    """A run whose calls are counted. `failed`: or it never ended."""

    flow: str
    project: str | None
    day: str
    failed: bool


class Call(NamedTuple):
    """A span that has usage. `run`: its number among the runs. `step`: the static path, or what stands for
    it. `wasted`: see `wasted_spans`."""

    run: int
    step: object
    retries: int
    wasted: bool
    usage: PartedUsage


def calling_run(flow: str, project: str | None, started_at: str, status: str) -> CallingRun:
    return CallingRun(flow, project, _local_day(started_at), status in ("error", "incomplete"))


def _local_day(moment: str) -> str:
    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return moment[:10]


def usages(
    calls: Iterable[Call], runs: Mapping[int, CallingRun], paths: Mapping[object, str] | None = None
) -> list[CallUsage]:
    """What calls used: a row for each run, step and set of models. `paths`: the static path of each step,
    where the calls have its number instead."""
    rows: dict[tuple[object, ...], CallUsage] = {}
    for run, step, retries, wasted, usage in calls:
        models = tuple(usage.models)
        row = rows.get((run, step, models, wasted))
        if row is None:
            flow, project, day, failed = runs[run]
            row = rows[run, step, models, wasted] = CallUsage(
                runs=[run],
                flow=flow,
                project=project,
                path=str(step) if paths is None else paths[step],
                step=step if isinstance(step, int) else 0,
                day=day,
                run_failed=failed,
                retried=wasted,
                models=models,
            )
        _add(row, usage, retries)
        if prices.is_unpriced(usage):
            _estimate(row, usage)
    return list(rows.values())


def _add(row: CallUsage, usage: PartedUsage, retries: int) -> None:
    row.calls += 1
    row.retries += retries
    add_tokens(row, usage)
    row.turns += usage.turns
    cost = usage.cost_usd
    if cost is not None:
        row.costs.append(cost)
        if retries:
            row.retry_costs.append(cost * retries)
    for name, part in usage.per_model.items():
        add_tokens(row.per_model.setdefault(name, ModelUsage()), part)
        if part.cost_usd is not None:
            row.model_costs.setdefault(name, []).append(part.cost_usd)


def _estimate(row: CallUsage, usage: PartedUsage) -> None:
    estimates = prices.estimate(usage, row.day)
    row.unpriced += 1
    row.estimated_calls += bool(estimates)
    for model, cost in estimates.items():
        row.estimates.setdefault(model, []).append(cost)


def merged(usages: Iterable[CallUsage]) -> list[CallUsage]:
    """Fewer rows with the same figures: those of several runs of a flow on one day, where all else is the
    same."""
    rows: dict[tuple[object, ...], CallUsage] = {}
    for one in usages:
        key = (one.flow, one.project, one.path, one.step, one.day, one.run_failed, one.retried, one.models)
        if key in rows:
            _merge(rows[key], one)
        else:
            rows[key] = one
    for row in rows.values():
        row.costs, row.retry_costs = summands(row.costs), summands(row.retry_costs)
        row.model_costs = {name: summands(costs) for name, costs in row.model_costs.items()}
        row.estimates = {name: summands(costs) for name, costs in row.estimates.items()}
    return list(rows.values())


def _merge(row: CallUsage, other: CallUsage) -> None:
    add_tokens(row, other)
    for name in ("calls", "turns", "retries", "unpriced", "estimated_calls"):
        setattr(row, name, getattr(row, name) + getattr(other, name))
    row.runs += other.runs
    row.costs += other.costs
    row.retry_costs += other.retry_costs
    for name, part in other.per_model.items():
        add_tokens(row.per_model.setdefault(name, ModelUsage()), part)
    for costs, more in ((row.model_costs, other.model_costs), (row.estimates, other.estimates)):
        for name, values in more.items():
            costs[name] = costs.get(name, []) + values


def wasted_spans(rows: Iterable[tuple[int, *Attempted]]) -> dict[int, set[str]]:
    """By run: its `superseded` spans. `rows`: the run and its spans, run by run, parents before their
    children, of runs in which a container was retried."""
    return {run: superseded(row[1:] for row in spans) for run, spans in groupby(rows, itemgetter(0))}


def uncounted(
    calling: Mapping[tuple[str, str], PlannedStep], rows: Iterable[tuple[str, str, int, int, int]]
) -> list[Uncounted]:
    """The executions without usage of steps that call an agent according to their flow file. `calling`: these
    steps by flow and static path. `rows`: flow, path, spans that were executed, those of them that failed or
    never ended, those that have usage."""
    missing = []
    for flow, path, executed, failed, counted in rows:
        step = calling.get((flow, path))
        if step is None or step.calls is None:
            continue
        options = _USAGE_OPTIONS.get(step.calls, "--output-format json")
        without = max(executed - counted, 0)
        of_failed = min(failed, without)
        no_usage = _NO_USAGE.get(step.loses or "", _NO_USAGE[""])
        for calls, (why, fix) in ((of_failed, _FAILED), (without - of_failed, no_usage)):
            if calls:
                fix = fix.format(options=options)
                missing.append(
                    Uncounted(flow=flow, path=path, tool=step.calls, calls=calls, why=why, fix=fix)
                )
    return sorted(missing, key=lambda each: (-each.calls, each.flow, each.path))
