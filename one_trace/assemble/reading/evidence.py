"""Which of them: several spans of one step are open, and a line of the log ends one.

Evidence, strongest first:
* what follows: a step that is not the last of its list is followed at once by the start of the next one;
* what was made: a success reports its retries, and a container ends after what runs in it;
* what the file has: an error and a retry say how their step handles errors, which tells ids apart that are
  the same in several flows;
* what the state holds: status, duration and retries of this very step, where its result is kept;
* time: start + duration is the end, but for the delay of the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from one_trace.assemble.agree.results import expected, may_be_merged
from one_trace.assemble.flowtree.tree import CONTAINERS, Node
from one_trace.assemble.live.facts import Facts, Late
from one_trace.assemble.live.state import (
    CLOCK_MS,
    Act,
    LiveSpan,
    alive,
    is_over,
    last_began,
    logged,
    may_turn,
    quiet,
    silent_kids,
    timed_out_at,
)
from one_trace.assemble.reading.blocks import has_to_show, may_go_on
from one_trace.assemble.reading.cascade import began_apart, ill_followed, names_time_out
from one_trace.record.log import LogLine
from one_trace.record.state import Result

_MOST_BETTER = 8
_TURN_LINES = 50
_NEAR = 70
"""A cost by which another may be greater and yet right, if something else contradicts."""
_MERGED = 60
"""The state says otherwise, but may have had an older result merged over this one."""
_UNSEEN = 20
"""What another span has done in silence may be why an error fits ill."""
_NOT_DUE = 12
"""Another has to end in this turn."""
_SILENTLY = 10
"""Nothing was seen to fail in it."""
_SOON = 5
"""Its time-out is not over, or over for longer than others' are; or it should be done."""
_OTHERS = 40
"""What a line says of its step's file is so of another's."""
_EARLY = 30
"""A time-out that is not over yet, as far as clocks are exact."""
_ROUNDED_MS = 2
"""Two readings of clocks that were rounded to the ms."""
CONTRADICTS = 150
"""A cost from which on an end does not fit at all."""


def choose_end(
    spans: list[LiveSpan], index: int, coming: Sequence[LogLine], facts: Facts, late: Late
) -> tuple[LiveSpan, list[LiveSpan], list[LiveSpan], int]:
    """The span that a ``step:complete`` at line `index` ends, those that fit as well (itself among them),
    those that fit less, and how ill it fits. `coming`: this step's ends from here on, this one first; `late`:
    by how many ms a line may be late."""
    line = facts.lines[index]
    costs = [cost_of_end(span, index, facts, late) for span in spans]
    due = [_is_due(span, line, late(index)) for span in spans] if facts.exact else []
    if any(due):
        costs = [cost if must else cost + _NOT_DUE for cost, must in zip(costs, due, strict=True)]
    if line.duration_ms == 0 and any(span.begun == index - 1 for span in spans):
        costs = [
            cost + _NOT_DUE * _had_a_turn(span, facts, index) for span, cost in zip(spans, costs, strict=True)
        ]
    least = min(costs)
    best = [span for span, cost in zip(spans, costs, strict=True) if cost == least]
    chosen = best[0] if len(best) == 1 else _by_time(best, line, coming, late(index))
    as_well = [span for span, cost in zip(spans, costs, strict=True) if cost <= least + CLOCK_MS]
    return chosen, as_well, _less(spans, costs, least + CLOCK_MS), least


def _had_a_turn(span: LiveSpan, facts: Facts, index: int) -> bool:
    """Something that had waited has ended since it began: what takes no time ends in the turn in which it
    begins."""
    since = range(index - 1, max(span.begun, index - _TURN_LINES), -1)
    return any(facts.lines[at].event == "step:complete" and facts.lines[at].duration_ms for at in since)


def _is_due(span: LiveSpan, line: LogLine, late: float) -> bool:
    """All that ran in it was over in this turn, and nothing more can begin in it: it ends in this turn."""
    act = span.acts[-1] if span.acts else None
    over = _through_at(act) if act is not None and act.kind != "parallel" else None
    return over is not None and line.at <= over + late


def _through_at(act: Act) -> float | None:
    """When all that ran in it was over, if nothing more can begin in it, and nothing is silent in it that may
    have lasted longer."""
    if act.failed:
        return None
    if act.kind != "parallel":
        return act.over_at if quiet(act) and not may_turn(act) else None
    if act.batch_end < len(act.steps) or any(kid.node.timeout is not None for kid in act.kids):
        return None
    overs = [_through_at(kid.acts[-1]) if kid.acts else None for kid in act.kids]
    return max((over for over in overs if over is not None), default=None) if None not in overs else None


def _was_over(act: Act, at: float) -> bool:
    """It was through before, and would have ended then."""
    over = _through_at(act)
    return over is not None and over < at


def _less(spans: list[LiveSpan], costs: list[int], least: float) -> list[LiveSpan]:
    most = min(CONTRADICTS, least + _NEAR)
    return [span for span, cost in zip(spans, costs, strict=True) if least < cost < most]


def choose_error(
    spans: list[LiveSpan], index: int, facts: Facts, late: Late
) -> tuple[LiveSpan, list[LiveSpan], list[LiveSpan], int]:
    """The span that a ``step:error`` at line `index` ends, those that fit as well, those that fit less, and
    how ill it fits: it has no duration, but its error stands in what ends above it."""
    after = facts.after(index)
    costs = [_cost_of_error(span, index, facts, late) for span in spans]
    least = min(costs)
    best = [span for span, cost in zip(spans, costs, strict=True) if cost == least]
    chosen = min(best, key=lambda span: (flow_misfit(span, after), span.number))
    as_well = [span for span, cost in zip(spans, costs, strict=True) if cost <= least + _UNSEEN]
    return chosen, as_well, _less(spans, costs, least + _UNSEEN), least


def mark_doubtful(chosen: LiveSpan, rivals: list[LiveSpan], line: LogLine) -> None:
    """Those that this end could as well have been another's, by all that the record holds."""
    for other in rivals:
        if other is not chosen and _alike(other, chosen, line):
            other.doubtful = chosen.doubtful = True
            if other.node is not chosen.node:
                other.either_end = chosen.either_end = True


def mark_inside(spans: list[LiveSpan]) -> None:
    """What ran in either of two spans when it was a guess which of them ended, may be the other's. Parents
    first."""
    last: dict[int, int] = {}
    for span in spans:
        ended = last.get(id(span.act), span.act.ended_either)
        for act in span.acts:
            last[id(act)] = max(ended, act.ended_either)
        if 0 <= span.begun < ended and (span.end_index is None or span.end_index > ended):
            span.doubtful = True


def better_by_time(spans: list[LiveSpan], line: LogLine, before: Iterable[LiveSpan]) -> list[LiveSpan]:
    """Those of which the state says just this; the span whose start and duration give just this end, whatever
    else speaks against it; and those `before` it that do as well, but have been given another end."""
    duration = line.duration_ms
    if duration is None:
        return []
    nearest = min(spans, key=lambda span: abs(span.clock + duration - line.at))
    ended = (span for span in before if not span.open and span.node.id == line.step_id)
    fitting = list(islice((span for span in ended if misfit(span, line) <= 1), _MOST_BETTER))
    vouched = [span for span in spans if span is not nearest and vouched_for(span, line)][:_MOST_BETTER]
    return [*vouched, nearest, *sorted(fitting, key=lambda span: misfit(span, line))]


def choose_retry(
    spans: list[LiveSpan], line: LogLine, late: float
) -> tuple[LiveSpan, list[LiveSpan], list[LiveSpan]]:
    """The span whose next attempt a ``step:retry`` announces, those that fit as well, and those in which
    nothing is seen to have failed, but may have in silence: of the best, one that was not given up. `late`:
    by how many ms the line may be late."""

    def cost(span: LiveSpan) -> int:
        wrong = 0 if line.attempt is None or span.attempts == line.attempt - 1 else 100
        wrong += _before_attempt(span, line)
        if span.attempts > span.node.retries:
            wrong += 300
        wrong += _told_otherwise(span.node, line)
        if span.acts and not span.acts[-1].failed and (span.slot >= 0 or span.node.timeout is None):
            wrong += _SILENTLY
        if not _in_time(span, line, late) or _all_done(span) or is_over(span):
            wrong += 30
        elif may_go_on_beside(span) or _just_before(span, line) or _not_due(span, line, late):
            wrong += _SOON
        result = expected(span)
        if result is not None and (result.retries or 0) < span.attempts:
            wrong += 50
        return wrong

    costs = [cost(span) for span in spans]
    least = min(costs)
    best = [span for span, wrong in zip(spans, costs, strict=True) if wrong <= least + _SOON]
    for span in best if len(best) > 1 else ():
        span.unsure_attempts = True
    likely = [span for span, wrong in zip(spans, costs, strict=True) if wrong == least]
    living = [span for span in likely if alive(span.act)]
    most = least + _SOON + _SILENTLY
    less = [span for span, wrong in zip(spans, costs, strict=True) if least + _SOON < wrong <= most]
    return living[0] if living else likely[-1], best, less


def may_go_on_beside(kid: LiveSpan) -> bool:
    """A silent step that was held to be done with a block in which another may have thrown in silence: this
    one goes on then."""
    if kid.slot < 0 or kid.open or kid.end is not None:
        return False
    act = kid.act
    while act.span is not None and act.span.slot >= 0:
        block = act.span
        result = expected(block)
        failed = result is None or result.status != "success"
        if failed and block.node.goes_on and len(act.kids) > 1:
            return True
        act = block.act
    return False


def _told_otherwise(node: Node, line: LogLine) -> int:
    """A ``step:retry`` says what its step's file has: how often it is tried again, and the delay."""
    wrong = 0 if line.max_retries in (None, node.retries) else _OTHERS
    if line.delay_ms is not None and node.retry_delay is not None:
        wrong += _OTHERS * (abs(line.delay_ms - node.retry_delay) > 1)  # it is rounded
    return wrong


def cannot_have_failed(span: LiveSpan, line: LogLine, late: float) -> bool:
    """Its attempt had begun something, of which the log would tell if it had thrown, and is not timed out
    by now."""
    act = span.acts[-1] if span.acts else None
    if act is None or not act.started:
        return False
    if span.slot < 0:
        return span.node.timeout is None and _waits_still(act)
    return not _in_time(span, line, late)


def _all_done(block: LiveSpan) -> bool:
    """A block of which the last batch is seen to be done: it has succeeded."""
    act = block.acts[-1] if block.acts else None
    if act is None or act.kind != "parallel" or act.batch_end < len(act.steps):
        return False
    last = [kid for kid in act.kids if kid.batch == act.batch]
    return all(kid.acts and kid.acts[-1].kind == "flow" and kid.acts[-1].finished for kid in last)


def _just_before(kid: LiveSpan, line: LogLine) -> bool:
    """A silent step's time-out is all but over: it began before the first line from inside it."""
    over = timed_out_at(kid) if kid.slot >= 0 else None
    return over is not None and not kid.acts[-1].failed and line.at + 1 < over


def _not_due(leaf: LiveSpan, line: LogLine, late: float) -> bool:
    """It has a time-out, which does not go off now: it may have thrown."""
    timeout = leaf.node.timeout
    if timeout is None or leaf.acts or leaf.slot >= 0:
        return False
    over = last_began(leaf) + timeout
    return abs(line.at - over) > max(late, 1)


def _in_time(span: LiveSpan, line: LogLine, late: float) -> bool:
    """Can its attempt have failed by now? What did not throw was timed out, and nothing fails after that."""
    timeout, act = span.node.timeout, span.acts[-1] if span.acts else None
    if timeout is None:
        return True
    if span.slot >= 0:
        if act is None or act.kind == "parallel":
            return True  # nothing is seen of it
        over = timed_out_at(span)
        return act.failed or over is None or over <= line.at + CLOCK_MS
    over = last_began(span) + timeout
    threw = act is None or act.failed
    return (threw or over <= line.at + CLOCK_MS) and line.at <= over + max(late, CLOCK_MS)


def misfit(span: LiveSpan, line: LogLine) -> float:
    """By how many ms start + duration is not the end."""
    return began_apart(line, span.clock)


def cost_of_end(span: LiveSpan, index: int, facts: Facts, late: Late) -> int:
    """How ill a ``step:complete`` at line `index` fits a span; 0: in all but time."""
    line, after = facts.lines[index], facts.after(index)
    stops = line.step_id in facts.stopped_after  # what comes after it may have been left out
    cost = _before_attempt(span, line)
    if not stops:
        cost += ill_followed(span, facts.lines, index, late, failed=False)
    seq = span.seq
    if seq is not None and seq.pos + 1 < len(seq.nodes) and after is not None and not stops:
        if after.event == "step:start":
            cost += 1000 * (after.step_id != seq.nodes[seq.pos + 1].id)
        elif after.event not in ("flow:stopped", "step:dry-resolve") and not facts.fails_at_once(index):
            cost += 1000
    if line.status in ("failed", "timeout") and not span.node.goes_on:
        cost += 300  # it would have thrown
    if line.status == "skipped":
        begun = span.acts and span.acts[-1].first_index is not None
        cost += 800 if begun else 0 if span.node.guarded else 300
    if line.status == "success":
        if (line.retries or 0) != span.attempts - 1:
            cost += 400
        if span.node.type in CONTAINERS and span.acts and not _may_end(span.acts[-1], line.at):
            cost += 500
        if facts.exact and span.acts and _was_over(span.acts[-1], line.at - late(index)):
            cost += CONTRADICTS
    if line.status == "failed" and span.acts:
        act = span.acts[-1]
        cost += 500 if _waits_still(act) or _all_run(act) else 100 if act.started and not act.failed else 0
    delay = 0.0
    if line.duration_ms is not None:
        delay = line.at - span.clock - line.duration_ms
        # what is written at the end cannot be earlier than the step's own clock has it
        cost += 300 if delay < (0 if span.started_at is not None else -CLOCK_MS) else 0
    if facts.exact and span.acts and _overdue(span.acts[-1], line.at - CLOCK_MS):
        cost += 250
    result = expected(span)
    agrees = result is not None and _agrees(result, line)
    if result is not None and not agrees:
        cost += _MERGED if may_be_merged(result, span) else 200
    rounded = 0 if facts.exact else _ROUNDED_MS
    if delay > late(index, span.begun) + rounded:  # it may once have been later than was measured, but seldom
        cost += CONTRADICTS if agrees else 250
    return cost


def _overdue(act: Act, at: float) -> bool:
    """A silent child was timed out by then, which would have ended the block: where no timer is late."""
    return act.kind == "parallel" and any(
        kid.open
        and not kid.node.goes_on
        and kid.attempts > kid.node.retries
        and (_outran(kid, inner, at) or _overdue(inner, at))
        for kid in act.kids
        for inner in kid.acts[-1:]
    )


def _outran(kid: LiveSpan, act: Act, at: float) -> bool:
    """What runs in it went on after its time-out."""
    over = timed_out_at(kid)
    if over is None or over >= at or act.failed:
        return False
    return not quiet(act) or (act.over_at or 0) > over + CLOCK_MS


def vouched_for(span: LiveSpan, line: LogLine) -> bool:
    """The state has just this end for the span: only its times speak against it."""
    result = expected(span)
    return result is not None and _agrees(result, line)


def last_ended_in_twin(
    block: LiveSpan, spans: list[LiveSpan], last: LiveSpan | None, facts: Facts, index: int, late: Late
) -> bool:
    """A block succeeds and nothing was seen of its later batches, while what had just ended, in the line
    before and the same turn, was in another block of the same step: it may have been in this one."""
    act = block.acts[-1] if block.acts else None
    if act is None or act.kind != "parallel" or act.batch_end >= len(act.steps):
        return False
    if last is None or last.end_index != index - 1 or last.act.span is None:
        return False
    if facts.lines[index].at > facts.lines[index - 1].at + late(index):
        return False
    around = logged(last.act.span)
    return around is not block and around in spans


def _may_end(act: Act, now: float) -> bool:
    return may_go_on(act, now, kept=False) and not has_to_show(act) if act.kind == "parallel" else quiet(act)


def _waits_still(act: Act) -> bool:
    """Something runs in it, and nothing has thrown in it that would have failed it."""
    return act.kind != "parallel" and bool(act.passes) and not act.failed


def _all_run(act: Act) -> bool:
    """A block of which all that has begun last runs still: the log would tell if one had thrown."""
    last = [kid for kid in act.kids if kid.batch == act.batch]
    return act.kind == "parallel" and not act.failed and all(map(_runs, last))


def _runs(kid: LiveSpan) -> bool:
    act = kid.acts[-1] if kid.acts else None
    if act is None or not kid.open or (kid.node.goes_on and kid.node.timeout is not None):
        return False
    return _waits_still(act) or _all_run(act)


def _before_attempt(span: LiveSpan, line: LogLine) -> int:
    """The delay before its last attempt is not over yet."""
    return 500 if span.retried and line.at + 1 < span.retried[-1] else 0


def flow_misfit(span: LiveSpan, after: LogLine | None) -> float:
    """A sub-flow ends with the next line, and says how long it took: by how many ms is it not the one that
    the step ran in?"""
    flow = span.act
    if after is None or flow.kind != "flow":
        return 0
    if flow.span is None or flow.tree is None or flow.tree.key != after.flow_key:
        return 0
    return began_apart(after, flow.start)


def _agrees(result: Result, line: LogLine) -> bool:
    return (
        result.status == line.status
        and result.duration_ms == line.reported_ms
        and (result.retries or 0) == (line.retries or 0)
    )


def _by_time(spans: list[LiveSpan], line: LogLine, coming: Sequence[LogLine], late: float) -> LiveSpan:
    """Among spans that fit alike. An end implies a start (end - duration), and of all ways to pair ends with
    starts the one that keeps both in order has the least total delay: so this end's place among the ends that
    are still to come is the place of its start among the starts."""
    ordered = sorted(spans, key=lambda span: (span.clock, span.number))
    if line.duration_ms is None:
        return ordered[0]
    mine = line.at - line.duration_ms
    implied = [
        other.at - other.duration_ms for other in coming[1 : 3 * len(spans)] if other.duration_ms is not None
    ]
    implied = [start for start in implied if ordered[0].clock <= start <= ordered[-1].clock + late]
    if len(implied) + 1 < len(spans):  # some of them never end
        return min(ordered, key=lambda span: abs(mine - span.clock))
    return ordered[min(sum(start < mine for start in implied), len(ordered) - 1)]


def _alike(one: LiveSpan, other: LiveSpan, line: LogLine) -> bool:
    """Could this end be the one's as well as the other's, by all that the record holds?"""
    if one.path == other.path or (line.duration_ms is not None and abs(one.start - other.start) > CLOCK_MS):
        return False
    return one.iteration != other.iteration or one.act is not other.act


def _cost_of_error(span: LiveSpan, index: int, facts: Facts, late: Late) -> int:
    line = facts.lines[index]
    cost = _before_attempt(span, line)
    cost += 0 if line.strategy in (None, span.node.said_strategy) else _OTHERS
    cost += ill_followed(span, facts.lines, index, late, failed=True)
    if span.acts and not span.node.has_timed_out(line.error):
        act = span.acts[-1]
        if act.failed:
            cost += 0 if act.error == line.error else 50
        else:
            cost += 100 if act.started else _UNSEEN
    if span.attempts <= span.node.retries:
        cost += 60
    cost += _too_early(span, line) + _tried_again(span, line)
    if not _may_throw(span, line.error or ""):
        cost += 300
    result = expected(span)
    if result is not None and result.status == "success":
        # what threw leaves no result: that of one before it may stand there
        cost += 40 if span.node.id in span.scope.shared.last else 200
    return cost + (0 if _fails_above(span, line.error) else 100)


def _too_early(span: LiveSpan, line: LogLine) -> int:
    """How ill the error of a time-out of its own, or of a silent child, fits what began then: a timer may go
    off late, but not early."""
    timeout, act = _named_time_out(span.node, line.error), span.acts[-1] if span.acts else None
    if timeout is None or (act is not None and act.failed):
        return 0
    early = last_began(span) + timeout - line.at
    return 0 if early <= 0 else _EARLY if early <= _ROUNDED_MS else CONTRADICTS


def _tried_again(span: LiveSpan, line: LogLine) -> int:
    """How ill the error of a silent child's time-out fits a block in which that one is tried again."""
    named = [kid for kid in silent_kids(span) if kid.node.has_timed_out(line.error)]
    return _NEAR if named and all(kid.attempts <= kid.node.retries for kid in named) else 0


def _named_time_out(node: Node, error: str | None) -> float | None:
    """How long the time-out is that the error names: its own, or a silent child's."""
    return next((inner.timeout for inner in node.silently() if inner.has_timed_out(error)), None)


def _may_throw(span: LiveSpan, error: str) -> bool:
    """An error that names the step which was timed out: it is this one, or one in it."""
    if error.startswith(span.node.timed_out):
        act = span.acts[-1] if span.acts else None
        own = _named_time_out(span.node, error) is not None
        return own or (act is not None and act.failed and act.error == error)
    return span.node.type in CONTAINERS or not names_time_out(error)


def _fails_above(span: LiveSpan, error: str | None) -> bool:
    """Does what stands above it end as it would if this error had been thrown in it?"""
    act = span.act
    above = act.span
    while above is not None:
        if act.attempt <= above.node.retries or not above.open or above.acts[-1] is not act:
            return True  # it is tried again, or was given up before
        result = expected(above)
        if result is not None:
            return result.status != "success" and (result.error == error or result.status == "timeout")
        if above.node.strategy in ("continue", "fallback"):
            return True
        act = above.act
        above = act.span
    return True
