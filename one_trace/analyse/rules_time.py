"""Rules about time, output and cost: slow, slower, output-grows, expensive, cost-grows, wasted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum
from typing import NamedTuple

import msgspec

from one_trace.analyse.changes import LEAST_MS, LEAST_USD, Change, last_change
from one_trace.analyse.failure_patterns import classify
from one_trace.analyse.findings import Evidence, Finding, FlowProfile, Since, Size, ratio
from one_trace.analyse.history import StepHistory
from one_trace.analyse.stats import StepStats

SLOW_SHARE = 0.25
SLOWER = 0.2
GROWTH = 0.5
GROWTH_BYTES = 1_000
GROWTH_WEIGHT = 0.02
"""Growing outputs are a problem to come: they rank below what costs today."""
EXPENSIVE_SHARE = 0.4
COST_GROWTH = 0.2
WASTED_SHARE = 0.05
WASTED_RUNS = 2

_FASTER = {
    "action": "Ask the API for less (filters, page size), or cache what seldom changes.",
    "paginate": "Ask for fewer or larger pages, or only for what is new since the last run.",
    "bash": "Find out what the command waits for; run it in a parallel block if it needs no earlier step.",
    "code": "Profile the code; move calls that wait for others into steps of a parallel block.",
    "flow": "See the findings of the sub-flow.",
}
_LLM = "Use a smaller model, a shorter prompt or fewer turns; run independent calls in parallel."


def slow(flow: FlowProfile) -> Iterator[Finding]:
    """A step without children that runs for a quarter of the flow's time or more. Saving: half of the time
    that the runs waited for it."""
    for step, _ in flow.leaves:
        share = step.share or 0.0
        if share < SLOW_SHARE or not step.runs:
            continue
        waited = min(flow.critical.get(step.path, share), share)
        yield Finding(
            rule="slow",
            path=step.path,
            title=f"{step.step_id} takes {share:.0%} of the flow's time",
            evidence={
                "runs": step.runs,
                "count": step.count,
                "share": share,
                "criticalShare": waited,
                "p50Ms": step.p50_ms,
                "p95Ms": step.p95_ms,
            },
            size=Size(seconds_per_run=waited * flow.flow_ms / 2000),
            score=waited / 2,
            suggestion=_LLM
            if step.cost_usd
            else _FASTER.get(step.type or "", "Let it do less, or run it in parallel with other steps."),
        )


def slower(flow: FlowProfile) -> Iterator[Finding]:
    """A step that takes longer than it did, by a fifth or more; failed and retried attempts do not count.
    Saving: the difference."""
    for growth in _growths(flow, "mean_ms", LEAST_MS, SLOWER):
        step, change, since = growth.step, growth.change, growth.since
        per_run = (change.now - change.before) * step.count / step.runs
        before = flow.history.runs[growth.indexes[change.since - 1]].run_id
        yield Finding(
            rule="slower",
            path=step.path,
            title=f"{step.step_id} takes {_more(change, 'Ms', 'longer')}"
            + (f", rising since {since.at}" if change.gradual else f" since {since}"),
            evidence=growth.evidence("Ms"),
            size=Size(seconds_per_run=min(per_run, flow.flow_ms) / 1000),
            score=ratio(per_run, flow.flow_ms),
            suggestion="Find out what changed then: 'one trace diff' of a run before and one after it"
            f" ({before} FLOW@last).",
        )


def output_grows(flow: FlowProfile) -> Iterator[Finding]:
    """A step whose output is larger than it was, by half or more."""
    for growth in _growths(flow, "output_bytes", GROWTH_BYTES, GROWTH):
        step, change = growth.step, growth.change
        yield Finding(
            rule="output-grows",
            path=step.path,
            title=f"the output of {step.step_id} is {_more(change, 'Bytes', 'larger')}"
            f" since {growth.since.at}",
            evidence=growth.evidence("Bytes"),
            size=Size(bytes_per_run=change.now - change.before),
            score=GROWTH_WEIGHT * min(change.ratio or 2.0, 2.0),
            suggestion="Output only what later steps read: the whole state is written after every step.",
        )


def expensive(flow: FlowProfile) -> Iterator[Finding]:
    """A step that takes two fifths of the flow's cost or more. Saving: half of it."""
    for step, _ in flow.leaves:
        cost = step.cost_usd or 0.0
        share = ratio(cost, flow.stats.cost_usd or 0)
        if share < EXPENSIVE_SHARE:
            continue
        yield Finding(
            rule="expensive",
            path=step.path,
            title=f"{step.step_id} takes {share:.0%} of the flow's cost",
            evidence={"runs": step.runs, "calls": step.count, "share": share, "costUsd": cost},
            size=Size(dollars_per_run=cost / flow.runs / 2),
            score=share / 2,
            suggestion="Try a smaller model, shorten its input, or skip inputs that have not changed.",
        )


def cost_grows(flow: FlowProfile) -> Iterator[Finding]:
    """A step that costs more per run than it did, by a fifth or more. Saving: the difference."""
    for growth in _growths(flow, "cost_usd", LEAST_USD, COST_GROWTH):
        step, change = growth.step, growth.change
        before, after = _models_around(growth)
        switched = bool(before and after and before != after)
        saved = change.now - change.before
        yield Finding(
            rule="cost-grows",
            path=step.path,
            title=f"{step.step_id} costs {_more(change, 'Usd', 'more')} since {growth.since}"
            + (f", with {after} instead of {before}" if switched else ""),
            evidence={**growth.evidence("Usd"), "modelBefore": before, "modelNow": after},
            size=Size(dollars_per_run=saved),
            score=ratio(saved, flow.flow_usd),
            suggestion=f"If {before} did as well, use it again: 'one trace stats FLOW --by model'."
            if switched
            else "See whether its input grows (trace stats, OUT of the steps before it), and shorten it.",
        )


def wasted(flow: FlowProfile) -> Iterator[Finding]:
    """A twentieth of the flow's cost or more spent in runs that failed, as long as runs fail."""
    ended = [run for run in flow.history.runs if run.status in ("success", "error")]
    failed = [run for run in ended if run.status == "error" and run.cost_usd]
    cost = fsum(run.cost_usd or 0.0 for run in failed)
    share = ratio(cost, flow.stats.cost_usd or 0)
    pattern = classify([run.status == "error" for run in ended], [run.version for run in ended])
    if share < WASTED_SHARE or len(failed) < WASTED_RUNS or pattern.kind not in ("broken", "flaky"):
        return
    yield Finding(
        rule="wasted",
        path=flow.history.flow_key,
        title=f"{share:.0%} of the cost was spent in runs that failed",
        evidence={
            "runs": len(failed),
            "costUsd": cost,
            "share": share,
            "runIds": [run.run_id for run in failed[:-4:-1]],
        },
        size=Size(dollars_per_run=cost / flow.runs),
        score=share,
        suggestion="Check what can fail before the calls that cost; resume failed runs (one flow resume).",
    )


class _Growth(NamedTuple):
    """A figure of a step that is larger than it was; `indexes` are those of its values."""

    step: StepStats
    history: StepHistory
    indexes: list[int]
    change: Change
    since: Since

    def evidence(self, unit: str) -> Evidence:
        medians: list[float | None] = [level.median for level in self.change.levels]
        return {
            "runs": len(self.indexes),
            f"before{unit}": self.change.before,
            f"recent{unit}": self.change.now,
            "change": self.change.ratio,
            f"delta{unit}": self.change.now - self.change.before,
            f"values{unit}": medians,
            "gradual": int(self.change.gradual),
            **self.since.evidence(),
        }


def _growths(flow: FlowProfile, column: str, least: float, smallest: float) -> Iterator[_Growth]:
    for step, history in flow.leaves:
        indexes, values = history.clean(getattr(history.series, column))
        change = last_change(values, least=least, smallest=smallest)
        if change is not None and change.now > change.before:
            yield _Growth(step, history, indexes, change, flow.since(indexes[change.since]))


def _models_around(growth: _Growth) -> tuple[str | None, str | None]:
    """The models that most runs used before a change and since."""
    series, since = growth.history.series, growth.change.since
    names = dict(zip(series.runs, series.models, strict=False))
    start = next(level.start for level in growth.change.levels if level.end >= since)
    return _most_common(names, growth.indexes[start:since]), _most_common(names, growth.indexes[since:])


def _most_common(names: dict[int, str | None], indexes: Sequence[int]) -> str | None:
    known = [name for index in indexes if (name := names.get(index))]
    most = max(sorted(set(known)), key=known.count, default=None)
    return None if most is None else " + ".join(msgspec.json.decode(most, type=list[str])) or None


def _more(change: Change, unit: str, comparative: str) -> str:
    """``43% longer``; without a value before, the value itself."""
    if change.ratio is not None:
        return f"{change.ratio:.0%} {comparative}"
    now = f"${change.now:.4g}" if unit == "Usd" else f"{change.now:,.0f} {unit.lower()}"
    return f"{now}, up from nothing,"
