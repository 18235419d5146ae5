"""What the state holds of a span: its result, found by the rules of the host's own maps.

* A flow (the root, a sub-flow) has one map, in which the last span of an id stands.
* A loop that succeeded holds a map an iteration. It lists stale results too, but if a step ran in iteration
  i, then ``iterations[i]`` has that iteration's result. A loop that failed holds nothing: what stays is in
  the map around it.
* A parallel block that succeeded holds its children's results in the order of its steps.
* A sub-flow's map is spread into the output of its ``flow`` step, once that is done.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec import Raw

from one_trace.assemble.agree.written import done_inside, doubt_left, lose_overwritten, wrote_silently
from one_trace.assemble.flowtree.tree import silent_ids
from one_trace.assemble.live.state import (
    CLOCK_MS,
    Act,
    Foreseen,
    LiveSpan,
    Results,
    Scope,
    is_over,
    logged,
    quiet,
)
from one_trace.record.state import Result, read_result
from one_trace.record.tolerant import UNREADABLE, present, raw_items

_MOST_SAID = 8
STATUSES = frozenset({"success", "failed", "timeout", "skipped"})


class Saved(NamedTuple):
    """When the state was saved last: what was done after that is not in it."""

    line: int
    at: float
    """Epoch ms."""


class _Iterations(msgspec.Struct):
    iterations: list[Results | None] | None = None


class _While(msgspec.Struct):
    results: list[Raw] | None = None


class _Condition(msgspec.Struct, rename="camel"):
    steps_executed: list[Raw] | None = None


_iterations = msgspec.json.Decoder(_Iterations)
_results = msgspec.json.Decoder(Results)
_whiles = msgspec.json.Decoder(_While)
_conditions = msgspec.json.Decoder(_Condition)


def expected(span: LiveSpan) -> Result | None:
    """What the state says of this very span, where that can be known before it has ended."""
    if span.open and span.scope.over is not None:
        return None  # its iteration was over without it
    if span.expected is None:
        span.expected = _expected(span) or False
    return span.expected if isinstance(span.expected, Result) else None


def _expected(span: LiveSpan) -> Result | None:
    if span.slot >= 0:
        block = span.act.span
        around = expected(block) if block is not None else None
        if around is not None and around.status == "success" and is_last(span.act, around):
            found = child_result(around, span.slot)
            if found is not None:  # else a sub-flow's step of the block's id stands in its place
                return found
        if _is_again(span.scope):
            return None  # it may be that of an iteration before
    told = logged(span)
    if span.node.repeats or (told is not None and told.scope.running.get(told.node.id, 0) > 1):
        return None  # one that was given up may write after it
    found = held(span.scope, span.node.id)
    if found is not None and found.status == "success" and found.duration_ms is None:
        return None  # a while leaves one before each turn
    return None if found is not None and _may_be_earlier(span) else found


def _is_again(scope: Scope) -> bool:
    """An iteration that began with a map in which its steps may have left results before."""
    for around in scope.outwards():
        loop = around.owner.node if around.owner is not None else None
        if loop is None or around.iteration is None:
            return False
        if around.merged:
            return _follows_merged(around)
        if around.iteration > 0 or loop.repeats:
            return True
    return False


def _follows_merged(scope: Scope) -> bool:
    """An iteration of a concurrent loop that began when others had been merged."""
    loop = scope.owner.node if scope.owner is not None else None
    return loop is not None and (scope.iteration or 0) >= loop.concurrency


def _may_be_earlier(span: LiveSpan) -> bool:
    """What threw has left no result: in an iteration after another, what stands there is that one's; as it
    may be where a concurrent loop began before what was given up had ended."""
    scope = span.scope
    if span.node.id not in _left_before(scope):
        return False
    around = span.act.span
    while around is not None and around.scope is scope:
        result = expected(around)
        if result is not None and result.status != "success":
            return not span.node.goes_on or (result.status == "timeout" and bool(span.flow.merging))
        around = around.act.span
    return False


def _left_before(scope: Scope) -> dict[str, LiveSpan]:
    """What iterations before may have left in the map that this one began with."""
    if not scope.iteration:
        return {}
    if not scope.merged:
        return scope.shared.last
    return scope.parent.last if _follows_merged(scope) and scope.parent is not None else {}


def held(scope: Scope, step_id: str) -> Result | None:
    """The result under an id, if this very map is known."""
    if not scope.guessed and scope.owner is not None:
        scope.guess = _guess(scope, scope.owner)
        scope.guessed = True
    raw = scope.guess.get(step_id) if scope.guess is not None else None
    return read_result(raw) if raw is not None else None


def belied(scope: Scope) -> list[LiveSpan]:
    """The spans that wrote last in a map, now that it is over, and of which it says something else."""
    shared = scope.shared
    return [
        span
        for step_id, span in scope.last.items()
        if span.node.repeats
        and shared.last.get(step_id) is span
        and span.scope.shared is shared  # iterations that ran abreast are merged one over the other
        and (result := held(scope, step_id)) is not None
        and not _says_of(result, span)
        and not (_beside_merging(span) and _says_of_earlier(result, span))
    ]


def said_of(scope: Scope, span: LiveSpan, spans: Sequence[LiveSpan]) -> list[LiveSpan]:
    """Of these, the last first, those of which the map says in the place of `span` what was made of them."""
    result = held(scope, span.node.id)
    if result is None:
        return []
    same = (
        other for other in reversed(spans) if other.node is span.node and not other.open and other is not span
    )
    return list(islice((other for other in same if _says_of(result, other)), _MOST_SAID))


def may_be_merged(result: Result, span: LiveSpan) -> bool:
    """A concurrent loop runs beside it, and merges what an earlier step has left, as this result says, over
    what it writes now."""
    if not any(act.passes for loop in _merging(span) for act in loop.acts):
        return False
    scope = span.scope
    while scope.parent is not None:
        scope = scope.parent
    before = scope.last.get(span.node.id)
    return before is not None and (_says_of(result, before) or _says_of_earlier(result, before))


def _says_of_earlier(result: Result, span: LiveSpan) -> bool:
    before = span.before
    while before is not None and not _says_of(result, before):
        before = before.before
    return before is not None


def _says_of(result: Result, span: LiveSpan) -> bool:
    told = {"error": "failed"}.get(span.status, span.status)
    if result.status != told or result.duration_ms != span.reported_ms:
        return result.status not in STATUSES or (result.duration_ms is None and result.status == "success")
    return result.status != "success" or (result.retries or 0) == span.attempts - 1


def _guess(scope: Scope, owner: Act) -> Results | None:
    span = owner.span
    result = expected(span) if span is not None else None
    if result is None or not is_last(owner, result):
        return None
    return _inner(scope, owner, result)


def _inner(scope: Scope, owner: Act, result: Result) -> Results | None:
    """The map of an iteration or a sub-flow, out of the result of its container."""
    if result.status != "success":
        return None
    if owner.kind == "flow":
        return _without(flow_results(result), owner)
    return iteration_results(owner, result, scope.iteration or 0)


def _without(results: Results | None, owner: Act) -> Results | None:
    """But for what stands in the place of a result: the host spreads the last step's output over them, and
    warns of it only where a result stood there."""
    tree = owner.tree
    if results is None or tree is None or not tree.root.nodes:
        return results
    last = results.get(tree.root.nodes[-1].id)
    final = read_result(last) if last is not None else None
    spread = flow_results(final) if final is not None else None
    hidden = tree.hidden.union(spread) if spread else tree.hidden
    return {step_id: raw for step_id, raw in results.items() if step_id not in hidden} if hidden else results


def is_last(act: Act, result: Result) -> bool:
    """A result is the last attempt's."""
    return act.attempt == (result.retries or 0) + 1


def iteration_results(act: Act, result: Result, iteration: int) -> Results | None:
    """The map of one iteration of a loop that succeeded."""
    if act.results is None:
        act.results = False
        if present(result.response):
            try:
                act.results = [found or {} for found in _iterations.decode(result.response).iterations or ()]
            except UNREADABLE:
                act.results = False
    if isinstance(act.results, list) and iteration < len(act.results):
        return act.results[iteration]
    return None


def iterations_known(act: Act) -> int | None:
    """How many iterations a loop makes in all, where the state says so before it has ended."""
    span = act.span
    result = expected(span) if span is not None and act.kind == "loop" else None
    if result is None or result.status != "success" or not is_last(act, result):
        return None
    iteration_results(act, result, 0)
    return len(act.results) if isinstance(act.results, list) else None


def flow_results(result: Result) -> Results | None:
    """A sub-flow's map, as it stands in the output of its step."""
    if not present(result.output):
        return None
    try:
        return _results.decode(result.output)
    except UNREADABLE:
        return None


def child_result(block: Result, slot: int) -> Result | None:
    """The result of a child of a parallel block that succeeded."""
    children = raw_items(block.output)
    return read_result(children[slot]) if children is not None and slot < len(children) else None


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
        result, again = span.result, span.node.repeats
        unknown = again or not isinstance(span.expected, Result)
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
    if span.result is not None or span.slot >= 0 or not span.doubtful or not span.status:
        return None
    scope = span.found_in
    if scope is not None and scope is span.scope:
        raw = (settled(scope) or {}).get(span.node.id)
        result = read_result(raw) if raw is not None else None
    else:
        result = _executed(span)
    if (
        result is None
        or result.status not in STATUSES
        or result.duration_ms is None
        or _says_of(result, span)
    ):
        return None
    return result


def _executed(span: LiveSpan) -> Result | None:
    """What the result of the condition that a step ran in has of it."""
    act, seq = span.act, span.seq
    owner = act.span
    if act.kind != "condition" or owner is None or owner.result is None or seq is None:
        return None
    if owner.acts[-1] is not act or not present(owner.result.output):
        return None
    try:
        executed = _conditions.decode(owner.result.output).steps_executed or []
    except UNREADABLE:
        return None
    at = next((at for at, node in enumerate(seq.nodes) if node is span.node), len(executed))
    return read_result(executed[at]) if at < len(executed) else None


def misled(span: LiveSpan) -> bool:
    """It has ended otherwise than the state had it, which another has written over: so what the state was
    held to say of what ran in it was that one's."""
    result = span.expected
    if not isinstance(result, Result) or not span.acts or span.slot >= 0 or span.end is None:
        return False
    return result.status == "success" and (span.raised or not _says_of(result, span))


def _guessed(span: LiveSpan) -> bool:
    """Which of two it is was a guess, or whose the result is: to expect it would confirm the guess. One that
    was skipped has begun nothing, so that there was nothing to be guessed by."""
    skipped = span.slot >= 0 and span.result is not None and span.result.status == "skipped"
    return span.shared_result or (span.doubtful and not skipped)


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
            span.scope.settled = span.scope.settled and span.scope.owner is not span.act
            span.result = _executed(span) if span.act.kind == "condition" else _found(span, saved)
            if span.result is not None and span.slot < 0 and not _says_of(span.result, span):
                span.result = None
        elif span.result is None and span.status and not span.raised:
            span.result = _kept_by_while(span, kept)
        else:
            continue
        if span.result is not None and span.acts:
            known.add(span.number)


def settle_results(spans: list[LiveSpan], saved: Saved) -> None:
    """The results of these spans, parents first."""
    for span in spans:
        if span.slot >= 0:
            span.overwrites = _has_writer(span)
            if done_inside(span) < saved.line:
                # no event is written for it, but its result goes into the map like any other's
                wrote_silently(span, saved.line)
        for act in span.acts:
            if act.kind == "parallel":
                for node in act.steps[len(act.kids) :]:
                    act.scope.may_write(silent_ids(node))
    lose_overwritten(spans, saved.line)
    for span in spans:
        span.result = _found(span, saved)
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
        if owner is not None and span is not None and span.result is not None and span.acts[-1] is owner:
            scope.results = _inner(scope, owner, span.result)
    return scope.results


def _found(span: LiveSpan, saved: Saved) -> Result | None:
    if span.slot >= 0 and done_inside(span) >= saved.line:
        return None  # it ended after the state was saved
    if span.end_index is not None and span.end_index > saved.line:
        return None
    if span.raised or span.lost or (span.seq is not None and not span.status):
        return None
    if span.slot >= 0:
        told, block = logged(span), span.act.span
        if told is not None and told.lost:
            return None  # what it wrote has gone with it
        if block is not None and block.result is not None and block.result.status == "success":
            if block.acts[-1] is not span.act:
                return None
            span.doubtful, span.shared_result = block.doubtful, block.shared_result
            return child_result(block.result, span.slot)
        if block is not None and f'"{span.node.id}"' in (block.error or ""):
            return None  # it is this child that threw
    step_id = span.node.id
    scope: Scope | None = span.scope
    while scope is not None:
        results = settled(scope)
        if results is not None and not _after_it(span, scope):
            raw = results.get(step_id)
            last = scope.last.get(step_id)
            if raw is None or (last is not span and (last is None or last.node is span.node)):
                return None
            around = scope.owner.span if scope.owner is not None else None
            unsure = around is not None and (around.shared_result or (around.slot >= 0 and around.doubtful))
            span.shared_result = (
                last is not span or _may_be_stale(span) or unsure or span.node.has_silent_namesake
            )
            if span.slot >= 0:
                span.doubtful = span.doubtful or span.overwrites or (around is not None and around.doubtful)
                span.shared_result = span.shared_result or _may_be_overwritten(span)
            span.found_in = scope
            result = read_result(raw)
            return result if result is not None and _is_of(result, span, scope, saved.at) else None
        if scope.merged:
            return None  # iterations that ran abreast were merged one over the other, stale results and all
        scope = scope.parent
    return None


def _may_be_stale(span: LiveSpan) -> bool:
    """A concurrent loop beside it merges the results that it began with over newer ones: what stands under
    its id may be that of one before it, which looked the same."""
    return span.alike and _beside_merging(span)


def _beside_merging(span: LiveSpan) -> bool:
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


def _over(act: Act) -> float:
    return math.inf if act.passes else act.over_at or 0


def overwritten(span: LiveSpan) -> bool:
    """Another was found since to have written under its id after it."""
    scope = span.found_in
    return scope is not None and scope.last.get(span.node.id) is not span


def drop_orphaned(spans: list[LiveSpan]) -> None:
    """Results out of the map of a container whose own result has turned out to be another's."""
    for span in spans:
        owner = span.found_in.owner if span.found_in is not None else None
        if owner is not None and owner.span is not None and owner.span.result is None:
            span.result = None


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
    if span.attempts > (result.retries or 0) + 1 and result.status == "success" and not span.unsure_attempts:
        return False
    block = span.act.span
    waited = span.slot >= 0 and block is not None and block.slot < 0 and block.status == "success"
    if waited and block is not None and (result.duration_ms or 0) > (block.duration or 0) + CLOCK_MS:
        return False
    if span.slot >= 0 or not span.status:
        over = min(saved, scope.over or saved)
        return span.act.start + (result.duration_ms or 0) <= over + CLOCK_MS  # else it is an earlier run's
    told = {"error": "failed"}.get(span.status, span.status)
    return result.status == told and result.duration_ms == span.reported_ms


def _goes_on(act: Act, result: Result) -> bool:
    """Something runs in it, so that it has not succeeded, nor failed if that has to throw first."""
    if quiet(act):
        return False
    timeout = act.node.timeout if act.node is not None else None
    return result.status == "success" or (act.kind != "parallel" and timeout is None and not act.failed)


def _outputs(result: Result) -> list[Raw]:
    if not present(result.output):
        return []
    try:
        return _whiles.decode(result.output).results or []
    except UNREADABLE:
        return []


def _kept_by_while(span: LiveSpan, kept: dict[int, list[Raw]]) -> Result | None:
    """A while keeps, of each iteration, the output of its last step; without status or time. `kept`: these
    outputs, by the number of the while."""
    act = span.act
    owner = act.span
    if act.kind != "while" or owner is None or owner.result is None or span.iteration is None:
        return None
    if owner.shared_result:
        return None
    if span.seq is None or span.node is not span.seq.nodes[-1] or owner.acts[-1] is not act:
        return None
    if span.status == "skipped":
        return None
    outputs = kept.get(owner.number)
    if outputs is None:
        outputs = kept[owner.number] = _outputs(owner.result)
    if span.iteration >= len(outputs) or bytes(outputs[span.iteration]) == b"null":
        return None
    span.shared_result = _beside_merging(span) or owner.doubtful
    return Result(
        status="success",
        output=outputs[span.iteration],
        duration_ms=span.reported_ms,
        retries=span.attempts - 1 or None,
    )
