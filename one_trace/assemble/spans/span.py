"""Executions as the spans of the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from one_trace.assemble.ground.executions import Execution, duration_of, is_late
from one_trace.assemble.sizes.compact import compact_bytes
from one_trace.assemble.sizes.usage import usage_of
from one_trace.assemble.spans.cause import code_of
from one_trace.assemble.spans.order import to_microsecond
from one_trace.model.times import to_iso
from one_trace.model.trace import Span, SpanStatus
from one_trace.record.log import LogLine

_OUTCOME = frozenset({"status", "durationMs"})


def span_of(
    each: Execution, lines: Sequence[LogLine], ids: dict[int, str], start: float, orders: Counter[int]
) -> Span:
    """`ids`: of spans, by number; `start`: of the run, epoch ms; `orders`: how many spans that no list holds
    stand in each execution so far."""
    node, where, result = each.node, each.where, each.result
    above = where.above
    shown = not _is_unreported(each)
    status: SpanStatus = each.status or "incomplete"  # type: ignore[assignment]
    status = status if shown else _least(each)
    lasted = duration_of(each) if shown and status not in ("skipped", "incomplete") else None
    line = each.lines[0]
    # With more than fifteen names a call makes a dict of them first: what few spans have is set afterwards.
    made = Span(
        span_id=ids[each.number],
        parent_span_id=ids[above.number] if above is not None else None,
        step_id=node.id,
        name=node.name,
        type=node.type,
        flow_key=node.flow_key,
        path=each.path,
        iteration=where.iteration,
        index=where.index,
        parent_attempt=where.attempt,
        status=status,
        started_at=_reported(lines[line]) if line >= 0 else to_iso(each.start),
        start_ms=to_microsecond(each.start - start),
        duration_ms=to_microsecond(lasted) if lasted is not None else None,
        output_bytes=compact_bytes(result.output) if result is not None else None,
    )
    if where.branch is not None:
        made.branch = where.branch  # type: ignore[assignment]
    if each.attempts != 1:
        made.attempts, made.retries = each.attempts, each.attempts - 1
    if where.index is None:
        number = above.number if above is not None else -where.go
        made.index = orders[number]
        orders[number] += 1
    if above is not None and is_late(each):
        made.late = True
    if line < 0:
        made.derived = ["startedAt", "startMs", "durationMs"]
    elif each.line is not None and each.line.host_ms is not None:
        made.derived = ["durationMs"]
    if each.doubts:
        made.derived += sorted(each.doubts - set(made.derived))
    if result is not None:
        made.usage = usage_of(result, node.type)
    if status != "success" or (result is not None and (result.error is not None or result.error_code)):
        made.error = each.error if each.error is not None else result.error if result is not None else None
        made.error_code = code_of(each, made.error)
    return made


def _is_unreported(each: Execution) -> bool:
    """It has no lines, and no result, and what it runs in leaves it open how it ended. A success after
    retries has a line."""
    if not each.where.silent or each.result is not None or each.status not in ("success", "error"):
        return False
    retried = each.again and each.status == "success"
    return not retried and each.doubts is not None and each.doubts.issuperset(_OUTCOME)


def _least(each: Execution) -> SpanStatus:
    """What is certain of such a step: a block that succeeded has waited for its success, unless it goes on
    after a failure."""
    above = each.where.above
    succeeded = above is not None and above.status == "success" and not each.node.goes_on
    return "success" if succeeded else "incomplete"


def _reported(line: LogLine) -> str:
    """When a step began, as its line has it."""
    text = line.timestamp
    if text is not None and (text == line.ts or line.begun is not None):
        return text
    return to_iso(line.at)
