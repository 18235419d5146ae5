"""What the state says of a span before it has ended, by the rules of the host's own maps.

* A flow (the root, a sub-flow) has one map, in which the last span of an id stands.
* A loop that succeeded holds a map an iteration. It lists stale results too, but if a step ran in iteration
  i, then ``iterations[i]`` has that iteration's result. A loop that failed holds nothing: what stays is in
  the map around it.
* A parallel block that succeeded holds its children's results in the order of its steps.
* A sub-flow's map is spread into the output of its ``flow`` step, once that is done.
"""

from __future__ import annotations

from one_trace.assemble.agree.results import child_result, inner_results, is_last, iteration_results
from one_trace.assemble.live.around import logged
from one_trace.assemble.live.state import ContainerAttempt, LiveSpan, Results, Scope
from one_trace.record.state import Result, read_result


def expected(span: LiveSpan) -> Result | None:
    """What the state says of this very span, where that can be known before it has ended."""
    if span.open and span.scope.over is not None:
        return None  # its iteration was over without it
    if span.stored.expected is None:
        span.stored.expected = _expected(span) or False
    return span.stored.expected if isinstance(span.stored.expected, Result) else None


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
        return None  # a while leaves one before each iteration
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


def _guess(scope: Scope, owner: ContainerAttempt) -> Results | None:
    span = owner.span
    result = expected(span) if span is not None else None
    if result is None or not is_last(owner, result):
        return None
    return inner_results(scope, owner, result)


def iterations_known(act: ContainerAttempt) -> int | None:
    """How many iterations a loop makes in all, where the state says so before it has ended."""
    span = act.span
    result = expected(span) if span is not None and act.kind == "loop" else None
    if result is None or result.status != "success" or not is_last(act, result):
        return None
    iteration_results(act, result, 0)
    return len(act.results) if isinstance(act.results, list) else None
