"""Filters of a trace: only failures, one step, or the upper levels. Spans that are kept keep their
parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from msgspec.structs import replace

from one_trace.errors import CliError
from one_trace.model.trace import FAILED_STATUSES, Cause, Span, Trace
from one_trace.model.tree import static_paths


def failed(trace: Trace) -> Trace:
    """The spans that failed, timed out or never ended, with their parents."""
    return _with_parents(trace, (span for span in trace.spans if span.status in FAILED_STATUSES))


def without_error(trace: Trace, reported: str) -> Trace:
    """The trace without the texts of errors that are in `reported`."""

    def blank(error: str | None) -> bool:
        return bool(error) and str(error).strip() in reported

    run, cause = trace.run, trace.run.cause
    if isinstance(cause, Cause) and blank(cause.error):
        run = replace(run, cause=replace(cause, error=None, error_code=None))
    spans = [
        replace(span, error=None, error_code=None) if blank(span.error) else span for span in trace.spans
    ]
    return replace(trace, run=run, spans=spans)


def step(trace: Trace, ref: str) -> tuple[Trace, list[Span]]:
    """The spans that `ref` names, with what is inside them and their parents; and the named spans alone.

    `ref` is a path, a path without iterations and attempts, or a step's id. Raises CliError
    (no-such-step).
    """
    places = static_paths(trace.run.flow_key, trace.spans)
    named = _named(trace, places, ref)
    if not named:
        known = dict.fromkeys(places.values())
        near = get_close_matches(
            ref, [*known, *dict.fromkeys(span.step_id for span in trace.spans)], n=1, cutoff=0.5
        )
        hint = f"Nearest: '{near[0]}'." if near else "Paths stand in 'trace show RUN --agent'."
        raise CliError(f"run {trace.run.run_id} has no step '{ref}'", hint=hint, code="no-such-step")
    inside = {span.span_id for span in named}
    for span in trace.spans:
        if span.parent_span_id in inside:
            inside.add(span.span_id)
    return _with_parents(trace, (span for span in trace.spans if span.span_id in inside)), named


def _named(trace: Trace, places: Mapping[str, str], ref: str) -> list[Span]:
    return (
        [span for span in trace.spans if span.path == ref]
        or [span for span in trace.spans if places[span.span_id] == ref]
        or [span for span in trace.spans if span.step_id == ref]
    )


def depth(trace: Trace, levels: int) -> tuple[Trace, dict[str, int]]:
    """The upper `levels` levels (1: the flow's own steps), and by span id how many spans are hidden
    inside."""
    level: dict[str, int] = {}
    shown: dict[str, str] = {}
    hidden: dict[str, int] = {}
    kept: list[Span] = []
    for span in trace.spans:
        parent = span.parent_span_id or ""
        level[span.span_id] = level.get(parent, 0) + 1
        if level[span.span_id] <= levels:
            kept.append(span)
            shown[span.span_id] = span.span_id
        else:
            above = shown.get(parent, parent)
            shown[span.span_id] = above
            hidden[above] = hidden.get(above, 0) + 1
    return Trace(run=trace.run, spans=kept), hidden


def _with_parents(trace: Trace, spans: Iterable[Span]) -> Trace:
    keep = {span.span_id for span in spans}
    for span in reversed(trace.spans):
        if span.span_id in keep and span.parent_span_id:
            keep.add(span.parent_span_id)
    return Trace(run=trace.run, spans=[span for span in trace.spans if span.span_id in keep])
