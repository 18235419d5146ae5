"""What was weighed and chosen at each line: kept only when somebody asks why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from one_trace.assemble.live.state import ContainerAttempt, LiveSpan
from one_trace.assemble.reading.weights import Weight
from one_trace.model.explanation import MadeChoice, OtherWay, ReadLine, WeighedSpan
from one_trace.record.log import LogLine

_APART = "ms apart from when what ends with it began"

REOPENED = "a batch of a block that failed had begun without a line"
GAP = "nothing in the log leads there, but a list in which it stands is under way"
FOREIGN = "the flow files have no place for it"


class Reason(NamedTuple):
    """Points against a candidate, and why."""

    points: int
    why: str


class Candidate(NamedTuple):
    """A span, or an attempt of one, that a line may be about."""

    path: str
    against: list[Reason]


class Choice(NamedTuple):
    """One choice at a line: the place of what was taken; `as_well`: those that fitted alike; `forced`: not
    the likeliest was taken, since a later line contradicts that one."""

    path: str
    as_well: list[str]
    less: list[str]
    forced: bool


class Notes:
    """The notes of one replay, by line."""

    def __init__(self) -> None:
        self.candidates: dict[int, list[Candidate]] = {}
        self.choices: dict[int, list[Choice]] = {}
        self.places: dict[int, str] = {}
        self.how: dict[int, str] = {}

    def weighed(self, index: int, spans: Iterable[LiveSpan], against: Iterable[Iterable[int]]) -> None:
        """What speaks against each of several spans that a line may be about."""
        self.candidates[index] = [
            Candidate(span.path, [_reason(points) for points in each if points])
            for span, each in zip(spans, against, strict=True)
        ]

    def is_about(self, index: int, place: LiveSpan | ContainerAttempt, how: str = "") -> None:
        """A line, as it was read; `how` it was found."""
        self.places[index] = place_of(place)
        if how:
            self.how[index] = how

    def chosen(
        self,
        index: int,
        taken: LiveSpan | ContainerAttempt,
        rivals: Iterable[LiveSpan | ContainerAttempt],
        less: Iterable[LiveSpan | ContainerAttempt],
        *,
        forced: bool,
    ) -> None:
        as_well = [place_of(rival) for rival in rivals if rival is not taken]
        unlikely = [place_of(rival) for rival in less if rival is not taken]
        choice = Choice(place_of(taken), as_well, unlikely, forced)
        self.choices.setdefault(index, []).append(choice)


def lines_of(notes: Notes, log: Sequence[LogLine]) -> list[ReadLine]:
    """What was noted of the events of a log."""
    began = log[0].at if log else 0
    events = ((number, line) for number, line in enumerate(log) if line.event is not None)
    return [_line(number, line, notes, began) for number, line in events]


def _line(number: int, line: LogLine, notes: Notes, began: int) -> ReadLine:
    candidates = [
        WeighedSpan(
            each.path,
            sum(reason.points for reason in each.against),
            [f"{reason.points}: {reason.why}" for reason in each.against],
        )
        for each in notes.candidates.get(number, ())
    ]
    choices = [
        MadeChoice(each.path, list(map(OtherWay, each.as_well)), list(map(OtherWay, each.less)), each.forced)
        for each in notes.choices.get(number, ())
    ]
    return ReadLine(
        line=number + 1,
        at_ms=line.at - began,
        event=line.event or "",
        step=line.step_id,
        path=notes.places.get(number),
        how=notes.how.get(number),
        candidates=candidates,
        choices=choices,
    )


def place_of(rival: LiveSpan | ContainerAttempt) -> str:
    """The path of a span, or that under which an attempt of it runs its steps."""
    return rival.path if isinstance(rival, LiveSpan) else rival.prefix


def _reason(points: int) -> Reason:
    return Reason(int(points), points.why if isinstance(points, Weight) else _APART)
