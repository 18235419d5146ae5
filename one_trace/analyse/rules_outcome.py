"""Rules about outcomes: failing, flaky, retried, useless-retries."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.analyse.failure_patterns import FailurePattern, classify, classify_spans, wilson
from one_trace.analyse.findings import (
    FAILURE_WEIGHT,
    NEAR_SCORE,
    Action,
    Evidence,
    Finding,
    FlowProfile,
    Size,
    ratio,
)
from one_trace.analyse.history import StepHistory
from one_trace.analyse.rules_timeout import timed_out
from one_trace.analyse.stats import StepStats, failure_pattern

RETRY: dict[str, int | float | str] = {
    "onError.strategy": "retry",
    "onError.retries": 2,
    "onError.retryDelayMs": 1000,
}
RETRIED = 0.1
RETRIED_RUNS = 3
USELESS = 5
"""Retried spans that all failed: with none of 5 helped, at most 3 of 5 can be helped (95 %)."""


def failing(flow: FlowProfile) -> Iterator[Finding]:
    """A broken step: its last runs failed, unlike those before. Size: these failures."""
    broken: list[str] = []
    for step, history in reversed(flow.steps):
        if any(path.startswith(f"{step.path} > ") for path in broken):
            continue  # it fails because of a step in it
        pattern = failure_pattern(history, flow.history.runs)
        if pattern.kind == "broken":
            broken.append(step.path)
            yield _failing(flow, step, history, pattern)
    if not broken:
        yield from _failing_before_any_step(flow)


def _failing(flow: FlowProfile, step: StepStats, history: StepHistory, pattern: FailurePattern) -> Finding:
    outcomes = list(history.outcomes())
    since = flow.since(outcomes[pattern.since][0])
    failed = sum(failed for _, failed, _ in outcomes[pattern.since :])
    when = f"{pattern.streak} times in a row since {since}" if pattern.since else "every time that it ran"
    return Finding(
        rule="failing",
        path=step.path,
        title=f"{step.step_id} has failed {when}",
        evidence={
            **_failures(flow, step, failed, pattern.streak),
            "goodBefore": sum(index not in history.anomalies for index, _, _ in outcomes[: pattern.since]),
            **since.evidence(),
        },
        size=Size(failures=failed),
        score=FAILURE_WEIGHT,  # the next run will fail, too
        suggestion="Fix it first: 'one trace show FLOW@last --failed' shows the error."
        + (" Its retries do not help." if flow.failures_of(step.path).useless else ""),
    )


def _failing_before_any_step(flow: FlowProfile) -> Iterator[Finding]:
    """A flow whose last runs failed although no step did."""
    runs = flow.history.runs
    failed = {
        index for step in flow.history.steps for index, anomaly in step.anomalies.items() if anomaly.failed
    }
    ended = [index for index, run in enumerate(runs) if run.status in ("success", "error")]
    pattern = classify([runs[index].status == "error" for index in ended], flow.versions(ended))
    if pattern.kind != "broken" or failed.intersection(ended[pattern.since :]):
        return
    since = flow.since(ended[pattern.since])
    yield Finding(
        rule="failing",
        path=flow.history.flow_key,
        title=f"the flow has failed {pattern.streak} times in a row since {since.at}, before any step failed",
        evidence={"runs": pattern.streak, "failed": pattern.streak, **since.evidence()},
        size=Size(failures=pattern.streak),
        score=FAILURE_WEIGHT,
        suggestion="Check its inputs: 'one trace show FLOW@last' shows the error.",
    )


def flaky(flow: FlowProfile) -> Iterator[Finding]:
    """A step that sometimes fails, other than by its time-out. Size: its failures."""
    for step, history in flow.leaves:
        outcomes = list(history.outcomes())
        failed = [failures - timed_out(flow, history, index) for index, failures, _ in outcomes]
        succeeded = [successes for _, _, successes in outcomes]
        indexes = [index for index, _, _ in outcomes]
        pattern = classify_spans(failed, succeeded, flow.versions(indexes))
        if pattern.kind == "flaky":
            since = flow.since(indexes[pattern.since]).evidence() if pattern.since else {}
            yield _flaky(flow, step, history, pattern, sum(failed[pattern.since :]), since)


def _flaky(
    flow: FlowProfile,
    step: StepStats,
    history: StepHistory,
    pattern: FailurePattern,
    failed: int,
    since: Evidence,
) -> Finding:
    low, high = wilson(pattern.failed, pattern.runs)
    planned = flow.history.plan.get(step.path)
    retries = flow.failures_of(step.path).useless > 0 or (planned is not None and planned.retries > 0)
    return Finding(
        rule="flaky",
        path=step.path,
        title=f"{step.step_id} is flaky: {pattern.failed} of {pattern.runs} runs failed ({pattern.rate:.1%})",
        evidence={
            **_failures(flow, step, failed, pattern.runs),
            "failedRuns": pattern.failed,
            "succeeded": pattern.runs - pattern.failed,
            "rate": pattern.rate,
            "rateLow": low,
            "rateHigh": high,
            **since,
        },
        size=Size(failures=failed),
        score=FAILURE_WEIGHT * ratio(pattern.failed, pattern.runs),
        suggestion="It fails in spite of its retries: find out what the failures have in common."
        if retries
        else "If the error is transient, retry it (onError); else find out what the failures have in common.",
        action=None if retries else Action(flow_key=history.flow_key, step_id=step.step_id, set=dict(RETRY)),
    )


def retried(flow: FlowProfile) -> Iterator[Finding]:
    """A step whose first attempt often fails, and whose retries help. Saving: the time of the failed
    attempts, if all attempts take equally long."""
    for step, history in flow.leaves:
        pattern, details = _retry_pattern(flow, history), flow.failures_of(step.path)
        often = pattern.failed >= RETRIED_RUNS and pattern.rate >= RETRIED
        if pattern.kind not in ("flaky", "broken") or not often or details.helped <= details.useless:
            continue
        total = history.total()
        attempts = max(total.success + total.failed + total.retries, 1)
        lost = total.total_ms * total.retries / attempts / flow.runs
        how_often = "always" if pattern.failed == pattern.runs else "often"
        yield Finding(
            rule="retried",
            path=step.path,
            title=f"the first attempt of {step.step_id} {how_often} fails: "
            f"it was retried in {pattern.failed} of {pattern.runs} runs",
            evidence={
                "runs": step.runs,
                "count": step.count - step.outcomes.skipped,
                "retried": step.retried,
                "retries": step.retries,
                "rate": pattern.rate,
                "helped": details.helped,
                "useless": details.useless,
            },
            size=Size(seconds_per_run=lost / 1000),
            score=ratio(lost, flow.flow_ms),
            suggestion="Find out why the first attempt fails; space out the calls if it is a rate limit.",
        )


def useless_retries(flow: FlowProfile) -> Iterator[Finding]:
    """Retries that never helped, of a step that is not simply broken."""
    broken = {finding.path for finding in failing(flow)}
    for step, history in flow.leaves:
        details = flow.failures_of(step.path)
        if details.helped or details.useless < USELESS or step.path in broken:
            continue
        if _retry_pattern(flow, history).kind == "over":
            continue
        yield Finding(
            rule="useless-retries",
            path=step.path,
            title=f"retries never helped {step.step_id}: it failed all {details.useless} times",
            evidence={
                **_failures(flow, step, details.useless, step.runs),
                "retries": step.retries,
                "helped": 0,
                "useless": details.useless,
                "helpRateHigh": wilson(0, details.useless)[1],
            },
            size=Size(failures=details.useless),
            score=NEAR_SCORE,
            suggestion="Remove the retries, or retry only transient errors (retryOn); fix the error.",
        )


def _retry_pattern(flow: FlowProfile, history: StepHistory) -> FailurePattern:
    """The pattern of runs in which the step was retried."""
    indexes = [index for index, _, _ in history.outcomes()]
    flags = [index in history.anomalies and history.anomalies[index].retries > 0 for index in indexes]
    pattern = classify(flags, flow.versions(indexes))
    if pattern.kind == "broken" and pattern.since:
        # It is retried more often lately: all runs count.
        return pattern._replace(runs=len(indexes), failed=sum(flags), since=0)
    return pattern


def _failures(flow: FlowProfile, step: StepStats, failed: int, runs: int) -> Evidence:
    details = flow.failures_of(step.path)
    return {"runs": runs, "failed": failed, "errorCodes": details.codes, "runIds": details.runs}
