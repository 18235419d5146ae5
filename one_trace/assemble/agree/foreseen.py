"""What the next replay may expect, since which run of a repeated container was the last, and which guesses a
state contradicts, is known only at the end of the one before."""

from __future__ import annotations

from one_trace.assemble.agree.belied import says_of
from one_trace.assemble.agree.results import STATUSES
from one_trace.assemble.agree.settled import executed, settled
from one_trace.assemble.live.state import Foreseen, LiveSpan
from one_trace.record.state import Result, read_result


def foresee(spans: list[LiveSpan]) -> Foreseen:
    """What the next replay may expect: of containers that ran more than once, which of them was the last is
    known only now; and what the state holds in the very place of a span, where another end was taken for its
    own. None: nothing, as what the state has is another's."""
    found: Foreseen = {}
    seen: dict[str, int] = {}
    for span in spans:
        nth = seen[span.path] = seen.get(span.path, 0) + 1
        if (other := contradicted_by(span)) is not None:
            found[(span.path, nth)] = other
        if not span.acts:
            continue
        result, again = span.shown.result, span.node.repeats
        unknown = again or not isinstance(span.stored.expected, Result)
        timed = unknown and result is not None and result.duration_ms is not None
        skipped = (again or span.node.guarded) and result is not None and result.status == "skipped"
        if misled(span):
            found[(span.path, nth)] = None
        elif result is not None and (timed or skipped) and not _guessed(span):
            found[(span.path, nth)] = result
    return found


def contradicted_by(span: LiveSpan) -> Result | None:
    """What its own map has under its id, where that says something else than was made of it: which of several
    ends was its own had been a guess."""
    shown, scope = span.shown, span.stored.found_in
    if shown.result is not None or span.slot >= 0 or not shown.doubtful or not shown.status:
        return None
    if scope is not None and scope is span.scope:
        raw = (settled(scope) or {}).get(span.node.id)
        result = read_result(raw) if raw is not None else None
    else:
        result = executed(span)
    if result is None or result.status not in STATUSES or result.duration_ms is None:
        return None
    return None if says_of(result, span) else result


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
