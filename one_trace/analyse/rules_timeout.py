"""Rules about time-outs: near-timeout, far-timeout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, log, log10
from statistics import fmean, stdev

from one_trace.analyse.figures import quantile, unpack
from one_trace.analyse.findings import FAILURE_WEIGHT, NEAR_SCORE, Action, Facts, Finding, Size, part
from one_trace.analyse.history import StepHistory
from one_trace.analyse.sequence import FEW_RUNS, judge
from one_trace.analyse.stats import NEAR_TIMEOUT, StepStats

TIMEOUTS = 2
TIMED_RUNS = 20
NEAR_SIGMAS = 2.33
"""A lognormal time is above this one of 100 times."""
FAR = 20.0
FAR_MS = 60_000.0
FAR_SCORE = 0.002
LEAST_TIMEOUT_MS = 1_000


def near_timeout(facts: Facts) -> Iterator[Finding]:
    """A step that times out now and then, or comes near to its ``timeoutMs``. Size: its time-outs."""
    for step, history in facts.steps():
        places = history.ran()
        flags = [timed_out(facts, history, place) > 0 for place in places]
        found = judge(flags, [facts.history.runs[place].version for place in places])
        now = sum(flags) >= TIMEOUTS and found.kind in ("now-and-then", "broken")
        times = unpack(history.clean())
        limit = step.timeout_ms
        near = limit is not None and _is_near(times, limit)
        if not now and not near:
            continue
        counted = found.bad if now else 0
        yield _near(facts, step, history, times, counted, max(found.runs, 1), limit)


def _near(
    facts: Facts,
    step: StepStats,
    history: StepHistory,
    times: Sequence[float],
    counted: int,
    runs: int,
    limit: float | None,
) -> Finding:
    p95, p99 = quantile(times, 0.95), quantile(times, 0.99)
    hangs = bool(counted) and limit is not None and p95 is not None and p95 < limit / 4
    wanted = round_up(2 * max(p99 or 0.0, limit or 0.0))
    if counted:
        title = f"{step.step_id} timed out in {counted} of {runs} runs"
    else:
        title = f"{step.step_id} is near its time-out: p95 is {part(p95 or 0, limit or 0):.0%} of it"
    return Finding(
        rule="near-timeout",
        path=step.path,
        title=title,
        evidence={
            "runs": step.runs,
            "timeouts": counted,
            "p95Ms": p95,
            "p99Ms": p99,
            "maxMs": step.max_ms,
            "timeoutMs": limit,
            "timeoutUse": p95 / limit if limit and p95 is not None else None,
        },
        size=Size(failures=counted),
        score=FAILURE_WEIGHT * part(counted, runs) + NEAR_SCORE,
        suggestion="It hangs: what does not takes a small part of its time-out. More time would not help."
        if hangs
        else f"Set timeoutMs to {wanted}, or make it quicker; a step that timed out goes on all the same.",
        action=None
        if hangs or not wanted
        else Action(flow_key=history.flow_key, step_id=step.step_id, set={"timeoutMs": wanted}),
    )


def _is_near(times: Sequence[float], limit: float) -> bool:
    """p95 at 80 % of the limit, or, in 20 runs and more, 1 of 100 to be expected above it (lognormal)."""
    p95 = quantile(times, 0.95)
    if p95 is None or len(times) < FEW_RUNS:
        return False
    if p95 >= NEAR_TIMEOUT * limit:
        return True
    if len(times) < TIMED_RUNS or p95 < limit / 2:
        return False
    logs = [log(max(ms, 0.5)) for ms in times]
    return log(limit) - fmean(logs) < NEAR_SIGMAS * stdev(logs)


def far_timeout(facts: Facts) -> Iterator[Finding]:
    """A time-out so far beyond what the step takes that a run which hangs would wait for nothing."""
    for step, history in facts.leaves():
        times = unpack(history.clean())
        limit, p99 = step.timeout_ms, quantile(times, 0.99)
        if limit is None or p99 is None or len(times) < TIMED_RUNS or step.timeouts or history.anomalies:
            continue
        if limit < FAR * max(times[-1], 1.0) or limit - times[-1] < FAR_MS:
            continue
        wanted = max(round_up(5 * times[-1]), LEAST_TIMEOUT_MS)
        yield Finding(
            rule="far-timeout",
            path=step.path,
            title=f"the time-out of {step.step_id} is {limit / max(times[-1], 1.0):,.0f} times what it took",
            evidence={"runs": step.runs, "p99Ms": p99, "maxMs": times[-1], "timeoutMs": limit},
            size=Size(),
            score=FAR_SCORE,
            suggestion=f"If it hangs, the run waits that long: set timeoutMs to {wanted}.",
            action=Action(flow_key=history.flow_key, step_id=step.step_id, set={"timeoutMs": wanted}),
        )


def round_up(ms: float) -> int:
    """The next number of two figures: 1234 → 1300."""
    if ms <= 0:
        return 0
    unit = 10 ** max(floor(log10(ms)) - 1, 0)
    return int(ceil(ms / unit) * unit)


def timed_out(facts: Facts, history: StepHistory, place: int) -> int:
    found = history.anomalies.get(place)
    if found is None:
        return 0
    return max(found.timeout, facts.of(history.path).timed_out.get(place, 0))
