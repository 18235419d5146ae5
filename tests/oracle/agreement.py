"""What differs between a reading and the run that was made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from one_trace.model.trace import Span, Trace
from tests.oracle import places
from tests.oracle.course import Stored
from tests.oracle.rerun import Rerun
from tests.truth import TrueSpan

_RESULTS = ("success", "failed", "timeout", "skipped")


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


def compare(trace: Trace, run: Rerun, recorded: Path | None) -> None:
    """Note the first difference of a run whose events are as recorded."""
    course, again = run.course, run.files.state
    course.difference = tree_differs(trace, run)
    one, other = _skeleton(recorded), _skeleton(again)
    if course.difference is None and one != other:
        where, left, right = _first_difference(["state"], one, other)
        course.difference = f"{'.'.join(where)} is {str(right)[:80]}, not {str(left)[:80]}"
        course.unlike = _count(one, other)
        if isinstance(left, tuple):
            course.stored = Stored(where[-1], left[:2], right[:2] if isinstance(right, tuple) else None)


def _skeleton(file: Path | None) -> Any:
    if file is None or not file.exists():
        return None
    state = msgspec.json.decode(file.read_bytes())
    results = _results(state["context"]["steps"])
    return {"status": state["status"], "completed": state["completedSteps"], "steps": results}


def _results(value: Any) -> Any:
    """The results in a value, by where they are, without what the steps made."""
    if isinstance(value, dict):
        inside = {key: found for key, each in value.items() if (found := _results(each)) is not None}
        if value.get("status") in _RESULTS:
            return (value["status"], value.get("durationMs"), value.get("retries"), inside)
        return inside or None
    if isinstance(value, list):
        found = [_results(each) for each in value]
        return found if any(each is not None for each in found) else None
    return None


def _first_difference(where: list[str], one: Any, other: Any) -> tuple[list[str], Any, Any]:
    """Of two that differ: where, and the least that does, which is the reason for the rest."""
    if isinstance(one, tuple) and isinstance(other, tuple) and one[3] != other[3]:
        return _first_difference(where, one[3], other[3])
    if isinstance(one, dict) and isinstance(other, dict):
        key = next(key for key in (*one, *other) if one.get(key) != other.get(key))
        return _first_difference([*where, key], one.get(key), other.get(key))
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        index = next(index for index, left in enumerate(one) if left != other[index])
        return _first_difference([*where, str(index)], one[index], other[index])
    return where, one, other


def _count(one: Any, other: Any) -> int:
    """How many results differ."""
    if one == other:
        return 0
    if isinstance(one, tuple) and isinstance(other, tuple):
        return (one[:3] != other[:3]) + _count(one[3], other[3])
    if isinstance(one, dict) and isinstance(other, dict):
        return sum(_count(one.get(key), other.get(key)) for key in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return sum(_count(left, right) for left, right in zip(one, other, strict=True))
    return 1
