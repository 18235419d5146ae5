"""The order of spans, and the ids that come of it."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.assemble.ground.executions import Execution
from one_trace.model.digest import blake2b


def in_order(executions: Sequence[Execution]) -> list[Execution]:
    """By start, but never a child before its parent: clocks jump, and damaged lines lie. `executions` has
    parents before children."""
    keys: dict[int, float] = {}
    for each in executions:
        above, start = each.where.above, each.start
        least = keys.get(above.number, start) if above is not None else start
        keys[each.number] = max(start, least)
    return sorted(executions, key=lambda each: keys[each.number])


def span_ids(ordered: Sequence[Execution], trace: str) -> dict[int, str]:
    """16 hex digits a span, by its number: spans of one path are distinguished by their order of start."""
    ids: dict[int, str] = {}
    seen: dict[str, int] = {}
    for span in ordered:
        nth = seen[span.path] = seen.get(span.path, 0) + 1
        text = f"{trace}|{span.path}|{nth}".encode("utf-8", "replace")
        ids[span.number] = blake2b(text, digest_size=8).hexdigest()
    return ids


def to_microsecond(ms: float) -> float:
    """A time to the microsecond: what is behind that comes of the subtraction."""
    return ms if ms == int(ms) else round(ms, 3)
