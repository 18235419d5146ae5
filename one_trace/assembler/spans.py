"""Executions as the spans of the document."""

from __future__ import annotations

from collections import Counter

from one_trace.assemble.sizes.compact import compact_bytes
from one_trace.assemble.sizes.usage import usage_of
from one_trace.assembler.cause import code_of
from one_trace.assembler.executions import Execution, duration_of, is_late
from one_trace.model.digest import blake2b
from one_trace.model.times import to_iso
from one_trace.model.trace import Span, SpanStatus


def in_order(executions: list[Execution]) -> list[Execution]:
    """By start, but never a child before its parent: clocks jump, and damaged lines lie."""
    keys: dict[int, float] = {}
    for each in executions:
        above = each.where.above
        keys[each.number] = max(each.start, keys.get(above.number, each.start)) if above else each.start
    return sorted(executions, key=lambda each: keys[each.number])


def ids(ordered: list[Execution], trace: str) -> dict[int, str]:
    """16 hex digits each: by their order of start among those of one path."""
    found: dict[int, str] = {}
    seen: dict[str, int] = {}
    for each in ordered:
        nth = seen[each.path] = seen.get(each.path, 0) + 1
        reported = f"{trace}|{each.path}|{nth}".encode("utf-8", "replace")
        found[each.number] = blake2b(reported, digest_size=8).hexdigest()
    return found


def span_of(each: Execution, found: dict[int, str], start: float, orders: Counter[int]) -> Span:
    node, where, result = each.node, each.where, each.result
    status: SpanStatus = each.status or "incomplete"  # type: ignore[assignment]
    lasted = duration_of(each) if status not in ("skipped", "incomplete") else None
    error = each.error if each.error is not None else result.error if result is not None else None
    line = each.lines[0]
    made = Span(
        span_id=found[each.number],
        parent_span_id=found[where.above.number] if where.above is not None else None,
        step_id=node.id,
        name=node.name,
        type=node.type,
        flow_key=node.flow_key,
        path=each.path,
        iteration=where.iteration,
        index=where.index,
        parent_attempt=where.attempt,
        status=status,
        started_at=to_iso(each.start),
        start_ms=_measured(each.start - start),
        duration_ms=_measured(lasted) if lasted is not None else None,
        output_bytes=compact_bytes(result.output) if result is not None else None,
    )
    if where.branch is not None:
        made.branch = where.branch  # type: ignore[assignment]
    if each.attempts != 1:
        made.attempts, made.retries = each.attempts, each.attempts - 1
    made.error = error
    made.error_code = code_of(each, error)
    if where.index is None:
        number = where.above.number if where.above is not None else -where.go
        made.index = orders[number]
        orders[number] += 1
    made.late = is_late(each)
    if line < 0:
        made.derived = ["startedAt", "startMs", "durationMs"]
    made.derived += sorted(each.doubts - set(made.derived)) if each.doubts else []
    if result is not None:
        made.usage = usage_of(result, node.type)
    return made


def _measured(ms: float) -> float:
    """A time to the microsecond: what is behind that comes of the subtraction."""
    return ms if ms == int(ms) else round(ms, 3)
