"""What a reading decides: what each leaf step did in each of its attempts.

Where the reading leaves something open, each way to fill it in is an option. `ways` gives the combinations,
those that depart least from the plainest first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from one_trace.model.trace import Span, Trace
from tests.oracle import places
from tests.oracle.events import UNKNOWN, Line
from tests.oracle.retries import Retried, splits
from tests.true_tree import LEAVES, Behaviour

NEVER = Behaviour(math.inf)
"""Goes on for longer than the record: its end shows nowhere. Also what was ended by its own time-out."""
Bodies = dict[str, list[Behaviour]]
"""By place, what the attempts there do, in order."""
Attempt = tuple[str, int]
"""A place and the number of an attempt there."""


class Inside(NamedTuple):
    """What ran in an attempt of a step: in how many iterations, in which branch, of which flow."""

    iterations: int = 0
    branch: str | None = None
    flow_key: str | None = None


@dataclass(frozen=True)
class Decided:
    """What a run is made of. `bodies`: what the reading says; `reading`: its spans by place; `inside`: what
    ran in each attempt. Of `unknown` leaf steps neither the record nor the reading says for certain how they
    ended; `supposed` is what is tried of them, and of `later` bodies, by how many turns of the loop they end
    after others that end in the same ms: a clock does not tell."""

    bodies: Bodies
    reading: dict[str, Span]
    inside: dict[Attempt, Inside]
    unknown: frozenset[str]
    supposed: Bodies = field(default_factory=dict)
    later: dict[Attempt, int] = field(default_factory=dict)

    def at(self, where: str) -> list[Behaviour]:
        """What the attempts at a place do."""
        return self.supposed[where] if where in self.supposed else self.bodies[where]

    def is_unknown(self, where: str) -> bool:
        """Also a silent step that the reading does not have."""
        return where in self.unknown or where not in self.bodies

    def is_open(self, where: str, attempt: int) -> bool:
        """Whether nothing says how that attempt ends."""
        if where in self.supposed or not self.is_unknown(where):
            return False
        return attempt >= len(self.bodies.get(where, ()))

    def suppose(self, bodies: Bodies) -> Decided:
        return replace(self, supposed=self.supposed | bodies)

    def put_off(self, attempt: Attempt) -> Decided:
        return replace(self, later=self.later | {attempt: self.later.get(attempt, 0) + 1})

    def last(self, where: str, behaviour: Behaviour) -> Bodies:
        """All attempts there, with another end of the last."""
        return {where: [*self.bodies.get(where, ())[:-1], behaviour]}


@dataclass
class Decisions:
    """`certain`: what has no alternative. `open`: for each thing that is open, its options."""

    certain: Decided
    """`supposed`: of unknown steps that must have ended as soon as they began."""
    open: list[list[Bodies]] = field(default_factory=list)

    def ways(self) -> Iterator[Decided]:
        """All combinations, by how many of the options are not the first of theirs."""
        if not all(self.open):
            return
        yield self._way({}, claimed=True)
        for departures in range(len(self.open) + 1):
            for which in itertools.combinations(range(len(self.open)), departures):
                others = [range(1, len(self.open[number])) for number in which]
                for chosen in itertools.product(*others):
                    yield self._way(dict(zip(which, chosen, strict=True)))

    def _way(self, picks: dict[int, int], *, claimed: bool = False) -> Decided:
        """`claimed`: what the reading says of unknown steps is believed."""
        bodies: Bodies = dict(self.certain.bodies)
        for number, options in enumerate(self.open):
            bodies |= options[picks.get(number, 0)]
        way = replace(self.certain, bodies=bodies)
        ends = {
            where: made
            for where, made in bodies.items()
            if where in way.unknown and not math.isinf(made[-1].duration_ms)
        }
        return way.suppose(ends | way.supposed) if claimed else way


def decide(trace: Trace, lines: list[Line]) -> Decisions:
    """What the reading decides of a record with these lines."""
    found = places.of_reading(trace)
    leaves = [span for span in trace.spans if span.type in LEAVES and span.status != "skipped"]
    unknown = frozenset(found[span.span_id] for span in leaves if "status" in span.derived)
    bodies: Bodies = {}
    retried: dict[str, list[Retried]] = {}
    start = lines[0].at if lines else 0
    retries = {line.step for line in lines if line.what == "step:retry"}
    for span in leaves:
        if span.step_id in retries or span.attempts > 1:
            retried.setdefault(span.step_id, []).append(_retried(span, found[span.span_id], start))
        else:
            bodies[found[span.span_id]] = [_end(span)]
    for span in trace.spans:
        if span.type not in LEAVES and span.step_id in retried and span.status != "skipped":
            retried[span.step_id].append(_retried(span, found[span.span_id], start))  # it has the same id
    reading = {found[span.span_id]: span for span in trace.spans}
    at_once = {
        where: [Behaviour(output=1)]
        for where in reading
        if where in unknown and _over_at_once(reading, where)
    }
    decisions = Decisions(Decided(bodies, reading, _inside(trace, found), unknown, at_once))
    for step_id, spans in retried.items():
        decisions.open.append(splits(spans, [line for line in lines if line.step == step_id]))
    return decisions


def _inside(trace: Trace, found: dict[str, str]) -> dict[Attempt, Inside]:
    inside: dict[Attempt, Inside] = {}
    for span in trace.spans:
        if span.parent_span_id is not None:
            above = found[span.parent_span_id], span.parent_attempt or 1
            iterations, branch, _ = inside.get(above, Inside())
            iterations = max(iterations, span.iteration + 1 if span.iteration is not None else 0)
            inside[above] = Inside(iterations, span.branch or branch, span.flow_key)
    return inside


def _retried(span: Span, where: str, start: float) -> Retried:
    return Retried(
        where,
        start + span.start_ms,
        span.duration_ms,
        span.attempts,
        _end(span),
        open=span.status == "incomplete",
        fewer="attempts" in span.derived,
        unsure="startMs" in span.derived,
    )


def _end(span: Span) -> Behaviour:
    """What the last attempt does, as if it were the only one."""
    if span.status in ("incomplete", "stopped", "timeout") or span.error_code == "TIMEOUT":
        return NEVER
    if span.duration_ms is None and "status" in span.derived:
        return NEVER
    if span.status == "error":
        return Behaviour(span.duration_ms or 0, error=span.error or UNKNOWN)
    return Behaviour(span.duration_ms or 0, output=1)


def _over_at_once(reading: dict[str, Span], where: str) -> bool:
    """Whether what the step runs in is known to have succeeded when the step began, and when that was is
    known, too: then it took no time."""
    if "startMs" in reading[where].derived:
        return False
    ids = {span.span_id: span for span in reading.values()}
    above = ids.get(reading[where].parent_span_id or "")
    while above is not None and "status" in above.derived:
        above = ids.get(above.parent_span_id or "")
    if above is None or above.status != "success" or above.duration_ms is None:
        return False
    return above.start_ms + above.duration_ms == reading[where].start_ms
