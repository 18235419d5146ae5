"""The definition of a flow as it may leave: its version, and names and limits of its steps."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from one_trace.model.trace import FlowDefinition, PlannedStep
from one_trace.outbound.names import Redact, one_line, static_path

_STRATEGIES = frozenset(("fail", "continue", "retry", "fallback"))
"""Anything else is text of the flow file, and fails."""


class SanitizedDefinition(Struct, kw_only=True, frozen=True):
    """Static paths as in `SanitizedCause.never_ran`. A planned step has no place in a file, and no hashes of
    what is written there."""

    version: str | None
    static_paths: list[str]
    step_timeouts: dict[str, float]
    plan: list[PlannedStep]


def sanitized_definition(flow: FlowDefinition, mask: Redact) -> SanitizedDefinition:
    return SanitizedDefinition(
        version=flow.version,
        static_paths=[static_path(path, mask) for path in flow.static_paths],
        step_timeouts={static_path(path, mask): limit for path, limit in flow.step_timeouts.items()},
        plan=[_planned(step, mask) for step in flow.plan],
    )


def _planned(step: PlannedStep, mask: Redact) -> PlannedStep:
    return replace(
        step,
        path=static_path(step.path, mask),
        type=one_line(mask(step.type)),
        flow_key=one_line(mask(step.flow_key)),
        strategy=step.strategy if step.strategy in _STRATEGIES else "fail",
        reads=[one_line(mask(read)) for read in step.reads],
        at=None,
        parts={},
    )
