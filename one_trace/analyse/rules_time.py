"""Rules about time, output and money: slow, slower, output-grows, expensive, cost-grows, wasted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum

import msgspec

from one_trace.analyse.changes import LEAST_MS, LEAST_USD, Change, Level, last_change
from one_trace.analyse.findings import Facts, Finding, Size, part
from one_trace.analyse.history import StepHistory
from one_trace.analyse.sequence import judge

SLOW_SHARE = 0.25
SLOWER = 0.2
GROWTH = 0.5
GROWTH_BYTES = 1_000
GROWTH_WEIGHT = 0.02
"""What grows will become a problem: it ranks below what costs today."""
EXPENSIVE_SHARE = 0.4
COST_GROWTH = 0.2
WASTED_SHARE = 0.05
WASTED_RUNS = 2

_FASTER = {
    "action": "Ask the API for less (filters, page size), or keep what seldom changes.",
    "paginate": "Ask for fewer or larger pages, or only for what is new since the last run.",
    "bash": "See what the command waits for; run what needs no step before it in a parallel block.",
    "code": "Profile the code; move waiting on others into steps of a parallel block.",
    "flow": "See the sub-flow's own findings.",
}
_LLM = "Take a smaller model, a shorter prompt, fewer turns; run calls that need no other at the same time."


def slow(facts: Facts) -> Iterator[Finding]:
    """A step without children that ran in a quarter of the flow's time or more. Size: half of the time that
    the runs waited for it."""
    for step, _ in facts.leaves():
        share = step.share or 0.0
        if share < SLOW_SHARE or not step.runs:
            continue
        waited = min(facts.critical.get(step.path, share), share)
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
            size=Size(seconds_per_run=waited * facts.flow_ms / 2000),
            score=waited / 2,
            suggestion=_LLM
            if step.cost_usd
            else _FASTER.get(step.type or "", "Do less of it, or run it beside other steps."),
        )


def slower(facts: Facts) -> Iterator[Finding]:
    """A step that takes longer than it did, by a fifth and by more than it varied; attempts that failed do
    not count. Size: the difference."""
    for step, history in facts.leaves():
        clean = history.means()
        found = last_change([mean for _, mean in clean], least=LEAST_MS, smallest=SLOWER)
        if found is None or found.now < found.before:
            continue
        per_run = (found.now - found.before) * step.count / step.runs
        since = facts.since(clean[found.since][0])
        yield Finding(
            rule="slower",
            path=step.path,
            title=f"{step.step_id} takes {_more(found, 'ms')}"
            + (f", rising since {since.at}" if found.gradual else f" since {since}"),
            evidence={
                "runs": len(clean),
                "beforeMs": found.before,
                "recentMs": found.now,
                "change": found.ratio,
                "deltaMs": found.now - found.before,
                "valuesMs": _middles(found.levels),
                "gradual": int(found.gradual),
                **since.evidence(),
            },
            size=Size(seconds_per_run=min(per_run, facts.flow_ms) / 1000),
            score=part(per_run, facts.flow_ms),
            suggestion="See what changed then: 'one trace diff' of a run before and one of now"
            f" ({facts.history.runs[clean[found.since - 1][0]].run_id} FLOW@last).",
        )


def output_grows(facts: Facts) -> Iterator[Finding]:
    """A step whose output is larger than it was by half or more."""
    for step, history in facts.leaves():
        places, sizes = _known(history, history.series.output_bytes)
        found = last_change(sizes, least=GROWTH_BYTES, smallest=GROWTH)
        if found is None or found.now < found.before:
            continue
        since = facts.since(places[found.since])
        yield Finding(
            rule="output-grows",
            path=step.path,
            title=f"the output of {step.step_id} is {_more(found, 'bytes')} since {since.at}",
            evidence={
                "runs": len(sizes),
                "beforeBytes": found.before,
                "recentBytes": found.now,
                "change": found.ratio,
                "valuesBytes": _middles(found.levels),
                "gradual": int(found.gradual),
                **since.evidence(),
            },
            size=Size(bytes_per_run=found.now - found.before),
            score=GROWTH_WEIGHT * min(found.ratio or 2.0, 2.0),
            suggestion="Put out only what later steps read: the whole state is written after every step.",
        )


def expensive(facts: Facts) -> Iterator[Finding]:
    """A step that takes two fifths of the flow's cost or more. Size: half of it."""
    for step, _ in facts.leaves():
        share = part(step.cost_usd or 0, facts.stats.cost_usd or 0)
        if share < EXPENSIVE_SHARE:
            continue
        per_run = (step.cost_usd or 0) / facts.runs
        yield Finding(
            rule="expensive",
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
    """A step that costs more a run than it did, by a fifth and by more than it varied. Size: the
    difference."""
    for step, history in facts.leaves():
        places, costs = _known(history, history.series.cost_usd)
        found = last_change(costs, least=LEAST_USD, smallest=COST_GROWTH)
        if found is None or found.now < found.before:
            continue
        since = facts.since(places[found.since])
        more = found.now - found.before
        before, after = _models_around(history, places, found)
        switched = bool(before and after and before != after)
        yield Finding(
            rule="cost-grows",
            path=step.path,
            title=f"{step.step_id} costs {_more(found, 'usd')} since {since}"
            + (f", with {after} instead of {before}" if switched else ""),
            evidence={
                "runs": len(costs),
                "beforeUsd": found.before,
                "recentUsd": found.now,
                "change": found.ratio,
                "valuesUsd": _middles(found.levels),
                "gradual": int(found.gradual),
                "modelBefore": before,
                "modelNow": after,
                **since.evidence(),
            },
            size=Size(dollars_per_run=more),
            score=part(more, facts.flow_usd),
            suggestion=f"If {before} did as well, take it again: 'one trace stats FLOW --by model'."
            if switched
            else "See whether its input grows (trace stats, OUT of the steps before it), and cut it.",
        )


def wasted(facts: Facts) -> Iterator[Finding]:
    """Money spent in runs that failed, a twentieth of the flow's cost or more, as long as runs fail."""
    ended = [run for run in facts.history.runs if run.status in ("success", "error")]
    failed = [run for run in ended if run.status == "error" and run.cost_usd]
    spent = fsum(run.cost_usd or 0.0 for run in failed)
    share = part(spent, facts.stats.cost_usd or 0)
    found = judge([run.status == "error" for run in ended], [run.version for run in ended])
    if share < WASTED_SHARE or len(failed) < WASTED_RUNS or found.kind not in ("broken", "now-and-then"):
        return
    yield Finding(
        rule="wasted",
        path=facts.history.flow_key,
        title=f"{share:.0%} of the money went into runs that failed",
        evidence={
            "runs": len(failed),
            "costUsd": spent,
            "share": share,
            "runIds": [run.run_id for run in failed[:-4:-1]],
        },
        size=Size(dollars_per_run=spent / facts.runs),
        score=share,
        suggestion="Check what can fail before the calls that cost; resume failed runs (one flow resume).",
    )


def _known(history: StepHistory, column: Sequence[float | None]) -> tuple[list[int], list[float]]:
    """Places and figures of the runs in which all went well and the figure is known."""
    pairs = [
        (place, float(value))
        for place, value in zip(history.series.runs, column, strict=True)
        if value is not None and place not in history.anomalies
    ]
    return [place for place, _ in pairs], [value for _, value in pairs]


def _models_around(
    history: StepHistory, places: Sequence[int], found: Change
) -> tuple[str | None, str | None]:
    """The models that most runs used before a rise and since."""
    names = dict(zip(history.series.runs, history.series.models, strict=False))
    start = next(level.start for level in found.levels if level.end >= found.since)
    return _most(names, places[start : found.since]), _most(names, places[found.since :])


def _most(names: dict[int, str | None], places: Sequence[int]) -> str | None:
    known = [name for place in places if (name := names.get(place))]
    most = max(sorted(set(known)), key=known.count, default=None)
    return None if most is None else " + ".join(msgspec.json.decode(most, type=list[str])) or None


def _middles(levels: Sequence[Level]) -> list[float | None]:
    return [level.median for level in levels]


def _more(found: Change, unit: str) -> str:
    """``43% more``, or, where there was nothing before, how much."""
    if found.ratio is None:
        now = f"${found.now:.4g}" if unit == "usd" else f"{found.now:,.0f} {unit}"
        return f"{now}, where it was nothing"
    words = {"ms": "longer", "usd": "more", "bytes": "larger"}
    return f"{found.ratio:.0%} {words[unit]}"
