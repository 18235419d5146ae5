"""How the time of a step that was retried splits into its attempts.

A trace has the number of attempts and the time they took together. The log has a line for each retry, which
names the step but not which of its executions: a split gives each line to one of them.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from tests.oracle.events import UNKNOWN, Line
from tests.true_tree import Behaviour

SPLITS = 50
"""At most so many of one step are tried."""
STEPS = 20_000
"""After so many steps of the search it is ended without a result."""


@dataclass(frozen=True)
class Retried:
    """An execution with `attempts` attempts, or `fewer`. `start`: ms since the epoch; `end`: what the last
    one does; `open`: the record does not have its end; `unsure`: no line says when it began and ended."""

    place: str
    start: float
    duration: float | None
    attempts: int
    end: Behaviour
    open: bool = False
    fewer: bool = False
    unsure: bool = False

    @property
    def ended(self) -> float:
        return self.start + self.duration if self.duration is not None else math.inf


class TooManyWays(Exception):
    """None was found in a reasonable time."""


def splits(spans: list[Retried], lines: list[Line]) -> list[dict[str, list[Behaviour]]]:
    """The ways to split the attempts of the executions of one step, the first few; empty if there is none.
    Raises TooManyWays."""
    retries = [line for line in lines if line.what == "step:retry"]
    ways = _Ways(sorted(spans, key=lambda span: span.start), retries, _cut_short(lines))
    return list(itertools.islice(ways.all(0), SPLITS))


def _cut_short(lines: list[Line]) -> Line | None:
    """The success of a retry after which the run was killed, before the end of the step was written."""
    return lines[-1] if lines and lines[-1].what == "step:retry-success" else None


class _Ways:
    """Gives the lines, in their order, each to an execution that may have written it."""

    def __init__(self, spans: list[Retried], lines: list[Line], cut_short: Line | None) -> None:
        self._spans, self._lines, self._cut_short = spans, lines, cut_short
        self._chains: list[list[Line]] = [[] for _ in spans]
        self._steps = 0

    def all(self, number: int) -> Iterator[dict[str, list[Behaviour]]]:
        self._steps += 1
        if self._steps > STEPS:
            raise TooManyWays
        at = self._lines[number].at if number < len(self._lines) else math.inf
        pairs = list(zip(self._spans, self._chains, strict=True))
        if any(span.ended < at and not span.unsure and not _is_enough(span, chain) for span, chain in pairs):
            return
        if number == len(self._lines):
            if all(_is_enough(span, chain) for span, chain in pairs):
                yield from self._way(pairs)
            return
        for span, chain in pairs:
            if _may_write(span, chain, self._lines[number]):
                chain.append(self._lines[number])
                yield from self.all(number + 1)
                chain.pop()

    def _way(self, pairs: list[tuple[Retried, list[Line]]]) -> Iterator[dict[str, list[Behaviour]]]:
        made = {span.place: _attempts(span, chain) for span, chain in pairs}
        over = self._cut_short
        for span, chain in pairs if over is not None else ():
            if over is not None and span.open and len(chain) == over.fields.get("retries"):
                last = Behaviour(max(0, over.at - _resumed(chain[-1])), output=1)
                yield made | {span.place: [*made[span.place][:-1], last]}
        yield made


def _is_enough(span: Retried, chain: list[Line]) -> bool:
    """Whether these may be all of its retries. The last may have been announced only: the run ended then."""
    most = span.attempts if span.open else span.attempts - 1
    return (0 if span.fewer else span.attempts - 1) <= len(chain) <= most


def _may_write(span: Retried, chain: list[Line], line: Line) -> bool:
    most = span.attempts if span.open else span.attempts - 1
    began = _resumed(chain[-1]) if chain else span.start
    is_next = line.fields.get("attempt") == len(chain) + 2 and len(chain) < most
    if span.unsure and not chain:
        return is_next
    return is_next and began <= line.at and (span.unsure or line.at <= span.ended)


def _resumed(line: Line) -> float:
    """When the attempt that a retry announces begins: no timer is shorter than 1 ms."""
    return line.at + max(1, line.fields.get("delayMs") or 0)


def _attempts(span: Retried, chain: list[Line]) -> list[Behaviour]:
    began, made = span.start, []
    for line in chain:
        made.append(Behaviour(max(0, line.at - began), error=UNKNOWN))
        began = _resumed(line)
    if span.open and len(made) == span.attempts:
        return made
    left = span.end.duration_ms if math.isinf(span.end.duration_ms) else max(0, span.ended - began)
    return [*made, dataclasses.replace(span.end, duration_ms=left)]
