"""Rules about outcomes: failing, flaky, retried, useless-retries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from one_trace.analyse.findings import (
    FAILURE_WEIGHT,
    NEAR_SCORE,
    Action,
    Evidence,
    Facts,
    Finding,
    Size,
    part,
)
from one_trace.analyse.history import StepHistory
from one_trace.analyse.rules_timeout import timed_out
from one_trace.analyse.sequence import Verdict, judge, judge_spans, wilson
from one_trace.analyse.stats import StepStats, outcome

RETRIED = 0.1
RETRIED_RUNS = 3
USELESS = 5
"""So many spans that were tried again and failed, and none that it helped: at most 3 of 5 could be helped."""


def failing(facts: Facts) -> Iterator[Finding]:
    """A step that is broken: its last runs failed, as they did not before. Size: these failures."""
    told: list[str] = []
    for step, history in reversed(facts.steps()):
        if any(path.startswith(f"{step.path} > ") for path in told):
            continue  # what it contains is why
        found = outcome(history, facts.history.runs)
        if found.kind != "broken":
            continue
        told.append(step.path)
        places = history.ran()
        failed = sum(_failed_spans(history, place) for place in places[found.since :])
        yield _broken(facts, step, history, places, found, failed)
    if not told:
        yield from _refused(facts)


def _broken(
    facts: Facts, step: StepStats, history: StepHistory, places: Sequence[int], found: Verdict, failed: int
) -> Finding:
    since = facts.since(places[found.since])
    always = found.since == 0
    useless = facts.of(step.path).useless
    ran = "every time that it ran" if always else f"{found.streak} times in a row since {since.at}"
    return Finding(
        rule="failing",
        path=step.path,
        title=f"{step.step_id} has failed {ran}"
        + (f", the first run of version {since.version}" if since.new_version and not always else ""),
        evidence={
            **_failed(facts, step, failed, found.streak),
            "goodBefore": sum(place not in history.anomalies for place in places[: found.since]),
            **since.evidence(),
        },
        size=Size(failures=failed),
        # It will fail the next run, too, however long it worked before.
        score=FAILURE_WEIGHT,
        suggestion="Fix it first: 'one trace show FLOW@last --failed' has the error."
        + (" Its retries do not help." if useless else ""),
    )


def _refused(facts: Facts) -> Iterator[Finding]:
    """A flow whose last runs failed before any step did."""
    runs = facts.history.runs
    bad = {place for step in facts.history.steps for place, one in step.anomalies.items() if one.failed}
    ended = [place for place, run in enumerate(runs) if run.status in ("success", "error")]
    flags = [runs[place].status == "error" for place in ended]
    found = judge(flags, [runs[place].version for place in ended])
    if found.kind != "broken" or any(place in bad for place in ended[found.since :]):
        return
    since = facts.since(ended[found.since])
    yield Finding(
        rule="failing",
        path=facts.history.flow_key,
        title=f"the flow has failed {found.streak} times in a row since {since.at}, before any step failed",
        evidence={"runs": found.streak, "failed": found.streak, **since.evidence()},
        size=Size(failures=found.streak),
        score=FAILURE_WEIGHT,
        suggestion="Check what it is given: 'one trace show FLOW@last' has the error.",
    )


def flaky(facts: Facts) -> Iterator[Finding]:
    """A step that fails now and then, other than by its time-out. Size: its failures."""
    for step, history in facts.leaves():
        places = history.ran()
        bad = [_failed_spans(history, place) - timed_out(facts, history, place) for place in places]
        good = [history.anomalies[place].success if place in history.anomalies else 1 for place in places]
        found = judge_spans(bad, good, [facts.history.runs[place].version for place in places])
        if found.kind != "now-and-then":
            continue
        yield _flaky(facts, step, history, places, found, sum(bad[found.since :]))


def _flaky(
    facts: Facts, step: StepStats, history: StepHistory, places: Sequence[int], found: Verdict, failed: int
) -> Finding:
    seen = facts.of(step.path)
    low, high = wilson(found.bad, found.runs)
    retries = bool(seen.useless) or _planned_retries(facts, step.path) > 0
    since = facts.since(places[found.since]).evidence() if found.since else {}
    return Finding(
        rule="flaky",
        path=step.path,
        title=f"{step.step_id} fails now and then: {found.rate:.1%} of the time"
        f" ({found.bad} of {found.runs} runs)",
        evidence={
            **_failed(facts, step, failed, found.runs),
            "failedRuns": found.bad,
            "succeeded": found.runs - found.bad,
            "rate": found.rate,
            "rateLow": low,
            "rateHigh": high,
            **since,
        },
        size=Size(failures=failed),
        score=FAILURE_WEIGHT * part(found.bad, found.runs),
        suggestion="It fails in spite of its retries: see what the failures share, and what they need."
        if retries
        else "If the error passes by itself, retry it (onError); else see what the failures share.",
        action=None
        if retries
        else Action(
            flow_key=history.flow_key,
            step_id=step.step_id,
            set={"onError.strategy": "retry", "onError.retries": 2, "onError.retryDelayMs": 1000},
        ),
    )


def retried(facts: Facts) -> Iterator[Finding]:
    """A step whose first attempt fails often, and whose retries help. Size: the time of the attempts that
    failed, taken as even."""
    for step, history in facts.leaves():
        found = _retries(facts, history)
        seen = facts.of(step.path)
        often = found.bad >= RETRIED_RUNS and found.rate >= RETRIED
        if found.kind not in ("now-and-then", "broken") or not often or seen.helped <= seen.useless:
            continue
        whole = history.sum()
        lost = (
            whole.total_ms * whole.retries / max(whole.success + whole.failed + whole.retries, 1) / facts.runs
        )
        always = found.bad == found.runs
        yield Finding(
            rule="retried",
            path=step.path,
            title=f"the first attempt of {step.step_id} fails {'always' if always else 'often'}: "
            f"in {found.bad} of {found.runs} runs it was tried again",
            evidence={
                "runs": step.runs,
                "count": step.count - step.outcomes.skipped,
                "retried": step.retried,
                "retries": step.retries,
                "rate": found.rate,
                "helped": seen.helped,
                "useless": seen.useless,
            },
            size=Size(seconds_per_run=lost / 1000),
            score=part(lost, facts.flow_ms),
            suggestion="Find out why the first attempt fails; space calls out if it is a rate limit.",
        )


def useless_retries(facts: Facts) -> Iterator[Finding]:
    """Retries that never helped. Where the step is simply broken, that is what is to be said."""
    broken = {finding.path for finding in failing(facts)}
    for step, history in facts.leaves():
        seen = facts.of(step.path)
        if seen.helped or seen.useless < USELESS or step.path in broken:
            continue
        if _retries(facts, history).kind == "over":
            continue
        yield Finding(
            rule="useless-retries",
            path=step.path,
            title=f"retries never helped {step.step_id}: all {seen.useless} times it failed all the same",
            evidence={
                **_failed(facts, step, seen.useless, step.runs),
                "retries": step.retries,
                "helped": 0,
                "useless": seen.useless,
                "helpRateHigh": wilson(0, seen.useless)[1],
            },
            size=Size(failures=seen.useless),
            score=NEAR_SCORE,
            suggestion="Take the retries out, or retry only what passes by itself (retryOn); fix the error.",
        )


def _failed_spans(history: StepHistory, place: int) -> int:
    found = history.anomalies.get(place)
    return found.failed if found is not None else 0


def _retries(facts: Facts, history: StepHistory) -> Verdict:
    """Of the runs in which it ran, those in which it was tried again."""
    places = history.ran()
    flags = [place in history.anomalies and history.anomalies[place].retries > 0 for place in places]
    found = judge(flags, [facts.history.runs[place].version for place in places])
    if found.kind == "broken" and found.since:
        # A streak at the end of what is tried again more often: all of it counts.
        return found._replace(runs=len(places), bad=sum(flags), since=0)
    return found


def _planned_retries(facts: Facts, path: str) -> int:
    planned = facts.history.plan.get(path)
    return planned.retries if planned is not None else 0


def _failed(facts: Facts, step: StepStats, failed: int, runs: int) -> Evidence:
    seen = facts.of(step.path)
    return {"runs": runs, "failed": failed, "errorCodes": seen.codes, "runIds": seen.runs}
