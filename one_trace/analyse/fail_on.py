"""``--fail-on``: when a comparison makes a script fail. ``slower:20%``, ``failed``, ``cost:10%``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from one_trace.analyse.changes import LEAST_MS
from one_trace.analyse.diff import DiffDocument, RuleResult, StepDiff, exceeds
from one_trace.errors import WrongUsage
from one_trace.model.trace import FAILED_STATUSES

LEAST_SHARE = 0.05
"""A slower step matters only if the change is at least this part of the run."""


class Reason(NamedTuple):
    """Why a rule is met. `path`: of the step that it is about, below the flow's key; None for the run."""

    path: str | None
    text: str


def check(rule: str, diff: DiffDocument) -> RuleResult:
    """Whether a rule is met. Raises WrongUsage if it is not a rule."""
    return result(rule, reasons(rule, diff))


def result(rule: str, because: Sequence[Reason]) -> RuleResult:
    """Of a rule, given why it is met."""
    return RuleResult(rule=rule, met=bool(because), because=[reason.text for reason in because])


def reasons(rule: str, diff: DiffDocument) -> list[Reason]:
    """Why a rule is met; none if it is not. Raises WrongUsage if it is not a rule."""
    kind, limit = parse(rule)
    return {"slower": _slower, "cost": _costlier, "failed": _failed}[kind](diff, limit)


def needs_baseline(rule: str) -> bool:
    """Whether a rule is about a change, so that it needs something to compare with."""
    return parse(rule)[0] != "failed"


def parse(rule: str) -> tuple[str, float]:
    """``slower:20%`` → ("slower", 0.2). Raises WrongUsage."""
    match = re.fullmatch(r"(failed)|(slower|cost):(\d+(?:\.\d+)?)%?", rule)
    if match is None:
        raise WrongUsage(
            f"unknown rule '{rule}' of --fail-on", hint="Use failed, slower:PERCENT or cost:PERCENT."
        )
    return (match[1] or match[2]), float(match[3] or 0) / 100


def _slower(diff: DiffDocument, limit: float) -> list[Reason]:
    """The run, or a step that matters, took longer by more than `limit`, and it is not noise."""
    because = []
    longer = exceeds(diff.a.duration_ms, diff.b.duration_ms, limit)
    if longer and (diff.delta_ms or 0) >= LEAST_MS and not diff.noise:
        because.append(Reason(None, f"the run is {_by(diff.duration_change, diff.delta_ms)} slower"))
    least = max(LEAST_MS, LEAST_SHARE * (diff.a.duration_ms or 0))
    for step in diff.steps:
        if step.a is None or step.b is None:
            continue
        longer = exceeds(step.a.duration_ms, step.b.duration_ms, limit)
        if longer and (step.delta_ms or 0) >= least and "duration" not in step.noise:
            text = f"{step.path} is {_by(step.duration_change, step.delta_ms)} slower"
            because.append(Reason(step.path, text))
    return because


def _by(change: float | None, delta_ms: float | None) -> str:
    return f"{change:.0%}" if change is not None else f"{delta_ms or 0:.0f} ms"


def _costlier(diff: DiffDocument, limit: float) -> list[Reason]:
    before, after = diff.a.cost_usd or 0.0, diff.b.cost_usd or 0.0
    if not exceeds(before, after, limit):
        return []
    return [Reason(None, f"the run costs ${after:.4f}, before ${before:.4f}")]


def _failed(diff: DiffDocument, _: float) -> list[Reason]:
    """The run did not succeed, or a step failed that did not before."""
    failed = diff.b.status not in ("success", "stopped")
    because = [Reason(None, f"the run ended with {diff.b.status}")] if failed else []
    return because + [
        Reason(step.path, f"{step.path} ended with {step.b.status}")
        for step in diff.steps
        if step.b and _newly_failed(step)
    ]


def _newly_failed(step: StepDiff) -> bool:
    a, b = (side.status if side else None for side in (step.a, step.b))
    return b in FAILED_STATUSES and a not in FAILED_STATUSES
