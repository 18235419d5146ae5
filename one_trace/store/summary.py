"""One run's spans as one row a step: what statistics over many runs are made of."""

from __future__ import annotations

import operator
from array import array
from collections.abc import Sequence

from msgspec import Struct

from one_trace.model import Span
from one_trace.store.rows import Row, encode_text

STEP_RUN_COLUMNS = (
    "step, run, started_ms, spans, success, error, timeout, skipped, stopped, incomplete, retries, late, "
    "durations, sum_ms, max_ms, self_ms, input_bytes, output_bytes, max_output_bytes, cost_usd, wasted_usd, "
    "input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, turns, models"
)
_STATUSES = ("success", "error", "timeout", "skipped", "stopped", "incomplete")

StepKey = tuple[str, str, str, str, str, str]
"""(flow, static path, step_id, name, type, flow_key)"""


class _Tally(Struct):
    counts: dict[str, int]
    durations: array[float]
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
    """The step of each span. The static path is built from the parents' ids: an id may itself end like
    ``[0]``.
    """
    paths: dict[str, str] = {}
    keys: list[StepKey] = []
    for span in spans:
        parent = paths.get(span.parent_span_id, flow) if span.parent_span_id else flow
        path = f"{parent} > {span.step_id}"
        paths[span.span_id] = path
        keys.append((flow, path, span.step_id, span.name, span.type, span.flow_key))
    return keys


def summary_rows(run: int, started_ms: int, spans: Sequence[Span], steps: Sequence[int]) -> list[Row]:
    """The rows of one run, in the order of STEP_RUN_COLUMNS; `steps` are the step numbers of `spans`."""
    tallies: dict[int, _Tally] = {}
    for span, step, own_ms in zip(spans, steps, self_times(spans), strict=True):
        tally = tallies.get(step)
        if tally is None:
            tally = tallies[step] = _Tally(dict.fromkeys(_STATUSES, 0), array("f"))
        _add(tally, span, own_ms)
    return [_row(run, started_ms, step, tally) for step, tally in sorted(tallies.items())]


def _add(tally: _Tally, span: Span, own_ms: float) -> None:
    tally.spans += 1
    tally.counts[span.status] += 1
    tally.retries += span.retries
    tally.late += span.late
    if span.duration_ms is not None:
        tally.durations.append(span.duration_ms)
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
        tally.durations.tobytes(),
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


def self_times(spans: Sequence[Span]) -> list[float]:
    """Each span's time less the union of its children's intervals, in ms; 0 where its duration is not
    known.
    """
    inside: dict[str, list[tuple[float, float]]] = {}
    for span in spans:
        if span.parent_span_id is not None and span.duration_ms:
            inside.setdefault(span.parent_span_id, []).append(
                (span.start_ms, span.start_ms + span.duration_ms)
            )
    return [
        _own(span.start_ms, span.duration_ms, inside[span.span_id])
        if span.duration_ms and span.span_id in inside
        else span.duration_ms or 0.0
        for span in spans
    ]


def _own(start_ms: float, duration_ms: float, children: list[tuple[float, float]]) -> float:
    covered, reached, end = 0.0, start_ms, start_ms + duration_ms
    for child_start, child_end in sorted(children):
        stop = child_end if child_end < end else end
        if stop > reached:
            covered += stop - (child_start if child_start > reached else reached)
            reached = stop
    return duration_ms - covered
