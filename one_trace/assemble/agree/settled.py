"""Which result is this span's? Settled when it is known which span wrote last.

In a map that several executions write, it is the last one's; of a retried container, the last attempt's; and
only if the event of the span says the same: a concurrent loop merges stale results over newer ones.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Raw

from one_trace.assemble.agree.belied import beside_merging, says_of
from one_trace.assemble.agree.results import (
    STATUSES,
    child_result,
    executed_results,
    inner_results,
    while_outputs,
)
from one_trace.assemble.agree.written import done_inside, doubt_left, lose_overwritten, wrote_silently
from one_trace.assemble.flowtree.tree import unlogged_ids
from one_trace.assemble.live.around import logged
from one_trace.assemble.live.over import is_over, quiet
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan, Results, Scope
from one_trace.assemble.live.tolerance import CLOCK_MS
from one_trace.record.state import Result, read_result


class Saved(NamedTuple):
    """When the state was saved last: what was done after that is not in it."""

    line: int
    at: float
    """Epoch ms."""


def settle(spans: list[LiveSpan], saved: Saved) -> None:
    """Give each span its result, parents first, now that it is known which span wrote last, and which attempt
    was the last."""
    settle_results(spans, saved)
    kept: dict[int, list[Raw]] = {}
    known: set[int] = set()
    """Containers whose results a while has kept, or what it has kept has inside, by number."""
    for span in spans:
        owner = span.act.span
        if owner is not None and owner.number in known and owner.acts[-1] is span.act:
            span.shown.result = _found_inside(span, saved)
        elif span.shown.result is None and span.shown.status and not span.raised:
            span.shown.result = _kept_by_while(span, kept)
        else:
            continue
        if span.shown.result is not None and span.acts:
            known.add(span.number)


def _found_inside(span: LiveSpan, saved: Saved) -> Result | None:
    """In the result of its container, now that this one is known."""
    if span.act.kind == "condition":
        result = executed(span)
    else:
        span.scope.settled = span.scope.settled and span.scope.owner is not span.act
        result = _found(span, saved)
    return result if result is None or span.slot >= 0 or says_of(result, span) else None


def executed(span: LiveSpan) -> Result | None:
    """What the result of the condition that a step ran in has of it."""
    act, seq = span.act, span.seq
    owner = act.span
    if act.kind != "condition" or owner is None or owner.shown.result is None or seq is None:
        return None
    results = executed_results(owner.shown.result) if owner.acts[-1] is act else []
    at = next((at for at, node in enumerate(seq.nodes) if node is span.node), len(results))
    return read_result(results[at]) if at < len(results) else None


def settle_results(spans: list[LiveSpan], saved: Saved) -> None:
    """The results of these spans, parents first."""
    for span in spans:
        if span.slot >= 0:
            span.stored.overwrites = _has_writer(span)
            if done_inside(span) < saved.line:
                # no event is written for it, but its result goes into the map like any other's
                wrote_silently(span, saved.line)
        for act in span.acts:
            if act.kind == "parallel":
                for node in act.steps[len(act.children) :]:
                    act.scope.may_write(unlogged_ids(node))
    lose_overwritten(spans, saved.line)
    for span in spans:
        span.shown.result = _found(span, saved)
        if span.acts:
            span.acts[-1].results = None
    doubt_left(spans)


def _has_writer(span: LiveSpan) -> bool:
    """Another has written under the span's id before, or may have in silence: if the span left nothing, what
    stands there is the other's."""
    step_id = span.node.id
    return any(step_id in scope.last or step_id in scope.maybe for scope in span.scope.outwards())


def _may_be_overwritten(span: LiveSpan) -> bool:
    """Something that left no sign may have written under its id."""
    return any(span.node.id in scope.maybe for scope in span.scope.outwards())


def settled(scope: Scope) -> Results | None:
    """A scope's map, after the result of its container is settled."""
    if not scope.settled:
        scope.settled = True
        owner = scope.owner
        span = owner.span if owner is not None else None
        if (
            owner is not None
            and span is not None
            and span.shown.result is not None
            and span.acts[-1] is owner
        ):
            scope.results = inner_results(scope, owner, span.shown.result)
    return scope.results


def _found(span: LiveSpan, saved: Saved) -> Result | None:
    if span.slot >= 0 and done_inside(span) >= saved.line:
        return None  # it ended after the state was saved
    if span.end_index is not None and span.end_index > saved.line:
        return None
    if span.raised or span.stored.lost or (span.seq is not None and not span.shown.status):
        return None
    block = span.act.span if span.slot >= 0 else None
    if block is not None:
        told = logged(span)
        if told is not None and told.stored.lost:
            return None  # what it wrote has gone with it
        if block.shown.result is not None and block.shown.result.status == "success":
            return _found_in_block(span, block, block.shown.result)
        if f'"{span.node.id}"' in (block.shown.error or ""):
            return None  # it is this child that threw
    return _found_in_map(span, saved)


def _found_in_block(span: LiveSpan, block: LiveSpan, result: Result) -> Result | None:
    if block.acts[-1] is not span.act:
        return None
    span.shown.doubtful, span.shown.shared_result = block.shown.doubtful, block.shown.shared_result
    return child_result(result, span.slot)


def _found_in_map(span: LiveSpan, saved: Saved) -> Result | None:
    """In the innermost map that is known and was not over before it ended."""
    for scope in span.scope.outwards():
        results = settled(scope)
        if results is not None and not _after_it(span, scope):
            return _taken(span, scope, results.get(span.node.id), saved)
        if scope.merged:
            break  # iterations that ran concurrently were merged one over the other, stale ones and all
    return None


def _taken(span: LiveSpan, scope: Scope, raw: Raw | None, saved: Saved) -> Result | None:
    """What stands under its id in a map, if that is its own; and what of that is not certain."""
    last = scope.last.get(span.node.id)
    if raw is None or (last is not span and (last is None or last.node is span.node)):
        return None
    shown, around = span.shown, scope.owner.span if scope.owner is not None else None
    doubtful = around is not None and around.shown.doubtful
    unsure = around is not None and (around.shown.shared_result or (around.slot >= 0 and doubtful))
    shown.shared_result = last is not span or _may_be_stale(span) or unsure or span.node.has_unlogged_namesake
    if span.slot >= 0:
        shown.doubtful = shown.doubtful or span.stored.overwrites or doubtful
        shown.shared_result = shown.shared_result or _may_be_overwritten(span)
    span.stored.found_in = scope
    result = read_result(raw)
    return result if result is not None and _is_of(result, span, scope, saved.at) else None


def _may_be_stale(span: LiveSpan) -> bool:
    """A concurrent loop beside it merges the results that it began with over newer ones: what stands under
    its id may be that of one before it, which looked the same."""
    return span.stored.alike and beside_merging(span)


def overwritten(span: LiveSpan) -> bool:
    """Another was found since to have written under its id after it."""
    scope = span.stored.found_in
    return scope is not None and scope.last.get(span.node.id) is not span


def drop_orphaned(spans: list[LiveSpan]) -> None:
    """Results out of the map of a container whose own result has turned out to be another's."""
    for span in spans:
        owner = span.stored.found_in.owner if span.stored.found_in is not None else None
        if owner is not None and owner.span is not None and owner.span.shown.result is None:
            span.shown.result = None


def _after_it(span: LiveSpan, scope: Scope) -> bool:
    """It ended when the iteration that the map is of was over."""
    return scope.over_index is not None and span.end_index is not None and span.end_index > scope.over_index


def _is_of(result: Result, span: LiveSpan, scope: Scope, saved: float) -> bool:
    """The event of the span must say the same: beside a concurrent loop in a parallel block the host
    overwrites results with older ones. Where it was doubtful which event is the span's, the result is
    believed."""
    if result.status not in STATUSES:
        return False
    if result.duration_ms is None and result.status == "success":
        return False  # a while leaves one before each iteration
    if span.slot >= 0 and result.status != "skipped" and span.acts and _goes_on(span.acts[-1], result):
        return False
    if result.status in ("failed", "timeout") and is_over(span):
        return False
    if (
        span.attempts > (result.retries or 0) + 1
        and result.status == "success"
        and not span.shown.unsure_attempts
    ):
        return False
    block = span.act.span
    waited = span.slot >= 0 and block is not None and block.slot < 0 and block.shown.status == "success"
    if waited and block is not None and (result.duration_ms or 0) > (block.shown.duration or 0) + CLOCK_MS:
        return False
    if span.slot >= 0 or not span.shown.status:
        over = min(saved, scope.over or saved)
        return span.act.start + (result.duration_ms or 0) <= over + CLOCK_MS  # else it is an earlier run's
    shown = span.shown
    return result.status == shown.reported_status and result.duration_ms == shown.reported_ms


def _goes_on(act: ContainerAttempt, result: Result) -> bool:
    """Something runs in it, so that it has not succeeded, nor failed if that has to throw first."""
    if quiet(act):
        return False
    timeout = act.node.timeout if act.node is not None else None
    return result.status == "success" or (act.kind != "parallel" and timeout is None and not act.failed)


def _kept_by_while(span: LiveSpan, kept: dict[int, list[Raw]]) -> Result | None:
    """A while keeps, of each iteration, the output of its last step; without status or time. `kept`: these
    outputs, by the number of the while."""
    act = span.act
    owner = act.span
    if act.kind != "while" or owner is None or owner.shown.result is None or span.iteration is None:
        return None
    if owner.shown.shared_result:
        return None
    if span.seq is None or span.node is not span.seq.nodes[-1] or owner.acts[-1] is not act:
        return None
    if span.shown.status == "skipped":
        return None
    outputs = kept.get(owner.number)
    if outputs is None:
        outputs = kept[owner.number] = while_outputs(owner.shown.result)
    if span.iteration >= len(outputs) or bytes(outputs[span.iteration]) == b"null":
        return None
    span.shown.shared_result = beside_merging(span) or owner.shown.doubtful
    return Result(
        status="success",
        output=outputs[span.iteration],
        duration_ms=span.shown.reported_ms,
        retries=span.attempts - 1 or None,
    )
