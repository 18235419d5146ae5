"""Which of them: several spans of one step are open, and a line of the log is about one.

Each is weighed by what speaks against it (`weights`). Those that fit alike are told apart by time, and are a
choice; those that fit a little less may be tried later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from one_trace.assemble.live.around import alive, logged
from one_trace.assemble.live.facts import Facts
from one_trace.assemble.live.over import ends_in_tick
from one_trace.assemble.live.state import LiveSpan
from one_trace.assemble.live.tolerance import CLOCK_MS, Tolerance
from one_trace.assemble.reading import weights
from one_trace.assemble.reading.against_end import EndLine, against_end, misfit, vouched_for
from one_trace.assemble.reading.against_error import against_error, flow_misfit
from one_trace.assemble.reading.against_retry import against_retry
from one_trace.assemble.reading.notes import Notes
from one_trace.record.log import LogLine

_MOST_BETTER = 8
_TICK_LINES = 50
"""How far back is looked for the end of a tick."""


class Weighed(NamedTuple):
    """The span that a line is about; those that fit as well (itself among them); those that fit less, but may
    turn out to be right; and what speaks against it in all."""

    chosen: LiveSpan
    as_well: list[LiveSpan]
    less: list[LiveSpan]
    cost: int


def choose_end(
    spans: list[LiveSpan],
    index: int,
    coming: Sequence[LogLine],
    facts: Facts,
    late: Tolerance,
    notes: Notes | None = None,
) -> Weighed:
    """The span that a ``step:complete`` at line `index` ends. `coming`: this step's ends from here on, this
    one first."""
    line = facts.lines[index]
    end = EndLine(index, facts, late)
    against = [against_end(span, end) for span in spans]
    due = [ends_in_tick(span, line.at, late(index)) for span in spans] if facts.exact else []
    if any(due):
        for each, must in zip(against, due, strict=True):
            each += [] if must else [weights.ANOTHER_IS_DUE]
    if line.duration_ms == 0 and any(span.begun == index - 1 for span in spans):
        for span, each in zip(spans, against, strict=True):
            each += [weights.BEGAN_IN_EARLIER_TICK] if _had_a_tick(span, facts, index) else []
    costs, least = _costs(spans, index, against, notes)
    best = _within(spans, costs, least, least)
    chosen = best[0] if len(best) == 1 else _by_time(best, line, coming, late(index))
    equal = least + int(CLOCK_MS)  # ms that are apart weigh one each
    return Weighed(chosen, _within(spans, costs, least, equal), _less(spans, costs, least, equal), least)


def _had_a_tick(span: LiveSpan, facts: Facts, index: int) -> bool:
    """Something that had waited has ended since it began: what takes no time ends in the tick in which it
    begins."""
    since = range(index - 1, max(span.begun, index - _TICK_LINES), -1)
    return any(facts.lines[at].event == "step:complete" and facts.lines[at].duration_ms for at in since)


def choose_error(
    spans: list[LiveSpan], index: int, facts: Facts, late: Tolerance, notes: Notes | None = None
) -> Weighed:
    """The span that a ``step:error`` at line `index` ends: it has no duration, but its error stands in what
    ends above it."""
    after = facts.after(index)
    against = [list(against_error(span, index, facts, late)) for span in spans]
    costs, least = _costs(spans, index, against, notes)
    best = _within(spans, costs, least, least)
    chosen = min(best, key=lambda span: (flow_misfit(span, after), span.number))
    equal = least + weights.RIVAL_ERRORS
    return Weighed(chosen, _within(spans, costs, least, equal), _less(spans, costs, least, equal), least)


def choose_retry(
    spans: list[LiveSpan], index: int, line: LogLine, late: float, notes: Notes | None = None
) -> Weighed:
    """The span whose next attempt a ``step:retry`` announces: of the best, one that was not given up. Less
    fit those in which nothing is seen to have failed, but may have. `late`: by how many ms the line may be
    late."""
    against = [list(against_retry(span, line, late)) for span in spans]
    costs, least = _costs(spans, index, against, notes)
    equal = least + weights.RIVAL_RETRIES
    best = _within(spans, costs, least, equal)
    for span in best if len(best) > 1 else ():
        span.shown.unsure_attempts = True
    likely = _within(spans, costs, least, least)
    living = [span for span in likely if alive(span.act)]
    less = _within(spans, costs, equal + 1, equal + weights.FAILED_UNSEEN)
    return Weighed(living[0] if living else likely[-1], best, less, least)


def _costs(
    spans: list[LiveSpan], index: int, against: list[list[int]], notes: Notes | None
) -> tuple[list[int], int]:
    """What speaks against each in all, and the least of it."""
    if notes is not None:
        notes.weighed(index, spans, against)
    costs = [sum(each) for each in against]
    return costs, min(costs)


def _within(spans: list[LiveSpan], costs: list[int], least: int, most: int) -> list[LiveSpan]:
    return [span for span, cost in zip(spans, costs, strict=True) if least <= cost <= most]


def _less(spans: list[LiveSpan], costs: list[int], least: int, equal: int) -> list[LiveSpan]:
    """Those that fit less than what is `equal`."""
    return _within(spans, costs, equal + 1, min(weights.CONTRADICTS, equal + weights.RIVALS) - 1)


def mark_doubtful(chosen: LiveSpan, rivals: list[LiveSpan], line: LogLine) -> None:
    """Those that this end could as well have been another's, by all that the record holds."""
    for other in rivals:
        if _alike(other, chosen, line):
            other.shown.doubtful = chosen.shown.doubtful = True
            if other.node is not chosen.node:
                other.shown.either_end = chosen.shown.either_end = True


def mark_inside(spans: list[LiveSpan]) -> None:
    """What ran in either of two spans when it was a guess which of them ended, may be the other's. Parents
    first."""
    last: dict[int, int] = {}
    for span in spans:
        ended = last.get(id(span.act), span.act.unsure.ended_either)
        for act in span.acts:
            last[id(act)] = max(ended, act.unsure.ended_either)
        if 0 <= span.begun < ended and (span.end_index is None or span.end_index > ended):
            span.shown.doubtful = True


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


def last_ended_in_twin(
    block: LiveSpan, spans: list[LiveSpan], last: LiveSpan | None, facts: Facts, index: int, late: Tolerance
) -> bool:
    """A block succeeds and nothing was seen of its later batches, while what had just ended, in the line
    before and the same tick, was in another block of the same step: it may have been in this one."""
    act = block.acts[-1] if block.acts else None
    if act is None or act.kind != "parallel" or act.progress.batch_end >= len(act.steps):
        return False
    if last is None or last.end_index != index - 1 or last.act.span is None:
        return False
    if facts.lines[index].at > facts.lines[index - 1].at + late(index):
        return False
    around = logged(last.act.span)
    return around is not block and around in spans


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
