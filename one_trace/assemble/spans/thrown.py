"""What is said of what threw, whatever found it."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.assemble.flowtree.tree import Node
from one_trace.engine.rules import BASH_TIMEOUT_MS
from one_trace.model.trace import Cause
from one_trace.record.tolerant import bounded_number

LIST_LIMIT = 50
_UNREPORTED = "Cannot set property message of "


def class_of(error: str | None, code: str | None, step_type: str | None) -> tuple[str | None, bool]:
    """As `error_class`, whose patterns are of use for a failed run alone."""
    from one_trace.assemble.spans.error_class import error_class

    return error_class(error, code, step_type)


def flow_cause(prefix: str, error: str | None, never_ran: Sequence[str]) -> Cause:
    """The flow itself, where no step threw: its inputs were refused. `prefix`: its path."""
    kind, guessed = class_of(error, None, None)
    return Cause(
        span_id=None,
        path=prefix,
        error=error,
        error_class=kind,
        never_ran=list(never_ran[:LIST_LIMIT]),
        derived=["class"] if guessed else [],
    )


def own_code(node: Node, status: str | None, error: str | None, code: str | None) -> str | None:
    """``TIMEOUT`` for a step whose own time-out was thrown; else the `code` that its result has."""
    if code:
        return code
    thrown = status in ("error", "incomplete") and (error or "").startswith(node.timed_out)
    return "TIMEOUT" if status == "timeout" or thrown else None


def ran_out_of_time(node: Node, error: str | None, took_ms: float | None) -> bool:
    """What the host's words do not say: a command that it ended by the command's own limit, and a code step
    whose abort signal went off, of which the host cannot report the message. `took_ms`: the last attempt."""
    text = error or ""
    if node.type == "bash" and text.startswith("Command failed: ") and took_ms is not None:
        return took_ms >= (bounded_number(node.config.get("timeout")) or BASH_TIMEOUT_MS)
    source = node.config.get("source")
    return text.startswith(_UNREPORTED) and isinstance(source, str) and "Abort" in source


def ran_at(status: str | None, start: float, end: float | None, moment: float | None) -> bool:
    """Whether it was under way at that moment. Epoch ms; `end`: None if it shows nowhere."""
    if moment is None or status == "skipped" or start > moment:
        return False
    return end is None or end > moment
