"""Rules about outcomes and money: failing, flaky, retried, near-timeout, dear, cost-grows, wasted,
dead-step.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, log10

from one_trace.analyse.figures import trend
from one_trace.analyse.findings import Action, Evidence, Facts, Failures, Finding, Size, part
from one_trace.analyse.rules_time import TREND_RUNS, rises
from one_trace.analyse.stats import StepStats

FAILURE_WEIGHT = 2.0
"""A failure loses the whole run, and somebody has to look."""
FAILING_RUNS = 3
RETRIED = 0.1
RETRIED_SPANS = 3
DEAR_SHARE = 0.4
COST_GROWTH = 0.25
WASTED_SHARE = 0.05
DEAD_RUNS = 5
DEAD_SCORE = 0.001
"""Dead steps cost nothing but the reader's time."""
NEAR_SCORE = 0.01


def failing(facts: Facts) -> Iterator[Finding]:
    """A step that failed in each of the runs of the newest version that got to it."""
    for step, history in facts.leaves():
        newest = next((tally for tally in history.tallies if tally.version == facts.history.version), None)
        if newest is None or newest.success or newest.failed_runs < FAILING_RUNS:
            continue
        yield Finding(
            rule="failing",
            path=step.path,
            title=f"{step.step_id} has failed every time in this version of the flow",
            evidence=_failed(facts, step, newest.failed, newest.runs),
            size=Size(failures=newest.failed),
            score=FAILURE_WEIGHT * part(newest.failed_runs, facts.runs),
            suggestion="Mend it first: one trace show RUN --failed tells the error.",
        )


def flaky(facts: Facts) -> Iterator[Finding]:
    """A step that both worked and failed in one version of the flow. Size: its failures."""
    for step, history in facts.leaves():
        if step.flaky is None:
            continue
        whole = history.sum()
        yield Finding(
            rule="flaky",
            path=step.path,
            title=f"{step.step_id} fails now and then: {step.flaky.rate:.1%} of the time",
            evidence={
                **_failed(facts, step, step.flaky.failed, step.runs),
                "failedRuns": whole.failed_runs,
                "succeeded": step.flaky.succeeded,
                "rate": step.flaky.rate,
                "versions": step.flaky.versions,
            },
            size=Size(failures=step.flaky.failed),
            score=FAILURE_WEIGHT * part(whole.failed_runs, facts.runs),
            suggestion="Retry it (onError) if its error passes by itself; else see what its failures share.",
            action=Action(
                flow_key=history.flow_key,
                step_id=step.step_id,
                set={"onError.strategy": "retry", "onError.retries": 2, "onError.retryDelayMs": 1000},
            ),
        )


def retried(facts: Facts) -> Iterator[Finding]:
    """A step that needs its retries often. Size: the time of the attempts that failed, taken as even."""
    for step, history in facts.leaves():
        ran = step.count - step.outcomes.skipped
        if step.retried < RETRIED_SPANS or step.retried < RETRIED * ran:
            continue
        whole = history.sum()
        lost = whole.total_ms * whole.retries / (ran + whole.retries) / facts.runs
        yield Finding(
            rule="retried",
            path=step.path,
            title=f"{step.step_id} needs a retry {part(step.retried, ran):.0%} of the time",
            evidence={
                "runs": step.runs,
                "count": ran,
                "retried": step.retried,
                "retries": step.retries,
                "rate": part(step.retried, ran),
            },
            size=Size(seconds_per_run=lost / 1000),
            score=part(lost, facts.flow_ms),
            suggestion="Find out why the first attempt fails; space calls out if it is a rate limit.",
        )


def near_timeout(facts: Facts) -> Iterator[Finding]:
    """A step that has timed out, or whose p95 is at 80 % of its ``timeoutMs`` or more. Size: its
    time-outs.
    """
    for step, history in facts.steps():
        if "near-timeout" not in step.flags:
            continue
        whole = history.sum()
        wanted = round_up(2 * max(step.p95_ms or 0, step.timeout_ms or 0))
        yield Finding(
            rule="near-timeout",
            path=step.path,
            title=f"{step.step_id} has timed out {step.timeouts} times"
            if step.timeouts
            else f"{step.step_id} is near its time-out: p95 at {step.timeout_use or 0:.0%}",
            evidence={
                "runs": step.runs,
                "timeouts": step.timeouts,
                "p95Ms": step.p95_ms,
                "maxMs": step.max_ms,
                "timeoutMs": step.timeout_ms,
                "timeoutUse": step.timeout_use,
            },
            size=Size(failures=step.timeouts),
            score=FAILURE_WEIGHT * part(step.timeouts and whole.failed_runs, facts.runs) + NEAR_SCORE,
            suggestion=f"Set timeoutMs to {wanted}, or make it quicker; given up, it still goes on.",
            action=Action(flow_key=history.flow_key, step_id=step.step_id, set={"timeoutMs": wanted}),
        )


def dear(facts: Facts) -> Iterator[Finding]:
    """A step that takes two fifths of the flow's cost or more. Size: half of it."""
    for step, _ in facts.leaves():
        share = part(step.cost_usd or 0, facts.stats.cost_usd or 0)
        if share < DEAR_SHARE:
            continue
        per_run = (step.cost_usd or 0) / facts.runs
        yield Finding(
            rule="dear",
            path=step.path,
            title=f"{step.step_id} takes {share:.0%} of the flow's money",
            evidence={
                "runs": step.runs,
                "calls": step.count,
                "share": share,
                "costUsd": step.cost_usd,
            },
            size=Size(dollars_per_run=per_run / 2),
            score=share / 2,
            suggestion="Try a smaller model, shorten what it is given, or skip inputs that have not changed.",
        )


def cost_grows(facts: Facts) -> Iterator[Finding]:
    """A step whose cost a run has grown by a quarter or more, steadily."""
    for step, history in facts.leaves():
        course = trend(history.series.cost_usd)
        if step.runs < TREND_RUNS or not rises(course, COST_GROWTH):
            continue
        more = (course.recent or 0) - (course.before or 0)
        yield Finding(
            rule="cost-grows",
            path=step.path,
            title=f"{step.step_id} has become {course.change:.0%} dearer",
            evidence={
                "runs": step.runs,
                "beforeUsd": course.before,
                "recentUsd": course.recent,
                "change": course.change,
                "valuesUsd": course.values,
            },
            size=Size(dollars_per_run=more),
            score=part(more, facts.flow_usd),
            suggestion="See whether its input grows (trace stats, OUT of the steps before it), and cut it.",
        )


def wasted(facts: Facts) -> Iterator[Finding]:
    """Money spent in runs that failed, a twentieth of the flow's cost or more."""
    share = part(facts.wasted_usd, facts.stats.cost_usd or 0)
    if share < WASTED_SHARE:
        return
    failed = [run.run_id for run in facts.history.runs if run.status == "error" and run.cost_usd]
    yield Finding(
        rule="wasted",
        path=facts.history.flow_key,
        title=f"{share:.0%} of the money went into runs that failed",
        evidence={"runs": len(failed), "costUsd": facts.wasted_usd, "share": share, "runIds": failed[:-4:-1]},
        size=Size(dollars_per_run=facts.wasted_usd / facts.runs),
        score=share,
        suggestion="Check what can fail before the calls that cost; resume failed runs (one flow resume).",
    )


def dead_step(facts: Facts) -> Iterator[Finding]:
    """A step that never ran, or was always skipped, in five runs of the newest version or more."""
    runs = sum(run.version == facts.history.version for run in facts.history.runs)
    dead = [step for step in facts.stats.steps if {"never-ran", "always-skipped"} & set(step.flags)]
    inside = _inside(facts, {step.path for step in dead})
    for step in dead:
        if runs < DEAD_RUNS or step.path in inside:
            continue
        never = "never-ran" in step.flags
        what = f"never ran in {runs} runs" if never else f"was always skipped in {step.runs} runs"
        yield Finding(
            rule="dead-step",
            path=step.path,
            title=f"{step.step_id} {what}",
            evidence={"runs": runs, "skipped": step.outcomes.skipped},
            size=Size(),
            score=DEAD_SCORE,
            suggestion="Take it out, or look at the condition that keeps it from running.",
        )


def _inside(facts: Facts, paths: set[str]) -> set[str]:
    """The paths of the steps within those at `paths`, however deep."""
    inside: set[str] = set()
    for step in sorted(facts.stats.steps, key=lambda step: len(step.path)):
        parent = step.path[: -len(step.step_id) - len(" > ")]
        if parent in paths or parent in inside:
            inside.add(step.path)
    return inside


def round_up(ms: float) -> int:
    """The next number of two figures: 1234 → 1300."""
    if ms <= 0:
        return 0
    unit = 10 ** max(floor(log10(ms)) - 1, 0)
    return int(ceil(ms / unit) * unit)


def _failed(facts: Facts, step: StepStats, failed: int, runs: int) -> Evidence:
    seen = facts.failures.get(step.path, Failures())
    return {"runs": runs, "failed": failed, "errorCodes": seen.codes, "runIds": seen.runs}
