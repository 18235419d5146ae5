"""The spans of one run summed up by step: what statistics over many runs read."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from one_trace.model.times import to_ms
from one_trace.model.trace import SPAN_STATUSES, Run, Span, Trace, Usage
from one_trace.model.tree import Shape, covered
from one_trace.store.connection import Row
from one_trace.store.rows import encode_text

STEP_RUN_COLUMNS = (
    "step, run, started_ms, spans, success, error, timeout, skipped, stopped, incomplete, retries, late, "
    "durations, sum_ms, max_ms, self_ms, busy_ms, input_bytes, output_bytes, max_output_bytes, "
    "cost_usd, wasted_usd, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, turns, models"
)
DOUBLES = b"d"
"""The first byte of durations that are ``array('d')``."""
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "turns")


def summary_rows(number: int, run: Run, spans: Sequence[Span], steps: Sequence[int]) -> list[Row]:
    """The rows of the run with this number, in the order of STEP_RUN_COLUMNS; `steps` are the step numbers of
    `spans`.
    """
    spans_by_step: dict[int, list[Span]] = {}
    for span, step in zip(spans, steps, strict=True):
        spans_by_step.setdefault(step, []).append(span)
    started_ms = to_ms(run.started_at) or 0
    end = run.duration_ms if run.duration_ms is not None else math.inf
    self_ms = Shape(Trace(run=run, spans=list(spans))).self_ms
    return [
        (
            step,
            number,
            started_ms,
            *_counts(group),
            *_times(group, self_ms, end),
            *_sizes(group),
            *_usage([(span.usage, span.status) for span in group if span.usage is not None]),
        )
        for step, group in sorted(spans_by_step.items())
    ]


def _counts(spans: Sequence[Span]) -> Iterable[int]:
    by_status = Counter(span.status for span in spans)
    yield len(spans)
    yield from (by_status[status] for status in SPAN_STATUSES)
    yield sum(span.retries for span in spans)
    yield sum(span.late for span in spans)


def _times(spans: Sequence[Span], self_ms: Mapping[str, float], end: float) -> Row:
    timed = [(span, span.duration_ms) for span in spans if span.duration_ms is not None]
    durations = array("d", [duration for _, duration in timed])
    return (
        DOUBLES + durations.tobytes(),
        math.fsum(durations),
        max(durations, default=None),
        math.fsum(self_ms.get(span.span_id, 0.0) for span, _ in timed),
        covered([(span.start_ms, span.start_ms + duration) for span, duration in timed], 0.0, end),
    )


def _sizes(spans: Sequence[Span]) -> Row:
    inputs = [span.input_bytes for span in spans if span.input_bytes is not None]
    outputs = [span.output_bytes for span in spans if span.output_bytes is not None]
    return (
        sum(inputs) if inputs else None,
        sum(outputs) if outputs else None,
        max(outputs, default=None),
    )


def _usage(used: Sequence[tuple[Usage, str]]) -> Row:
    if not used:
        return (None,) * 8
    costs = [(usage.cost_usd, status) for usage, status in used if usage.cost_usd is not None]
    return (
        math.fsum(cost for cost, _ in costs) if costs else None,
        math.fsum(cost for cost, status in costs if status != "success") if costs else None,
        *(sum(getattr(usage, name) for usage, _ in used) for name in _TOKENS),
        encode_text(list(dict.fromkeys(model for usage, _ in used for model in usage.models))),
    )
