"""Makes a baseline of a flow's past runs, and compares a run with one. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor

from msgspec.structs import replace

from one_trace.analyse.changes import LEAST_MS, LEAST_USD
from one_trace.analyse.diff import DiffDocument, counts, of_past
from one_trace.analyse.quantiles import median
from one_trace.analyse.step_runs import (
    LEAST_BYTES,
    PastRuns,
    StepRef,
    StepRun,
    Steps,
    Typical,
    Usual,
    UsualStep,
    since_last_change,
    usual,
)
from one_trace.model.baseline import LONGEST_PATH, Baseline, BaselineStep, Range
from one_trace.model.trace import PlannedStep, Trace
from one_trace.model.tree import below
from one_trace.outbound.names import Redact, one_line, static_path

_USD = 6
"""Decimal places of a cost."""


def make(flow: str, past: PastRuns, plan: Sequence[PlannedStep]) -> Baseline:
    """The baseline of a flow's successful runs, at least one. `plan`: the steps of its newest version."""
    root = below(flow, "")
    planned = {step.path[len(root) :]: step.type for step in plan if step.path.startswith(root)}
    others = {path: past.refs[path].type for path in sorted(past.steps.keys() - planned.keys())}
    duration = _range(past.runs, LEAST_MS, 0)
    assert duration is not None
    return Baseline(
        flow_key=flow,
        runs=len(past.runs),
        duration_ms=duration,
        cost_usd=_range(past.costs, LEAST_USD, _USD),
        steps=[
            _step(path, kind, past) for path, kind in (planned | others).items() if len(path) <= LONGEST_PATH
        ],
    )


def masked(baseline: Baseline, mask: Redact) -> Baseline:
    """A baseline with its names as they may leave: those of a run are masked in the same way."""
    steps: dict[str, BaselineStep] = {}
    for step in baseline.steps:
        path = static_path(step.path, mask)
        steps.setdefault(path, replace(step, path=path, type=one_line(mask(step.type))))
    return replace(baseline, flow_key=one_line(mask(baseline.flow_key)), steps=list(steps.values()))


def compare(baseline: Baseline, after: Trace) -> DiffDocument:
    """A run compared with a baseline. Of steps that no file has, it says nothing."""
    document = of_past(_Expected(baseline), after, "file")
    document.a.flow_key = baseline.flow_key
    document.steps = [step for step in document.steps if len(step.path) <= LONGEST_PATH]
    document.counts = counts(document.steps)
    return document


def _step(path: str, kind: str, past: PastRuns) -> BaselineStep:
    runs = past.steps.get(path, [])
    if not runs:
        return BaselineStep(path=path, type=kind)
    middle = past.median_of(path)
    return BaselineStep(
        path=path,
        type=kind,
        runs=len(runs),
        count=middle.count,
        status=middle.status,
        retries=middle.retries,
        duration_ms=_range([run.duration_ms for run in runs], LEAST_MS, 0),
        output_bytes=_range([run.output_bytes for run in runs], LEAST_BYTES, 0),
        cost_usd=_range([run.cost_usd for run in runs], LEAST_USD, _USD),
    )


def _range(values: Sequence[float | None], least: float, places: int) -> Range | None:
    """Rounded to what a person reviews; outwards, so that the range still has what it had."""
    middle = median(since_last_change(values, least))
    if middle is None:
        return None
    known = usual(values, least)
    return Range(
        p50=_rounded(middle, places, round),
        low=None if known is None else _rounded(known.low, places, floor),
        high=None if known is None else _rounded(known.high, places, ceil),
    )


def _rounded(value: float, places: int, to_int: Callable[[float], int]) -> float:
    scale = 10**places
    # 0.25 * 10**6 may be a little more than 250000, which is no reason to round up.
    whole = to_int(round(value * scale, 3))
    return whole if places == 0 else whole / scale


class _Expected:
    """A baseline as what a run is compared with."""

    def __init__(self, baseline: Baseline) -> None:
        self.baseline = baseline
        self.by_path = {step.path: step for step in baseline.steps}

    def typical_run(self) -> Typical:
        known = self.baseline
        return Typical(
            runs=known.runs,
            duration_ms=known.duration_ms.p50,
            cost_usd=_p50(known.cost_usd),
            usual_ms=_usual(known.duration_ms, known.runs),
        )

    def typical(self) -> Steps:
        half = self.baseline.runs / 2
        return {path: (_ref(step), _run(step)) for path, step in self.by_path.items() if step.runs >= half}

    def usual_step(self, path: str) -> UsualStep:
        step = self.by_path.get(path)
        if step is None:
            return UsualStep()
        return UsualStep(
            ms=_usual(step.duration_ms, step.runs),
            bytes=_usual(step.output_bytes, step.runs),
            usd=_usual(step.cost_usd, step.runs),
        )


def _ref(step: BaselineStep) -> StepRef:
    return StepRef(step.path, step.path.rpartition(" > ")[2], step.type)


def _run(step: BaselineStep) -> StepRun:
    return StepRun(
        count=step.count,
        status=step.status,
        duration_ms=_p50(step.duration_ms),
        retries=step.retries,
        output_bytes=_p50(step.output_bytes),
        cost_usd=_p50(step.cost_usd),
    )


def _p50(figure: Range | None) -> float | None:
    return None if figure is None else figure.p50


def _usual(figure: Range | None, runs: int) -> Usual | None:
    if figure is None or figure.low is None or figure.high is None:
        return None
    return Usual(runs=runs, p50=figure.p50, low=figure.low, high=figure.high)
