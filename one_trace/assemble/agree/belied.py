"""What a map says last must be what was made of the log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice

from one_trace.assemble.agree.expected import held
from one_trace.assemble.agree.results import STATUSES
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan, Scope
from one_trace.record.state import Result

_MOST_SAID = 8


def belied(scope: Scope) -> list[LiveSpan]:
    """The spans that wrote last in a map, now that it is over, and of which it says something else."""
    shared = scope.shared
    return [
        span
        for step_id, span in scope.last.items()
        if span.node.repeats
        and shared.last.get(step_id) is span
        and span.scope.shared is shared  # iterations that ran concurrently are merged one over the other
        and (result := held(scope, step_id)) is not None
        and not says_of(result, span)
        and not (beside_merging(span) and _says_of_earlier(result, span))
    ]


def said_of(scope: Scope, span: LiveSpan, spans: Sequence[LiveSpan]) -> list[LiveSpan]:
    """Of these, the last first, those of which the map says in the place of `span` what was made of them."""
    result = held(scope, span.node.id)
    if result is None:
        return []
    same = (
        other for other in reversed(spans) if other.node is span.node and not other.open and other is not span
    )
    return list(islice((other for other in same if says_of(result, other)), _MOST_SAID))


def may_be_merged(result: Result, span: LiveSpan) -> bool:
    """A concurrent loop runs beside it, and merges what an earlier step has left, as this result says, over
    what it writes now."""
    if not any(act.runs for loop in _merging(span) for act in loop.acts):
        return False
    scope = span.scope
    while scope.parent is not None:
        scope = scope.parent
    before = scope.last.get(span.node.id)
    return before is not None and (says_of(result, before) or _says_of_earlier(result, before))


def _says_of_earlier(result: Result, span: LiveSpan) -> bool:
    before = span.stored.before
    while before is not None and not says_of(result, before):
        before = before.stored.before
    return before is not None


def says_of(result: Result, span: LiveSpan) -> bool:
    if result.status != span.shown.reported_status or result.duration_ms != span.shown.reported_ms:
        return result.status not in STATUSES or (result.duration_ms is None and result.status == "success")
    return result.status != "success" or (result.retries or 0) == span.attempts - 1


def beside_merging(span: LiveSpan) -> bool:
    """It wrote its result while a concurrent loop ran beside it."""
    return any(
        loop is not span
        and not _ended_before(span, loop)
        and (span.end or 0) <= max(_over(act) for act in loop.acts)
        for loop in _merging(span)
    )


def _ended_before(span: LiveSpan, loop: LiveSpan) -> bool:
    """Before the loop began: by their lines, where both have one, since that may be in the same ms."""
    if loop.begun >= 0 and span.end_index is not None:
        return span.end_index < loop.begun
    return (span.end or 0) < loop.start


def _merging(span: LiveSpan) -> list[LiveSpan]:
    """The concurrent loops that are merged into the map that it writes into."""
    shared = span.scope.shared
    return [loop for loop in span.flow.merging if loop.scope.shared is shared]


def _over(act: ContainerAttempt) -> float:
    return math.inf if act.runs else act.progress.over_at or 0
