"""Rules about time and output: slow, slower, sequential-loop, uneven-parallel, output-grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from one_trace.analyse.figures import Trend, median, monotony, quantile, split_recent, trend, unpack
from one_trace.analyse.findings import Action, Evidence, Facts, Finding, Size, part
from one_trace.analyse.history import StepHistory
from one_trace.analyse.sample import ABREAST, Block, Loop
from one_trace.analyse.stats import StepStats

SLOW_SHARE = 0.25
SLOWER = 0.25
SLOWER_MS = 10.0
"""Below this a change is the clock's."""
TREND_RUNS = 8
"""A trend is not believed with fewer runs."""
LOOP_SAVES = 0.05
UNEVEN = 2.0
GROWTH = 0.5
GROWTH_BYTES = 1_000
STEADY = 0.5
"""Kendall's tau from which on a series is said to rise, and not just to have ended high."""
GROWTH_WEIGHT = 0.02
"""What grows is trouble to come: it ranks below what costs today."""

_FASTER = {
    "action": "Ask the API for less (filters, page size), or keep what seldom changes.",
    "paginate": "Ask for fewer or larger pages, or only for what is new since the last run.",
    "bash": "See what the command waits for; run what needs no step before it in a parallel block.",
    "code": "Profile the code; move waiting on others into steps of a parallel block.",
    "flow": "See the sub-flow's own findings.",
}
_LLM = "Take a smaller model, a shorter prompt, fewer turns; run calls that need no other side by side."

_Run = TypeVar("_Run", Loop, Block)


def slow(facts: Facts) -> Iterator[Finding]:
    """A step without children that takes a quarter of the flow's time or more. Size: half of its time."""
    for step, history in facts.leaves():
        if (step.share or 0) < SLOW_SHARE or not step.runs:
            continue
        per_run = history.sum().self_ms / facts.runs
        yield Finding(
            rule="slow",
            path=step.path,
            title=f"{step.step_id} takes {min(step.share or 0, 1):.0%} of the flow's time",
            evidence={
                "runs": step.runs,
                "count": step.count,
                "share": step.share,
                "p50Ms": step.p50_ms,
                "p95Ms": step.p95_ms,
            },
            size=Size(seconds_per_run=min(per_run, facts.flow_ms) / 2000),
            score=part(per_run, facts.flow_ms) / 2,
            suggestion=_LLM
            if step.cost_usd
            else _FASTER.get(step.type or "", "Do less of it, or beside other steps."),
        )


def slower(facts: Facts) -> Iterator[Finding]:
    """A step whose last runs take over a quarter longer than those before, beyond what those varied by
    (their p75).
    """
    for step, history in facts.leaves():
        course = step.trend
        if course.change is None or course.change < SLOWER or step.runs < TREND_RUNS:
            continue
        rise = (course.recent or 0) - (course.before or 0)
        usual = _upper_quarter(history)
        if rise < SLOWER_MS or (course.recent or 0) <= usual:
            continue
        per_run = rise * step.count / step.runs
        yield Finding(
            rule="slower",
            path=step.path,
            title=f"{step.step_id} has become {course.change:.0%} slower",
            evidence={**_trend(step, course), "p75BeforeMs": usual},
            size=Size(seconds_per_run=per_run / 1000),
            score=part(per_run, facts.flow_ms),
            suggestion="Hold a run of before against one of now: one trace diff (FLOW@best FLOW@last).",
        )


def sequential_loop(facts: Facts) -> Iterator[Finding]:
    """A loop whose iterations run one after the other. Size: what five abreast, in batches, would save."""
    for path, runs in _by_path([loop for loop in facts.loops if loop.sequential]).items():
        saved = median([loop.total_ms - loop.concurrent_ms for loop in runs]) or 0
        if part(saved, facts.flow_ms) < LOOP_SAVES or saved < SLOWER_MS:
            continue
        iterations = median([len(loop.iterations) for loop in runs])
        name = _name(facts, path)
        yield Finding(
            rule="sequential-loop",
            path=path,
            title=f"{name} runs {iterations:.0f} iterations one after the other",
            evidence={
                "runs": len(runs),
                "iterations": iterations,
                "p50Ms": median([loop.total_ms for loop in runs]),
                "expectedMs": median([loop.concurrent_ms for loop in runs]),
                "runIds": [loop.run_id for loop in runs[:3]],
            },
            size=Size(seconds_per_run=saved / 1000),
            score=part(saved, facts.flow_ms),
            suggestion=f"If no iteration needs another's result, set loop.maxConcurrency to {ABREAST}.",
            action=Action(flow_key=runs[0].flow_key, step_id=name, set={"loop.maxConcurrency": ABREAST}),
        )


def uneven_parallel(facts: Facts) -> Iterator[Finding]:
    """A parallel block as slow as one branch, twice the next one or more. Size: down to the next one."""
    for path, runs in _by_path(facts.blocks).items():
        ordered = [sorted(block.branches.items(), key=lambda branch: -branch[1]) for block in runs]
        longest, second = (median([branches[place][1] for branches in ordered]) or 0 for place in (0, 1))
        saved = longest - second
        slowest = [branches[0][0] for branches in ordered]
        name = max(sorted(set(slowest)), key=slowest.count)
        if longest < UNEVEN * second or part(saved, facts.flow_ms) < LOOP_SAVES or saved < SLOWER_MS:
            continue
        yield Finding(
            rule="uneven-parallel",
            path=path,
            title=f"{_name(facts, path)} is as slow as its branch {name}",
            evidence={
                "runs": len(runs),
                "branch": name,
                "slowestInRuns": slowest.count(name),
                "p50Ms": median([block.total_ms for block in runs]),
                "longestMs": longest,
                "secondMs": second,
                "runIds": [block.run_id for block in runs[:3]],
            },
            size=Size(seconds_per_run=saved / 1000),
            score=part(saved, facts.flow_ms),
            suggestion=f"Split {name} into branches of its own, or start it earlier: the rest waits for it.",
        )


def output_grows(facts: Facts) -> Iterator[Finding]:
    """A step whose output has grown by half or more, steadily."""
    for step, history in facts.leaves():
        course = trend(history.series.output_bytes)
        if step.runs < TREND_RUNS or not rises(course, GROWTH) or (course.recent or 0) < GROWTH_BYTES:
            continue
        yield Finding(
            rule="output-grows",
            path=step.path,
            title=f"the output of {step.step_id} has grown by {course.change:.0%}",
            evidence={
                "runs": step.runs,
                "beforeBytes": course.before,
                "recentBytes": course.recent,
                "change": course.change,
                "valuesBytes": course.values,
            },
            size=Size(bytes_per_run=(course.recent or 0) - (course.before or 0)),
            score=GROWTH_WEIGHT * min(course.change or 0, 2.0),
            suggestion="Put out only what later steps read: the whole state is written after every step.",
        )


def rises(course: Trend, least: float) -> bool:
    """Whether a trend goes up by at least that part, and did not just end high."""
    return course.change is not None and course.change >= least and monotony(course.values) >= STEADY


def _upper_quarter(history: StepHistory) -> float:
    durations = history.series.durations
    return quantile(unpack(durations[: split_recent(len(durations))]), 0.75) or 0.0


def _trend(step: StepStats, course: Trend) -> Evidence:
    return {
        "runs": step.runs,
        "beforeMs": course.before,
        "recentMs": course.recent,
        "change": course.change,
        "valuesMs": course.values,
    }


def _by_path(runs: Sequence[_Run]) -> dict[str, list[_Run]]:
    found: dict[str, list[_Run]] = {}
    for run in runs:
        found.setdefault(run.path, []).append(run)
    return found


def _name(facts: Facts, path: str) -> str:
    return next((step.step_id for step in facts.history.steps if step.path == path), path)
