"""A run as Chrome trace JSON, which Perfetto (ui.perfetto.dev) and chrome://tracing open.

A step is drawn within its parent if nothing else runs there, otherwise on a track of its own: slices of
one track always nest. The file has error codes, but no error text.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from one_trace.model.trace import Span, Trace
from one_trace.model.tree import Shape

_CLOCK_MS = 2.0
"""The host counts whole milliseconds: a step that exceeds its parent by so little is drawn within it."""
_PID = 1


class _Slice(Struct):
    """A span as it is drawn: ms from the start of the run, on a lane."""

    span: Span
    start: float
    end: float
    lane: int


class _Lanes:
    """Open slices by lane, the innermost last."""

    def __init__(self) -> None:
        self.open: list[list[_Slice]] = [[]]
        self.names = ["main"]
        self.free_at: list[float] = [0.0]
        self._of_parent: dict[str | None, list[int]] = {}

    def place(self, span: Span, start: float, end: float, parent: _Slice | None) -> _Slice:
        """On the lane of its parent if it nests there, otherwise on a free lane, preferably one that the
        parent used."""
        home = parent.lane if parent else 0
        within = self._within(home, start, end, parent, span.late)
        if within is not None:
            return self._put(_Slice(span, *within, home))
        key = span.parent_span_id
        for lane in self._of_parent.get(key, ()):
            if self._idle(lane, start):
                return self._put(_Slice(span, start, end, lane))
        lane = len(self.open)
        self.open.append([])
        self.free_at.append(0.0)
        above = parent.span.step_id if parent else "run"
        self.names.append(f"{above} ({len(self._of_parent.get(key, ())) + 2})")
        self._of_parent.setdefault(key, []).append(lane)
        return self._put(_Slice(span, start, end, lane))

    def _within(
        self, lane: int, start: float, end: float, parent: _Slice | None, late: bool
    ) -> tuple[float, float] | None:
        """Start and end on the lane of the parent, without the jitter of the clock."""
        stack = self.open[lane]
        while stack and stack[-1] is not parent and stack[-1].end <= start:
            stack.pop()
        before = stack[-1] if stack and stack[-1] is not parent else None
        if before is not None:
            if before.span.parent_span_id != (parent.span.span_id if parent else None):
                return None
            if before.end - start > 1.0:
                return None
            stack.pop()
            if stack and stack[-1] is not parent:
                return None
            start, end = before.end, max(before.end, end)
        if parent is None:
            return start, end
        juts_out = max(end - parent.end, parent.start - start)
        if not stack or (late and end > parent.end) or juts_out > _CLOCK_MS:
            return None
        return min(max(start, parent.start), parent.end), min(max(end, parent.start), parent.end)

    def _idle(self, lane: int, start: float) -> bool:
        return self.free_at[lane] <= start

    def _put(self, slice_: _Slice) -> _Slice:
        stack = self.open[slice_.lane]
        while stack and stack[-1].end <= slice_.start and not _holds(stack[-1], slice_):
            stack.pop()
        stack.append(slice_)
        self.free_at[slice_.lane] = max(self.free_at[slice_.lane], slice_.end)
        return slice_


def _holds(outer: _Slice, inner: _Slice) -> bool:
    return outer.span.span_id == inner.span.parent_span_id


def perfetto(trace: Trace) -> dict[str, Any]:
    """The document."""
    slices, names = _slices(Shape(trace))
    events = [_named("process_name", 0, f"{trace.run.flow_key} {trace.run.run_id}")]
    for lane, name in enumerate(names):
        events += [_named("thread_name", lane, name), _sorted(lane)]
    events += [_event(slice_) for slice_ in slices]
    run = trace.run
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"runId": run.run_id, "traceId": run.trace_id, "startedAt": run.started_at},
    }


def _slices(shape: Shape) -> tuple[list[_Slice], list[str]]:
    """Every span but the skipped ones, by start."""
    lanes = _Lanes()
    drawn: dict[str, _Slice] = {}
    order = {span.span_id: at for at, span in enumerate(shape.spans)}
    level: dict[str, int] = {}
    for span in shape.spans:
        level[span.span_id] = level.get(span.parent_span_id or "", -1) + 1
    spans = [span for span in shape.spans if span.status != "skipped"]
    spans.sort(key=lambda span: (span.start_ms, level[span.span_id], order[span.span_id]))
    for span in _parents_first(spans):
        parent = drawn.get(span.parent_span_id or "")
        drawn[span.span_id] = lanes.place(span, span.start_ms, shape.end(span), parent)
    return list(drawn.values()), lanes.names


def _parents_first(spans: list[Span]) -> list[Span]:
    """By start, but a child that seems to start before its parent waits for it."""
    listed = {span.span_id for span in spans}
    done: set[str] = set()
    waiting: dict[str, list[Span]] = {}
    ordered: list[Span] = []
    for span in spans:
        parent = span.parent_span_id
        if parent in listed and parent not in done:
            waiting.setdefault(parent or "", []).append(span)
            continue
        todo = [span]
        while todo:
            at = todo.pop()
            ordered.append(at)
            done.add(at.span_id)
            todo += reversed(waiting.pop(at.span_id, []))
    return ordered


def _event(slice_: _Slice) -> dict[str, Any]:
    span = slice_.span
    start, end = round(slice_.start * 1000), round(slice_.end * 1000)
    turn = f"[{span.iteration}] " if span.iteration is not None else ""
    arguments = {
        "path": span.path,
        "status": span.status,
        "durationMs": span.duration_ms,
        "attempts": span.attempts,
        "outputBytes": span.output_bytes,
        "inputBytes": span.input_bytes,
        "errorCode": span.error_code,
        "late": span.late or None,
        "usage": span.usage,
        "spanId": span.span_id,
    }
    return {
        "name": f"{turn}{span.step_id}",
        "cat": f"{span.type},{span.status}",
        "ph": "X",
        "ts": start,
        "dur": end - start,
        "pid": _PID,
        "tid": slice_.lane,
        "args": {key: value for key, value in arguments.items() if value is not None},
    }


def _named(what: str, lane: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": _PID, "tid": lane, "ts": 0, "args": {"name": name}}


def _sorted(lane: int) -> dict[str, Any]:
    return {
        "name": "thread_sort_index",
        "ph": "M",
        "pid": _PID,
        "tid": lane,
        "ts": 0,
        "args": {"sort_index": lane},
    }
