"""A rule about the choice of a model: cheaper-model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from one_trace.analyse.failure_patterns import wilson
from one_trace.analyse.findings import Finding, FlowProfile, Size, ratio
from one_trace.analyse.history import StepHistory
from one_trace.analyse.quantiles import median
from one_trace.analyse.rules_time import cost_grows
from one_trace.analyse.stats import StepStats

FEW = 10
"""By the rule of three, a model that never failed in 10 runs may still fail in 3 of 10 (95 %)."""
CHEAPER = 0.7
LEAST_SAVED = 0.05


class _ModelRuns(NamedTuple):
    """One model's runs of a step. `usd` is the median cost of those that succeeded."""

    name: str
    usd: float
    runs: int
    failed: int
    recent: bool
    """It is among the models of the last runs."""


def cheaper_model(flow: FlowProfile) -> Iterator[Finding]:
    """A step that runs with several models, a cheaper of which fails no more often. Failures without a known
    model count against the cheaper one. Saving: the difference in the runs with the expensive one."""
    for step, history in flow.leaves:
        models = _models(history)
        expensive = max(
            (model for model in models if model.recent), key=lambda model: model.usd, default=None
        )
        if expensive is None:
            continue
        cheaper = min(models, key=lambda model: model.usd)
        saved = (expensive.usd - cheaper.usd) * expensive.runs / flow.runs
        enough = cheaper.usd <= CHEAPER * expensive.usd and ratio(saved, flow.flow_usd) >= LEAST_SAVED
        if enough and _as_good(cheaper, expensive, history) and not _switched(flow, step):
            yield _finding(flow, step, cheaper, expensive, saved)


def _finding(
    flow: FlowProfile, step: StepStats, cheaper: _ModelRuns, expensive: _ModelRuns, saved: float
) -> Finding:
    return Finding(
        rule="cheaper-model",
        path=step.path,
        title=f"{cheaper.name} does {step.step_id} for {cheaper.usd / expensive.usd:.0%} of the cost"
        f" of {expensive.name}, and fails no more often",
        evidence={
            "runs": cheaper.runs + expensive.runs,
            "model": expensive.name,
            "modelRuns": expensive.runs,
            "modelFailed": expensive.failed,
            "modelUsd": expensive.usd,
            "cheaperModel": cheaper.name,
            "cheaperRuns": cheaper.runs,
            "cheaperFailed": cheaper.failed,
            "cheaperUsd": cheaper.usd,
            "cheaperRateHigh": wilson(cheaper.failed, cheaper.runs)[1],
        },
        size=Size(dollars_per_run=saved),
        score=ratio(saved, flow.flow_usd),
        suggestion=f"A trace does not show how good an output is: compare some of both models, then use"
        f" {cheaper.name}.",
    )


def _as_good(cheaper: _ModelRuns, expensive: _ModelRuns, history: StepHistory) -> bool:
    series = history.series
    unknown = sum(
        index in history.anomalies and history.anomalies[index].failed > 0
        for index, name in zip(series.runs, series.models, strict=False)
        if not name
    )
    failed, runs = cheaper.failed + unknown, cheaper.runs + unknown
    return failed * expensive.runs <= expensive.failed * runs


def _switched(flow: FlowProfile, step: StepStats) -> bool:
    """Whether the step costs more since it changed to the expensive model, which another rule reports."""
    return any(growth.path == step.path and growth.evidence["modelBefore"] for growth in cost_grows(flow))


def _models(history: StepHistory) -> list[_ModelRuns]:
    """The models with enough runs of a step to be compared, if there are several."""
    series = history.series
    rows = [
        row for row in zip(series.runs, series.models, series.cost_usd, strict=False) if row[1] and row[2]
    ]
    last = {name for _, name, _ in rows[-FEW:]}
    by_name: dict[str, list[tuple[int, float]]] = {}
    for index, name, usd in rows:
        by_name.setdefault(name or "", []).append((index, usd or 0.0))
    models = [
        _model(history, name, runs, recent=name in last) for name, runs in by_name.items() if len(runs) >= FEW
    ]
    return models if len(models) > 1 else []


def _model(history: StepHistory, name: str, runs: Sequence[tuple[int, float]], *, recent: bool) -> _ModelRuns:
    failed = {index for index, anomaly in history.anomalies.items() if anomaly.failed}
    return _ModelRuns(
        name=" + ".join(msgspec.json.decode(name, type=list[str])),
        usd=median([usd for index, usd in runs if index not in failed]) or 0.0,
        runs=len(runs),
        failed=sum(index in failed for index, _ in runs),
        recent=recent,
    )
