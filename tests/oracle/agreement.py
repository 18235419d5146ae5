"""What differs between a reading and the run that was made of it."""

from __future__ import annotations

from one_trace.model.trace import Span, Trace
from tests.oracle import places
from tests.oracle.course import Stored
from tests.oracle.rerun import Rerun
from tests.oracle.results import Skeleton, count_differences, first_difference
from tests.true_tree import TrueSpan


def tree_differs(trace: Trace, run: Rerun) -> str | None:
    """The first span of the reading that did not run, or ran otherwise, or the other way round. What its
    `derived` leaves open of status, time and attempts is not compared; its place always is."""
    if trace.run.status != run.status:
        return f"the run is {run.status}, not {trace.run.status}"
    ran = dict(zip(places.of_spans(run.spans), run.spans, strict=True))
    found = places.of_reading(trace)
    if len(set(found.values())) < len(found):
        return "two spans have one place"
    silent, last = _without_a_sign(trace), max((true["endMs"] or 0 for true in run.spans), default=0)
    start = run.spans[0]["startMs"] - trace.spans[0].start_ms if run.spans else 0
    for span in trace.spans:
        where = found[span.span_id]
        true = ran.pop(where, None)
        if true is None and span.span_id in silent:
            continue
        wrong = _differs(span, true, start, run.status, last) if true is not None else "does not run"
        if wrong is not None:
            return f"{where} {wrong}"
    spoke = _spoke(run.spans)
    more = (where for where, true in ran.items() if true["span"] in spoke)
    return next((f"{where} runs: the reading does not have it" for where in more), None)


def _differs(span: Span, true: TrueSpan, start: float, run_status: str, last: int) -> str | None:
    statuses = [true["status"], *(true.get("statusAlso") or ())]
    if true["status"] == "stopped" and run_status != "stopped":
        statuses.append("incomplete")  # nothing shows a stop in what was timed out before
    if run_status == "incomplete" and true["endMs"] == last:
        statuses.append("incomplete")  # killed before the event of its end
    open_end = "status" in span.derived
    compared = (
        ("starts", span.start_ms + start, [true["startMs"]], not true["events"]),
        ("is", span.status, statuses, open_end),
        ("has attempts", span.attempts, [true["attempts"]], open_end or "attempts" in span.derived),
        ("takes", span.duration_ms, [true["durationMs"]], open_end or "durationMs" in span.derived),
        ("is late", bool(span.late), [true["late"]], open_end or "late" in span.derived),
    )
    for what, reading, run, left_open in compared:
        if reading not in run and not left_open:
            if what == "takes" and span.status in ("skipped", "incomplete"):
                continue
            return f"{what} {run[0]}, not {reading}"
    return None


def _spoke(spans: list[TrueSpan]) -> set[int]:
    """Spans that have events, or something in them has. A reading need not have the others."""
    spoke = {span["span"] for span in spans if span["events"]}
    for span in reversed(spans):
        if span["span"] in spoke and span["parent"] is not None:
            spoke.add(span["parent"])
    return spoke


def _without_a_sign(trace: Trace) -> set[str]:
    """Silent steps of a reading of which it says that their status is open, and all that is in them too: they
    need not have begun."""
    certain: set[str | None] = set()
    for span in reversed(trace.spans):
        if "status" not in span.derived or span.span_id in certain:
            certain |= {span.span_id, span.parent_span_id}
    return {span.span_id for span in trace.spans} - certain


def compare(trace: Trace, run: Rerun, recorded: Skeleton | None) -> None:
    """Note the first difference of a run whose events are as recorded. `recorded`: the state, if any."""
    course, again = run.course, run.kept.skeleton if run.kept is not None else None
    course.difference = tree_differs(trace, run)
    if recorded is None or recorded == again:
        return
    if course.difference is None:
        where, left, right = first_difference(["state"], recorded, again)
        course.difference = f"{'.'.join(where)} is {str(right)[:80]}, not {str(left)[:80]}"
        course.unlike = count_differences(recorded, again)
        if isinstance(left, tuple):
            course.stored = Stored(where[-1], left[:2], right[:2] if isinstance(right, tuple) else None)
