"""``--fail-on``: when a comparison is to end a script. ``slower:20%``, ``failed``, ``cost:10%``."""

from __future__ import annotations

import re

from one_trace.analyse.changes import LEAST_MS
from one_trace.analyse.diff import DiffDocument, StepDiff, Verdict, more_than
from one_trace.errors import WrongUsage
from one_trace.model.trace import FAILED_STATUSES

MATTERS = 0.05
"""A step fails a comparison by its time only if the change is this part of the run: the rest is not worth a
red light.
"""


def check(rule: str, diff: DiffDocument) -> Verdict:
    """Whether a rule is met. Raises WrongUsage where it is none."""
    kind, limit = parse(rule)
    because = {"slower": _slower, "cost": _more_expensive, "failed": _failed}[kind](diff, limit)
    return Verdict(rule=rule, met=bool(because), because=because)


def parse(rule: str) -> tuple[str, float]:
    """``slower:20%`` → ("slower", 0.2). Raises WrongUsage."""
    found = re.fullmatch(r"(failed)|(slower|cost):(\d+(?:\.\d+)?)%?", rule)
    if found is None:
        raise WrongUsage(
            f"unknown rule '{rule}' of --fail-on",
            hint="Use slower:PERCENT, cost:PERCENT or failed: slower:20%, cost:10%.",
        )
    return (found[1] or found[2]), float(found[3] or 0) / 100


def _slower(diff: DiffDocument, limit: float) -> list[str]:
    """The run, or a step that matters, took longer by more than `limit`, and noise does not explain it."""
    because = []
    whole = more_than(diff.a.duration_ms, diff.b.duration_ms, limit)
    if whole and (diff.delta_ms or 0) >= LEAST_MS and not diff.noise:
        because.append(f"the run is {_by(diff.duration_change, diff.delta_ms)} slower")
    least = max(LEAST_MS, MATTERS * (diff.a.duration_ms or 0))
    for step in diff.steps:
        if step.a is None or step.b is None:
            continue
        longer = more_than(step.a.duration_ms, step.b.duration_ms, limit)
        if longer and (step.delta_ms or 0) >= least and "duration" not in step.noise:
            because.append(f"{step.path} is {_by(step.duration_change, step.delta_ms)} slower")
    return because


def _by(part: float | None, delta_ms: float | None) -> str:
    return f"{part:.0%}" if part is not None else f"{delta_ms or 0:.0f} ms"


def _more_expensive(diff: DiffDocument, limit: float) -> list[str]:
    """The run cost more by more than `limit`; what cost nothing before and does now is more than any
    limit.
    """
    before, after = diff.a.cost_usd or 0.0, diff.b.cost_usd or 0.0
    if after <= before * (1 + limit):
        return []
    return [f"the run costs ${after:.4f}, it was ${before:.4f}"]


def _failed(diff: DiffDocument, _: float) -> list[str]:
    """The run did not succeed, or a step failed that did not before."""
    because = [] if diff.b.status in ("success", "stopped") else [f"the run ended as {diff.b.status}"]
    return because + [
        f"{step.path} ended as {step.b.status}" for step in diff.steps if step.b and _worse(step)
    ]


def _worse(step: StepDiff) -> bool:
    return (
        step.b is not None
        and step.b.status in FAILED_STATUSES
        and (step.a is None or step.a.status not in FAILED_STATUSES)
    )
