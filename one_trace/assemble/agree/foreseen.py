"""What a second replay may expect, since which run of a repeated container was the last is known only at the
end of the first."""

from __future__ import annotations

from one_trace.assemble.agree.belied import says_of
from one_trace.assemble.live.state import Foreseen, LiveSpan
from one_trace.record.state import Result


def foresee(spans: list[LiveSpan]) -> Foreseen:
    """What a second replay may expect of containers that ran more than once: which of them was the last is
    known only now. None: nothing, as what the state has is another's."""
    found: Foreseen = {}
    seen: dict[str, int] = {}
    for span in spans:
        if not span.acts:
            continue
        nth = seen[span.path] = seen.get(span.path, 0) + 1
        result, again = span.shown.result, span.node.repeats
        timed = again and result is not None and result.duration_ms is not None
        skipped = (again or span.node.guarded) and result is not None and result.status == "skipped"
        if misled(span):
            found[(span.path, nth)] = None
        elif result is not None and (timed or skipped) and not _guessed(span):
            found[(span.path, nth)] = result
    return found


def misled(span: LiveSpan) -> bool:
    """It has ended otherwise than the state had it, which another has written over: so what the state was
    held to say of what ran in it was that one's."""
    result = span.stored.expected
    if not isinstance(result, Result) or not span.acts or span.slot >= 0 or span.end is None:
        return False
    return result.status == "success" and (span.raised or not says_of(result, span))


def _guessed(span: LiveSpan) -> bool:
    """Which of two it is was a guess, or whose the result is: to expect it would confirm the guess. One that
    was skipped has begun nothing, so that there was nothing to be guessed by."""
    skipped = span.slot >= 0 and span.shown.result is not None and span.shown.result.status == "skipped"
    return span.shown.shared_result or (span.shown.doubtful and not skipped)
