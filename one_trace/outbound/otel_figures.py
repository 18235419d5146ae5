"""Figures of spans that a database cannot make of its rows without a tree or a union of intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

from one_trace.model.tree import children_of, last_known_ms, self_times, superseded
from one_trace.outbound.otel_attributes import Attributes
from one_trace.outbound.sanitize import SanitizedRun, SanitizedSpan


class Figures:
    """Of all spans of a run, whose static paths are `paths`."""

    def __init__(self, run: SanitizedRun, spans: Sequence[SanitizedSpan], paths: Mapping[str, str]) -> None:
        self._self_ms = self_times(spans, children_of(spans), last_known_ms(run.duration_ms, spans))
        end = inf if run.duration_ms is None else run.duration_ms
        self._overlaps = _overlaps(_by_step(spans, paths), end)
        self._superseded = superseded(
            (span.span_id, span.parent_span_id, span.parent_attempt, span.attempts) for span in spans
        )

    def of(self, span: SanitizedSpan) -> Attributes:
        span_id = span.span_id
        found: Attributes = {"one.step.self_ms": self._self_ms.get(span_id)}
        if span_id in self._overlaps:
            found["one.step.overlap_ms"] = self._overlaps[span_id]
        if span.usage is not None and span_id in self._superseded:
            found["one.step.superseded"] = True
        return found


def _by_step(
    spans: Iterable[SanitizedSpan], paths: Mapping[str, str]
) -> Iterable[list[tuple[SanitizedSpan, float]]]:
    """The spans that have a duration, with it, by the steps of the store's summary."""
    steps: dict[tuple[str, str, str, str], list[tuple[SanitizedSpan, float]]] = {}
    for span in spans:
        if span.duration_ms is not None:
            key = (paths[span.span_id], span.name, span.type, span.flow_key)
            steps.setdefault(key, []).append((span, span.duration_ms))
    return steps.values()


def _overlaps(steps: Iterable[list[tuple[SanitizedSpan, float]]], end: float) -> dict[str, float]:
    """By span id, where it is not 0: how much of its duration an earlier span of its step covers, or is not
    within the run. The durations of a step less these are how long at least one of its spans ran."""
    found = {}
    for step in steps:
        reached = 0.0
        for span, duration in sorted(step, key=_start):
            low, high = max(span.start_ms, reached), min(span.start_ms + duration, end)
            overlap = duration - max(high - low, 0.0)
            if overlap:
                found[span.span_id] = overlap
            reached = max(reached, high)
    return found


def _start(timed: tuple[SanitizedSpan, float]) -> float:
    return timed[0].start_ms
