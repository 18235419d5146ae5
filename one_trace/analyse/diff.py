"""Compares two runs step by step: steps added, removed, failing, slower, larger, costlier.

Steps are aligned by their path below the root flow's key, the iterations of a loop as one step. A figure that
changed but is usual on both sides is noise, whatever its percentage; see `step_runs.Usual`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from one_trace.analyse.changes import LEAST_MS, LEAST_USD, SMALLEST
from one_trace.analyse.edit import Edit
from one_trace.analyse.rounding import rounded
from one_trace.analyse.step_runs import LEAST_BYTES, Known, StepRun, Steps, Usual, steps_of
from one_trace.model.trace import Run, Trace

SCHEMA = "one-trace-diff/1"

StepChange = Literal[
    "added", "removed", "status", "slower", "faster", "larger", "smaller", "costlier", "cheaper"
]
Figure = Literal["duration", "output", "cost"]
Against = Literal["run", "p50", "file"]
"""What the side `a` is: another run, the median of the runs before, or that of a baseline file."""


class Side(Struct, rename="camel", kw_only=True):
    """One of the two runs. With ``--baseline``, `a` is the median of `runs` runs, without `runId`."""

    run_id: str | None
    flow_key: str
    status: str
    started_at: str | None
    duration_ms: float | None
    cost_usd: float | None
    spans: int | None
    runs: int = 1


class StepDiff(Struct, rename="camel", kw_only=True):
    """One step: both sides (null where it did not run), what changed, and by how much (0.2: a fifth more).

    `noise` names the figures that changed enough to count but are explained by past runs: they are not in
    `changes`. The `usual...` are null if too few past runs are known.
    """

    path: str
    step_id: str
    type: str
    changes: list[StepChange]
    noise: list[Figure] = []
    a: StepRun | None
    b: StepRun | None
    delta_ms: float | None = None
    duration_change: float | None = None
    output_change: float | None = None
    cost_change: float | None = None
    usual_ms: Usual | None = None
    usual_bytes: Usual | None = None
    usual_usd: Usual | None = None


class RuleResult(Struct, rename="camel", kw_only=True):
    """One ``--fail-on``: whether it is met, and why."""

    rule: str
    met: bool
    because: list[str]


class DiffDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace diff``; `steps` in the order of b, removed ones after their predecessor in a."""

    schema: str = SCHEMA
    baseline: Against
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
    edits: list[Edit] = []
    """How the flow's definition differs between the two runs, if both are known."""
    fail_on: list[RuleResult] = []


def of_runs(before: Trace, after: Trace, past: Known) -> DiffDocument:
    """`after` compared with `before`; `past` are the runs that show what is usual."""
    return _document("run", _side(before.run), after, steps_of(before), past)


def of_past(past: Known, after: Trace, against: Against = "p50") -> DiffDocument:
    """`after` compared with the median of the runs before it, at least one."""
    middle = past.typical_run()
    typical = Side(
        run_id=None,
        flow_key=after.run.flow_key,
        status="success",
        started_at=None,
        duration_ms=middle.duration_ms,
        cost_usd=middle.cost_usd,
        spans=None,
        runs=middle.runs,
    )
    return _document(against, typical, after, past.typical(), past)


def noticeable(a: float | None, b: float | None, least: float) -> bool:
    """Whether a figure changed by a tenth and by `least`; an unknown one counts as 0."""
    if a is None and b is None:
        return False
    delta = abs((b or 0.0) - (a or 0.0))
    return delta >= least and delta >= SMALLEST * (a or 0.0)


def exceeds(a: float | None, b: float | None, limit: float) -> bool:
    """Whether `b` is above `a` by more than the part `limit` of `a`; with nothing before, any increase is."""
    return b is not None and b > (a or 0.0) * (1 + limit)


def _document(against: Against, a: Side, after: Trace, before: Steps, past: Known) -> DiffDocument:
    b, middle = _side(after.run), past.typical_run()
    range_ms = middle.usual_ms
    steps_after = steps_of(after)
    steps = [_step(path, before, steps_after, past) for path in _merged(list(before), list(steps_after))]
    return rounded(
        DiffDocument(
            baseline=against,
            a=a,
            b=b,
            delta_ms=_minus(b.duration_ms, a.duration_ms),
            duration_change=_change(a.duration_ms, b.duration_ms),
            cost_change=_change(a.cost_usd, b.cost_usd),
            usual_ms=range_ms,
            noise=None if range_ms is None else _is_noise(a.duration_ms, b.duration_ms, LEAST_MS, range_ms),
            past_runs=middle.runs,
            counts=counts(steps),
            steps=steps,
        )
    )


def counts(steps: Iterable[StepDiff]) -> dict[str, int]:
    """How many steps changed in each way."""
    return Counter(change for step in steps for change in step.changes)


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


def _merged(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The paths of `after`, with those removed after their predecessor in `before`."""
    kept = set(after)
    removed: dict[str | None, list[str]] = {}
    predecessor: str | None = None
    for path in before:
        if path in kept:
            predecessor = path
        else:
            removed.setdefault(predecessor, []).append(path)
    merged = list(removed.get(None, []))
    for path in after:
        merged += [path, *removed.get(path, [])]
    return merged


def _step(path: str, before: Steps, after: Steps, past: Known) -> StepDiff:
    ref = (after.get(path) or before[path])[0]
    a = before[path][1] if path in before else None
    b = after[path][1] if path in after else None
    step = StepDiff(path=path, step_id=ref.step_id, type=ref.type, changes=[], a=a, b=b)
    if a is None or b is None:
        step.changes = ["removed" if b is None else "added"]
        return step
    step.delta_ms = _minus(b.duration_ms, a.duration_ms)
    step.duration_change = _change(a.duration_ms, b.duration_ms)
    step.output_change = _change(a.output_bytes, b.output_bytes)
    step.cost_change = _change(a.cost_usd, b.cost_usd)
    step.usual_ms, step.usual_bytes, step.usual_usd = past.usual_step(path)
    if a.status != b.status:
        step.changes.append("status")
    _classify(step, "duration", ("slower", "faster"), (a.duration_ms, b.duration_ms, LEAST_MS), step.usual_ms)
    sizes = (a.output_bytes, b.output_bytes, LEAST_BYTES)
    _classify(step, "output", ("larger", "smaller"), sizes, step.usual_bytes)
    _classify(step, "cost", ("costlier", "cheaper"), (a.cost_usd, b.cost_usd, LEAST_USD), step.usual_usd)
    return step


def _classify(
    step: StepDiff,
    figure: Figure,
    names: tuple[StepChange, StepChange],
    values: tuple[float | None, float | None, float],
    known: Usual | None,
) -> None:
    """Add a figure that changed to the changes of a step, as increased or decreased, or to its noise."""
    a, b, least = values
    if _is_noise(a, b, least, known):
        step.noise.append(figure)
    elif noticeable(a, b, least):
        step.changes.append(names[0] if (b or 0) > (a or 0) else names[1])


def _is_noise(a: float | None, b: float | None, least: float, known: Usual | None) -> bool:
    """Whether a figure changed, and is usual on both sides nevertheless."""
    if known is None or b is None or not noticeable(a, b, least):
        return False
    return known.explains(b) and known.explains(a or 0.0)


def _minus(b: float | None, a: float | None) -> float | None:
    return None if a is None or b is None else b - a


def _change(a: float | None, b: float | None) -> float | None:
    """``b / a - 1``; null if `a` is 0: see the delta."""
    return None if not a or b is None else b / a - 1
