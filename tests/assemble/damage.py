"""What must hold of the trace of a damaged record, and which line of the log ended which span."""

from __future__ import annotations

from dataclasses import dataclass

from one_trace.assemble import assemble
from one_trace.assemble.search.readings import Reading
from one_trace.assemble.spans.order import in_order
from one_trace.errors import RecordError
from one_trace.model.trace import RUN_STATUSES, SPAN_STATUSES, Span, Trace
from one_trace.record.files import RunFiles
from one_trace.record.reading import read

DOUBTED = {"iteration", "path", "status"}
"""What a span says in `derived` if the record leaves open where it stands or how it ended."""


def assembled(files: RunFiles) -> Trace | None:
    """The trace; None for a record of which nothing can be read at all. Whatever else is thrown is a bug."""
    try:
        return assemble(read(files)).trace
    except RecordError:
        return None


def check(trace: Trace | None) -> None:
    """What holds of any trace, whatever it was made of."""
    if trace is None:
        return
    run = trace.run
    assert run.status in RUN_STATUSES
    assert (run.ended_at is None) == (run.duration_ms is None)
    assert run.duration_ms is None or run.duration_ms >= 0
    assert run.status != "incomplete" or run.ended_at is None
    seen: dict[str, Span] = {}
    for span in trace.spans:
        assert span.span_id not in seen
        parent = None
        if span.parent_span_id is not None:
            parent = seen[span.parent_span_id]
        _check_place(span, parent)
        assert span.status in SPAN_STATUSES
        assert span.status not in ("incomplete", "skipped") or span.duration_ms is None
        assert span.attempts >= 1
        assert span.retries == span.attempts - 1
        seen[span.span_id] = span
    assert run.counts.spans == len(trace.spans)
    assert sum(getattr(run.counts, status) for status in SPAN_STATUSES) == len(trace.spans)
    assert run.counts.retries == sum(span.retries for span in trace.spans)


def _check_place(span: Span, parent: Span | None) -> None:
    """A path goes on where the parent's ends; an attempt that it ran in is one that the parent made."""
    if parent is None:
        assert span.parent_attempt is None
        return
    assert span.path.startswith(parent.path)
    assert span.parent_attempt is not None
    assert span.parent_attempt >= 1


@dataclass
class Ended:
    """A trace, and the spans that a line of the log ended, by the number of that line. `unsaved`: the lines
    that the next one takes back, as the host does where it cannot save its state."""

    trace: Trace
    by_line: dict[int, Span]
    unsaved: set[int]


def ends(files: RunFiles) -> Ended | None:
    """The document does not say which line ended a span: what was read, in the document's order, does."""
    try:
        record = read(files)
    except RecordError:
        return None
    readings: list[Reading] = []
    trace = assemble(record, tell=readings.append).trace
    ordered = in_order(readings[0].executions)
    shown = zip(ordered, trace.spans, strict=True)
    by_line = {each.lines[1]: span for each, span in shown if each.lines[1] >= 0}
    after = record.lines[1:]
    unsaved = {
        at
        for at, (one, two) in enumerate(zip(record.lines, after, strict=False))
        if two.event == "step:error" and one.event == "step:complete" and one.step_id == two.step_id
    }
    return Ended(trace, by_line, unsaved)


def changed_before(whole: Ended, damaged: Ended, line: int) -> list[str]:
    """The spans that had ended before this line and are not as they were, but for those that one of the two
    traces itself holds to be doubtful.

    The end of a step that its own error follows at once stands in two lines: damage behind the first may
    take the second away, or put one there.
    """
    wrong = []
    for at, before in whole.by_line.items():
        if at >= line or (at == line - 1 and at in whole.unsaved ^ damaged.unsaved):
            continue
        after = damaged.by_line.get(at)
        if after is None:
            wrong.append(f"line {at}: {before.path} is gone")
        elif not DOUBTED & {*before.derived, *after.derived}:
            was, now = _shown(before, whole.trace), _shown(after, damaged.trace)
            if was != now:
                wrong.append(f"line {at}: {was} became {now}")
    return wrong


def _shown(span: Span, trace: Trace) -> tuple[object, ...]:
    paths = {each.span_id: each.path for each in trace.spans}
    parent = paths[span.parent_span_id] if span.parent_span_id is not None else None
    return span.path, parent, span.status, span.start_ms, span.duration_ms, span.attempts
