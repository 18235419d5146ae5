"""Rules about time-outs: near-timeout, far-timeout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, log, log10
from statistics import fmean, stdev

from one_trace.analyse.failure_patterns import FEW_RUNS, classify
from one_trace.analyse.findings import FAILURE_WEIGHT, NEAR_SCORE, Action, Finding, FlowProfile, Size, ratio
from one_trace.analyse.history import StepHistory
from one_trace.analyse.quantiles import quantile, unpack
from one_trace.analyse.stats import NEAR_TIMEOUT, StepStats

TIMEOUTS = 2
TIMED_RUNS = 20
NEAR_SIGMAS = 2.33
"""One of 100 times of a lognormal distribution is above this many standard deviations (of logarithms)."""
FAR = 20.0
FAR_MS = 60_000.0
FAR_SCORE = 0.002
LEAST_TIMEOUT_MS = 1_000


def near_timeout(flow: FlowProfile) -> Iterator[Finding]:
    """A step that times out sometimes, or comes near its ``timeoutMs``. Size: its time-outs."""
    for step, history in flow.steps:
        indexes = [index for index, _, _ in history.outcomes()]
        flags = [timed_out(flow, history, index) > 0 for index in indexes]
        pattern = classify(flags, flow.versions(indexes))
        current = sum(flags) >= TIMEOUTS and pattern.kind in ("flaky", "broken")
        times = unpack(history.clean_durations())
        if current or (step.timeout_ms is not None and _is_near(times, step.timeout_ms)):
            failed = pattern.failed if current else 0
            yield _near_timeout(step, history, times, failed, max(pattern.runs, 1))


def _near_timeout(
    step: StepStats, history: StepHistory, times: Sequence[float], timeouts: int, runs: int
) -> Finding:
    limit, p95, p99 = step.timeout_ms, quantile(times, 0.95), quantile(times, 0.99)
    use = p95 / limit if limit and p95 is not None else None
    hangs = bool(timeouts) and use is not None and use < 0.25
    proposed = round_up(2 * max(p99 or 0.0, limit or 0.0))
    return Finding(
        rule="near-timeout",
        path=step.path,
        title=f"{step.step_id} timed out in {timeouts} of {runs} runs"
        if timeouts
        else f"{step.step_id} is near its time-out: p95 is {use or 0:.0%} of it",
        evidence={
            "runs": step.runs,
            "timeouts": timeouts,
            "p95Ms": p95,
            "p99Ms": p99,
            "maxMs": step.max_ms,
            "timeoutMs": limit,
            "timeoutUse": use,
        },
        size=Size(failures=timeouts),
        score=FAILURE_WEIGHT * ratio(timeouts, runs) + NEAR_SCORE,
        suggestion="It hangs: otherwise it needs a small part of its time-out. More time would not help."
        if hangs
        else f"Set timeoutMs to {proposed}, or make it faster; a step that timed out keeps running.",
        action=None
        if hangs or not proposed
        else Action(flow_key=history.flow_key, step_id=step.step_id, set={"timeoutMs": proposed}),
    )


def _is_near(times: Sequence[float], limit: float) -> bool:
    """Whether p95 is at 80 % of the limit, or, with 20 times or more, 1 of 100 is expected above it, assuming
    a lognormal distribution."""
    p95 = quantile(times, 0.95)
    if p95 is None or len(times) < FEW_RUNS:
        return False
    if p95 >= NEAR_TIMEOUT * limit:
        return True
    if len(times) < TIMED_RUNS or p95 < limit / 2:
        return False
    logs = [log(max(ms, 0.5)) for ms in times]
    return log(limit) - fmean(logs) < NEAR_SIGMAS * stdev(logs)


def far_timeout(flow: FlowProfile) -> Iterator[Finding]:
    """A time-out so far above the step's times that a run which hangs would wait needlessly long."""
    for step, history in flow.leaves:
        times, limit = unpack(history.clean_durations()), step.timeout_ms
        if limit is None or len(times) < TIMED_RUNS or step.timeouts or history.anomalies:
            continue
        longest = times[-1]
        if limit < FAR * max(longest, 1.0) or limit - longest < FAR_MS:
            continue
        proposed = max(round_up(5 * longest), LEAST_TIMEOUT_MS)
        times_longer = limit / max(longest, 1.0)
        yield Finding(
            rule="far-timeout",
            path=step.path,
            title=f"the time-out of {step.step_id} is {times_longer:,.0f} times its longest time",
            evidence={
                "runs": step.runs,
                "p99Ms": quantile(times, 0.99),
                "maxMs": longest,
                "timeoutMs": limit,
            },
            size=Size(),
            score=FAR_SCORE,
            suggestion=f"If it hangs, the run waits that long: set timeoutMs to {proposed}.",
            action=Action(flow_key=history.flow_key, step_id=step.step_id, set={"timeoutMs": proposed}),
        )


def round_up(ms: float) -> int:
    """The next number with two significant digits: 1234 → 1300."""
    if ms <= 0:
        return 0
    unit = 10 ** max(floor(log10(ms)) - 1, 0)
    return int(ceil(ms / unit) * unit)


def timed_out(flow: FlowProfile, history: StepHistory, index: int) -> int:
    """How many of a step's spans in a run timed out."""
    anomaly = history.anomalies.get(index)
    if anomaly is None:
        return 0
    return max(anomaly.timeout, flow.failures_of(history.path).timed_out.get(index, 0))
