"""Compares two runs step by step: steps added, removed, failing, slower, larger, more expensive.

Steps are aligned by their path under the root flow, the iterations of a loop as one group. A time that lies
where past runs lay as well is noise, whatever its percentage; see `groups.Usual`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from one_trace.analyse.changes import LEAST_MS, LEAST_USD, SMALLEST
from one_trace.analyse.figures import median
from one_trace.analyse.groups import Group, Past, Step, Usual, groups, of_late, usual
from one_trace.analyse.rounding import rounded
from one_trace.model.trace import Run, Trace

SCHEMA = "one-trace-diff/1"
NOTICED_BYTES = 100

Change = Literal["added", "removed", "status", "slower", "faster", "larger", "smaller", "costlier", "cheaper"]
Figure = Literal["duration", "output", "cost"]
Steps = Mapping[str, tuple[Step, Group]]


class Side(Struct, rename="camel", kw_only=True):
    """One of the two runs. With ``--baseline p50`` `a` is no run: `runId` is null, `runs` says of how many
    it is made.
    """

    run_id: str | None
    flow_key: str
    status: str
    started_at: str | None
    duration_ms: float | None
    cost_usd: float | None
    spans: int | None
    runs: int = 1


class StepDiff(Struct, rename="camel", kw_only=True):
    """One step: both sides (null where it did not run), what changed, and in what part (0.2: a fifth
    more).

    `noise` names the figures that changed by a tenth and by more than a trifle, and whose change past
    runs explain: they are none of the `changes`. The three `usual...` are null where too few past runs
    are known.
    """

    path: str
    step_id: str
    type: str
    changes: list[Change]
    noise: list[Figure] = []
    a: Group | None
    b: Group | None
    delta_ms: float | None = None
    duration_change: float | None = None
    output_change: float | None = None
    cost_change: float | None = None
    usual_ms: Usual | None = None
    usual_bytes: Usual | None = None
    usual_usd: Usual | None = None


class Verdict(Struct, rename="camel", kw_only=True):
    """One ``--fail-on``: whether it is met, and why."""

    rule: str
    met: bool
    because: list[str]


class DiffDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace diff``; `steps` in the order of b, what is gone where it stood in a."""

    schema: str = SCHEMA
    baseline: Literal["run", "p50"]
    a: Side
    b: Side
    delta_ms: float | None = None
    duration_change: float | None = None
    cost_change: float | None = None
    usual_ms: Usual | None = None
    noise: bool | None = None
    past_runs: int = 0
    counts: dict[str, int] = {}
    steps: list[StepDiff] = []
    fail_on: list[Verdict] = []


def of_runs(before: Trace, after: Trace, past: Past) -> DiffDocument:
    """`after` held against `before`; `past` are the runs that say what is usual."""
    return _document("run", _side(before.run), after.run, groups(before), groups(after), past)


def of_past(past: Past, after: Trace) -> DiffDocument:
    """`after` held against the median of the runs before it, of which there is at least one."""
    typical = Side(
        run_id=None,
        flow_key=after.run.flow_key,
        status="success",
        started_at=None,
        duration_ms=median(of_late(past.runs, LEAST_MS)),
        cost_usd=median(of_late(past.costs, LEAST_USD)),
        spans=None,
        runs=len(past.runs),
    )
    return _document("p50", typical, after.run, past.typical(), groups(after), past)


def _document(
    baseline: Literal["run", "p50"], a: Side, run: Run, before: Steps, after: Steps, past: Past
) -> DiffDocument:
    b = _side(run)
    whole = usual(past.runs, LEAST_MS)
    steps = [_step(path, before, after, past) for path in _order(list(before), list(after))]
    counts: dict[str, int] = {}
    for step in steps:
        for change in step.changes:
            counts[change] = counts.get(change, 0) + 1
    delta = _minus(b.duration_ms, a.duration_ms)
    whole_diff = DiffDocument(
        baseline=baseline,
        a=a,
        b=b,
        delta_ms=delta,
        duration_change=_part(a.duration_ms, b.duration_ms),
        cost_change=_part(a.cost_usd, b.cost_usd),
        usual_ms=whole,
        noise=None if whole is None else _chance(a.duration_ms, b.duration_ms, LEAST_MS, whole),
        past_runs=len(past.runs),
        counts=counts,
        steps=steps,
    )
    return rounded(whole_diff)


def _side(run: Run) -> Side:
    return Side(
        run_id=run.run_id,
        flow_key=run.flow_key,
        status=run.status,
        started_at=run.started_at,
        duration_ms=run.duration_ms,
        cost_usd=run.usage.cost_usd if run.usage else None,
        spans=run.counts.spans,
    )


def _order(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The paths of `after`, with each one that is gone behind what stood before it."""
    kept = set(after)
    behind: dict[str | None, list[str]] = {}
    last: str | None = None
    for path in before:
        if path in kept:
            last = path
        else:
            behind.setdefault(last, []).append(path)
    merged = list(behind.get(None, []))
    for path in after:
        merged += [path, *behind.get(path, [])]
    return merged


def _step(path: str, before: Steps, after: Steps, past: Past) -> StepDiff:
    about = (after.get(path) or before[path])[0]
    a = before[path][1] if path in before else None
    b = after[path][1] if path in after else None
    step = StepDiff(path=path, step_id=about.step_id, type=about.type, changes=[], a=a, b=b)
    if a is None or b is None:
        step.changes = ["removed" if b is None else "added"]
        return step
    _measure(step, a, b, past.steps.get(path, []))
    if a.status != b.status:
        step.changes.append("status")
    _judge(step, "duration", ("slower", "faster"), (a.duration_ms, b.duration_ms, LEAST_MS), step.usual_ms)
    _judge(
        step,
        "output",
        ("larger", "smaller"),
        (a.output_bytes, b.output_bytes, NOTICED_BYTES),
        step.usual_bytes,
    )
    _judge(step, "cost", ("costlier", "cheaper"), (a.cost_usd, b.cost_usd, LEAST_USD), step.usual_usd)
    return step


def _measure(step: StepDiff, a: Group, b: Group, known: Sequence[Group]) -> None:
    step.delta_ms = _minus(b.duration_ms, a.duration_ms)
    step.duration_change = _part(a.duration_ms, b.duration_ms)
    step.output_change = _part(a.output_bytes, b.output_bytes)
    step.cost_change = _part(a.cost_usd, b.cost_usd)
    step.usual_ms = usual([group.duration_ms for group in known], LEAST_MS)
    step.usual_bytes = usual([group.output_bytes for group in known], NOTICED_BYTES)
    step.usual_usd = usual([group.cost_usd for group in known], LEAST_USD)


def _judge(
    step: StepDiff,
    figure: Figure,
    words: tuple[Change, Change],
    values: tuple[float | None, float | None, float],
    known: Usual | None,
) -> None:
    """Call a figure that changed by its word (more, less), or noise."""
    a, b, least = values
    if _chance(a, b, least, known):
        step.noise.append(figure)
    elif noticed(a, b, least):
        step.changes.append(words[0] if (b or 0) > (a or 0) else words[1])


def noticed(a: float | None, b: float | None, least: float) -> bool:
    """Whether a figure changed by a tenth and by `least`; one that was not there counts as 0."""
    if a is None and b is None:
        return False
    delta = abs((b or 0.0) - (a or 0.0))
    return delta >= least and delta >= SMALLEST * (a or 0.0)


def _chance(a: float | None, b: float | None, least: float, known: Usual | None) -> bool:
    """Whether a figure changed, and lies on both sides where it usually does all the same."""
    if known is None or b is None or not noticed(a, b, least):
        return False
    return known.explains(b) and known.explains(a or 0.0)


def more_than(a: float | None, b: float | None, part: float) -> bool:
    """Whether `b` is above `a` by more than that part of it: anything is more than nothing by any part."""
    return b is not None and b > (a or 0.0) * (1 + part)


def _minus(b: float | None, a: float | None) -> float | None:
    return None if a is None or b is None else b - a


def _part(a: float | None, b: float | None) -> float | None:
    """By what part `b` is above `a`; null where there was nothing: then the delta tells."""
    return None if not a or b is None else b / a - 1
