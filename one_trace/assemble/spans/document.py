"""The spans as they are shown, each with what of it is not certain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from one_trace.assemble.live.state import LiveSpan
from one_trace.assemble.reading.replay import Replay
from one_trace.assemble.sizes.compact import compact_bytes
from one_trace.assemble.sizes.usage import usage_of
from one_trace.assemble.spans.cause import timeout_code
from one_trace.assemble.spans.lateness import Stopped, lateness
from one_trace.assemble.spans.order import to_microsecond
from one_trace.assemble.spans.unsettled import UNSETTLED, no_reading
from one_trace.model.times import to_iso
from one_trace.model.trace import Span, SpanStatus


def born(spans: list[LiveSpan]) -> list[LiveSpan]:
    """Without the unlogged children that never started. One in which something was logged did start."""
    if all(span.shown.born for span in spans):
        return list(spans)
    seen: set[int] = set()
    for span in reversed(spans):
        owner = span.act.span
        shows = span.slot < 0 or span.end_index is not None
        if owner is not None and ((span.shown.born and shows) or span.number in seen):
            seen.add(owner.number)
            owner.shown.born = True
    kept: set[int] = set()
    for span in spans:
        owner = span.act.span
        if span.shown.born and (owner is None or owner.number in kept):
            kept.add(span.number)
    return [span for span in spans if span.number in kept]


def spans_of(ordered: list[LiveSpan], ids: dict[int, str], start: float, over: float) -> list[Span]:
    """As they are shown, in their order. `over`: when the log ends."""
    orders: Counter[int] = Counter()
    stopped: Stopped = {}
    return [_span(span, ids, start, orders, over, stopped) for span in ordered]


def _span(
    span: LiveSpan, ids: dict[int, str], start: float, orders: Counter[int], over: float, stopped: Stopped
) -> Span:
    node, act, result = span.node, span.act, span.shown.result
    owner = act.span
    status: SpanStatus = span.shown.status or "incomplete"  # type: ignore[assignment]
    error = span.shown.error if span.shown.error is not None else result.error if result is not None else None
    # With more than fifteen names a call makes a dict of them first: what few spans have is set afterwards.
    made = Span(
        span_id=ids[span.number],
        parent_span_id=ids[owner.number] if owner is not None else None,
        step_id=node.id,
        name=node.name,
        type=node.type,
        flow_key=node.flow_key,
        path=span.path,
        iteration=span.iteration,
        index=node.index,
        parent_attempt=act.attempt if owner is not None else None,
        status=status,
        started_at=span.started_at or to_iso(span.start),
        start_ms=to_microsecond(span.start - start),
        duration_ms=None
        if span.shown.duration is None or status in ("skipped", "incomplete")
        else to_microsecond(span.shown.duration),
        output_bytes=compact_bytes(result.output) if result is not None else None,
    )
    made.derived = _derived(span)
    if span.branch is not None:
        made.branch = span.branch
    if span.attempts != 1:
        made.attempts, made.retries = span.attempts, span.attempts - 1
    if error is not None:
        made.error = error
    code = timeout_code(span, error)
    if code is not None:
        made.error_code = code
    made.late, sure = lateness(span, over, stopped)
    if not sure:
        made.derived.append("late")
    if not span.placed:
        made.index = orders[id(act)]
        orders[id(act)] += 1
    if result is not None:
        made.usage = usage_of(result, node.type)
    return made


def _derived(span: LiveSpan) -> list[str]:
    derived: list[str] = []
    if span.slot >= 0:
        derived += ["startedAt", "startMs"]
        untold = span.shown.status == "incomplete" or (
            span.shown.status == "success" and span.shown.duration is None
        )
        unsure = untold or span.shown.doubtful or span.shown.shared_result
        derived += ["status", "durationMs"] if unsure else ["durationMs"]
    elif span.started_at is None:
        derived += ["startedAt", "startMs"]
    if span.shown.either_end and span.slot < 0:
        derived += ["status", "durationMs"]
    if not span.placed:
        derived += ["path", "parentSpanId", "index"]
    elif span.act.unsure.astray:
        derived += ["path", "parentSpanId"]
    if span.act.unsure.either:
        derived += ["branch", *(() if "index" in derived else ["index"])]
    if span.shown.doubtful if span.slot < 0 else span.act.unsure.doubtful:
        derived.append("iteration")
    if span.shown.shared_result and span.shown.result is not None:
        derived.append("outputBytes")
    if span.shown.unsure_attempts:
        derived += ["attempts", "retries"]
    if span.shown.host_ms is not None and "durationMs" not in derived:
        derived.append("durationMs")
    return derived


def name_doubts(replay: Replay, ordered: list[LiveSpan], made: list[Span]) -> None:
    """What the replay as a whole leaves open stands in `derived` of the spans that it bears on, and, where
    something contradicts every reading, in the run's faults."""
    doubts = replay.doubts
    unsure = _name_unsettled(made) if doubts.unsettled else 0
    unsure_ends = [shown for span, shown in zip(ordered, made, strict=True) if span.shown.unsure_end]
    if unsure_ends and not replay.world.facts.exact:
        _name_too(unsure_ends, ["durationMs"])
    if doubts.strained:
        _name_too([span for span in made if "iteration" in span.derived], ["durationMs"])
    if unsure:
        replay.faults.append(no_reading(unsure))


def _name_unsettled(spans: list[Span]) -> int:
    """Where something contradicts every reading that was tried, each span of a step of which one may be
    another says that it may, and in what. How many these are."""
    steps = {span.step_id for span in spans if {"iteration", "path"} & set(span.derived)}
    unsure = [span for span in spans if span.step_id in steps]
    _name_too(unsure, UNSETTLED)
    return len(unsure)


def _name_too(spans: list[Span], names: Iterable[str]) -> None:
    for span in spans:
        span.derived += [name for name in names if name not in span.derived]
