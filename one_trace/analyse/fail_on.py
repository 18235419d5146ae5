"""``--fail-on``: when a comparison makes a script fail. ``slower:20%``, ``failed``, ``cost:10%``."""

from __future__ import annotations

import re

from one_trace.analyse.changes import LEAST_MS
from one_trace.analyse.diff import DiffDocument, RuleResult, StepDiff, exceeds
from one_trace.errors import WrongUsage
from one_trace.model.trace import FAILED_STATUSES

LEAST_SHARE = 0.05
"""A slower step matters only if the change is at least this part of the run."""


def check(rule: str, diff: DiffDocument) -> RuleResult:
    """Whether a rule is met. Raises WrongUsage if it is not a rule."""
    kind, limit = parse(rule)
    because = {"slower": _slower, "cost": _costlier, "failed": _failed}[kind](diff, limit)
    return RuleResult(rule=rule, met=bool(because), because=because)


def parse(rule: str) -> tuple[str, float]:
    """``slower:20%`` → ("slower", 0.2). Raises WrongUsage."""
    match = re.fullmatch(r"(failed)|(slower|cost):(\d+(?:\.\d+)?)%?", rule)
    if match is None:
        raise WrongUsage(
            f"unknown rule '{rule}' of --fail-on", hint="Use failed, slower:PERCENT or cost:PERCENT."
        )
    return (match[1] or match[2]), float(match[3] or 0) / 100


def _slower(diff: DiffDocument, limit: float) -> list[str]:
    """The run, or a step that matters, took longer by more than `limit`, and it is not noise."""
    because = []
    longer = exceeds(diff.a.duration_ms, diff.b.duration_ms, limit)
    if longer and (diff.delta_ms or 0) >= LEAST_MS and not diff.noise:
        because.append(f"the run is {_by(diff.duration_change, diff.delta_ms)} slower")
    least = max(LEAST_MS, LEAST_SHARE * (diff.a.duration_ms or 0))
    for step in diff.steps:
        if step.a is None or step.b is None:
            continue
        longer = exceeds(step.a.duration_ms, step.b.duration_ms, limit)
        if longer and (step.delta_ms or 0) >= least and "duration" not in step.noise:
            because.append(f"{step.path} is {_by(step.duration_change, step.delta_ms)} slower")
    return because


def _by(change: float | None, delta_ms: float | None) -> str:
    return f"{change:.0%}" if change is not None else f"{delta_ms or 0:.0f} ms"


def _costlier(diff: DiffDocument, limit: float) -> list[str]:
    before, after = diff.a.cost_usd or 0.0, diff.b.cost_usd or 0.0
    return [f"the run costs ${after:.4f}, before ${before:.4f}"] if exceeds(before, after, limit) else []


def _failed(diff: DiffDocument, _: float) -> list[str]:
    """The run did not succeed, or a step failed that did not before."""
    because = [] if diff.b.status in ("success", "stopped") else [f"the run ended with {diff.b.status}"]
    return because + [
        f"{step.path} ended with {step.b.status}" for step in diff.steps if step.b and _newly_failed(step)
    ]


def _newly_failed(step: StepDiff) -> bool:
    a, b = (side.status if side else None for side in (step.a, step.b))
    return b in FAILED_STATUSES and a not in FAILED_STATUSES
