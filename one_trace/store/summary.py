"""One run's spans as one row a step: what statistics over many runs are made of."""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Sequence

from msgspec import Struct

from one_trace.model.times import to_ms
from one_trace.model.trace import SPAN_STATUSES, Run, Span, Trace
from one_trace.model.tree import Shape, covered, static_paths
from one_trace.store.rows import Row, encode_text

STEP_RUN_COLUMNS = (
    "step, run, started_ms, spans, success, error, timeout, skipped, stopped, incomplete, retries, late, "
    "durations, sum_ms, max_ms, self_ms, input_bytes, output_bytes, max_output_bytes, cost_usd, wasted_usd, "
    "input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, turns, models, busy_ms"
)
DOUBLES = b"d"
"""What stands ahead of durations that are ``array('d')``."""

StepKey = tuple[str, str, str, str, str, str]
"""(flow, static path, step_id, name, type, flow_key)"""


class _Tally(Struct):
    counts: dict[str, int]
    durations: array[float]
    intervals: list[tuple[float, float]]
    spans: int = 0
    retries: int = 0
    late: int = 0
    sum_ms: float = 0
    self_ms: float = 0
    input_bytes: int | None = None
    output_bytes: int | None = None
    max_output_bytes: int | None = None
    cost: float | None = None
    wasted: float | None = None
    used: bool = False
    tokens: tuple[int, ...] = (0, 0, 0, 0, 0)
    models: dict[str, None] = {}


def step_keys(flow: str, spans: Sequence[Span]) -> list[StepKey]:
    """The step of each span."""
    paths = static_paths(flow, spans)
    return [(flow, paths[span.span_id], span.step_id, span.name, span.type, span.flow_key) for span in spans]


def summary_rows(number: int, run: Run, spans: Sequence[Span], steps: Sequence[int]) -> list[Row]:
    """The rows of the run of this number, in the order of STEP_RUN_COLUMNS; `steps` are the step numbers of
    `spans`."""
    tallies: dict[int, _Tally] = {}
    started = to_ms(run.started_at) or 0
    own = Shape(Trace(run=run, spans=list(spans))).self_ms
    for span, step in zip(spans, steps, strict=True):
        tally = tallies.get(step)
        if tally is None:
            tally = tallies[step] = _Tally(dict.fromkeys(SPAN_STATUSES, 0), array("d"), [])
        _add(tally, span, own.get(span.span_id, 0.0))
    end = run.duration_ms if run.duration_ms is not None else math.inf
    return [
        (*_row(number, started, step, tally), covered(tally.intervals, 0.0, end))
        for step, tally in sorted(tallies.items())
    ]


def _add(tally: _Tally, span: Span, own_ms: float) -> None:
    tally.spans += 1
    tally.counts[span.status] += 1
    tally.retries += span.retries
    tally.late += span.late
    if span.duration_ms is not None:
        tally.durations.append(span.duration_ms)
        tally.intervals.append(_interval(span))
        tally.sum_ms += span.duration_ms
        tally.self_ms += own_ms
    if span.input_bytes is not None:
        tally.input_bytes = (tally.input_bytes or 0) + span.input_bytes
    size = span.output_bytes
    if size is not None:
        tally.output_bytes = (tally.output_bytes or 0) + size
        if tally.max_output_bytes is None or size > tally.max_output_bytes:
            tally.max_output_bytes = size
    if span.usage is not None:
        _add_usage(tally, span)


def _add_usage(tally: _Tally, span: Span) -> None:
    usage = span.usage
    assert usage is not None
    tally.used = True
    if usage.cost_usd is not None:
        tally.cost = (tally.cost or 0) + usage.cost_usd
        tally.wasted = (tally.wasted or 0) + (0 if span.status == "success" else usage.cost_usd)
    counted = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.turns,
    )
    tally.tokens = tuple(map(operator.add, tally.tokens, counted))
    tally.models.update(dict.fromkeys(usage.models))


def _row(run: int, started_ms: int, step: int, tally: _Tally) -> Row:
    return (
        step,
        run,
        started_ms,
        tally.spans,
        *tally.counts.values(),
        tally.retries,
        tally.late,
        DOUBLES + tally.durations.tobytes(),
        tally.sum_ms,
        max(tally.durations, default=None),
        tally.self_ms,
        tally.input_bytes,
        tally.output_bytes,
        tally.max_output_bytes,
        tally.cost,
        tally.wasted,
        *(tally.tokens if tally.used else (None,) * 5),
        encode_text(list(tally.models)) if tally.used else None,
    )


def _interval(span: Span) -> tuple[float, float]:
    return span.start_ms, span.start_ms + (span.duration_ms or 0.0)
