"""Why each line of a log was read as it was: the reading that was taken, driven once more with notes, and
what contradicts the others."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TypeAlias

from one_trace.assemble import read_through
from one_trace.assemble.explained.notes import (
    LineNotes,
    NotedEmitted,
    NotedHappen,
    NotedLeaves,
    NotedMaps,
    NotedSilence,
    NotedWatch,
)
from one_trace.assemble.ground.choices import Candidate, Choice, Choices, Key, Picks
from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.ground import Ground
from one_trace.assemble.ground.script import Conflict
from one_trace.assemble.reading.drive import Drive, Parts
from one_trace.assemble.reading.standing import Learned
from one_trace.assemble.search.readings import Reading
from one_trace.model.explanation import Explanation, MadeChoice, OtherWay, ReadLine
from one_trace.model.gc import held_back
from one_trace.record.log import LogLine
from one_trace.record.reading import Record

_BLAMED = 3
_STANDS = "nothing contradicts that reading either"
_UNPLACED = "nothing leads there: it was placed by the flow files alone"
_WORDS = {
    "believed": ("the result in its place is its own", "the result in its place is another's"),
    "due": ("was timed out before this line", "was not timed out before this line"),
    "ends at once": ("was over at once", "was not over at once"),
    "skipped": ("is the one that was skipped", "is not the one that was skipped"),
    "throws at once": ("threw at once", "did not throw at once"),
    "timed out": ("was timed out", "was over in time"),
}
"""What a yes and a no of a choice stand for."""
_Tried: TypeAlias = dict[tuple[Key, str], Reading]
"""The best of the readings in which a choice was made so."""


def explain(record: Record) -> Explanation:
    """Of the run that `assemble` gives."""
    with held_back():
        ground, reading = read_through(record)
        drive, notes = _driven(ground, reading)
    tried = _by_choice(ground.tried.all)
    choices: dict[int, list[MadeChoice]] = {}
    for choice in reading.choices:
        choices.setdefault(choice.key.at, []).append(_made(choice, tried))
    ended = {index: each for each in drive.at.executions for index in each.lines if index >= 0}
    lines = [
        _line(index, line, notes, ended.get(index), choices.get(index, []), record.lines[0].at)
        for index, line in enumerate(record.lines)
        if line.event is not None
    ]
    return Explanation(
        run_id=record.files.run_id,
        total=len(record.lines),
        chosen=sum(line.is_open for line in lines),
        tried=max(1, len(ground.tried.all)),
        contradicted=_why(reading.conflict) if reading.conflict is not None else None,
        lines=lines,
    )


def _driven(ground: Ground, reading: Reading) -> tuple[Drive, LineNotes]:
    """The reading again; it goes on where it is contradicted."""
    ground.mode = reading.mode
    picks = {choice.key: choice.chosen.label for choice in reading.choices}
    drive, notes, whole = _noted(ground, picks, reading.learned, lenient=ground.bare)
    if not whole:
        drive, notes, _ = _noted(ground, picks, reading.learned, lenient=True)
    return drive, notes


def _noted(ground: Ground, picks: Picks, learned: Learned, *, lenient: bool) -> tuple[Drive, LineNotes, bool]:
    """Also whether it came to the end."""
    notes, whole = LineNotes(), False
    parts = Parts(
        partial(NotedMaps, notes),
        partial(NotedEmitted, notes),
        partial(NotedWatch, notes),
        partial(NotedSilence, notes),
        NotedLeaves,
        partial(NotedHappen, notes),
    )
    drive = Drive(ground, Choices(picks), learned, lenient=lenient, parts=parts)
    with contextlib.suppress(Conflict):  # what contradicts it is reported with the reading
        drive.run()
        whole = True
    return drive, notes, whole


def _line(
    index: int,
    line: LogLine,
    notes: LineNotes,
    of: Execution | None,
    choices: list[MadeChoice],
    began: int,
) -> ReadLine:
    subject, led = notes.taken.get(index, (of, index))
    return ReadLine(
        line=index + 1,
        at_ms=line.at - began,
        event=line.event or "",
        step=line.step_id,
        path=subject.path if subject is not None else None,
        after=led + 1 if led < index else None,
        how=_UNPLACED if index not in notes.taken and of is not None else None,
        silent=notes.silent.get(index, []),
        candidates=notes.weighed.get(index, []),
        choices=choices,
    )


def _by_choice(readings: list[Reading]) -> _Tried:
    found: _Tried = {}
    for reading in readings:
        for choice in reading.choices:
            way = choice.key, choice.chosen.label
            if way not in found or _order(reading) > _order(found[way]):
                found[way] = reading
    return found


def _order(reading: Reading) -> tuple[bool, tuple[int, int]]:
    return reading.conflict is None, reading.reached


def _made(choice: Choice, tried: _Tried) -> MadeChoice:
    alike = [each.label for each in choice.as_good]
    others = {
        each.label: OtherWay(_way(choice, each), _comes_to(choice, each, tried)) for each in choice.others
    }
    return MadeChoice(
        _way(choice, choice.chosen),
        [other for label, other in others.items() if label in alike],
        [other for label, other in others.items() if label not in alike],
        forced=choice.picked > 0 and choice.picked >= choice.equal,
    )


def _way(choice: Choice, candidate: Candidate) -> str:
    """In words."""
    kind, label, path = choice.key.kind, candidate.label, candidate.of.path
    if label in ("True", "False"):
        yes, no = _WORDS.get(kind, (kind, f"not: {kind}"))
        return f"{path}: {yes if label == 'True' else no}"
    return label if path in label else f"{path}: {kind}, {label}"


def _comes_to(choice: Choice, candidate: Candidate, tried: _Tried) -> str | None:
    reading = tried.get((choice.key, candidate.label))
    if reading is None:
        return None
    return _why(reading.conflict) if reading.conflict is not None else _STANDS


def _why(conflict: Conflict) -> str:
    blamed = dict.fromkeys(each.path for each in conflict.blamed)
    return f"{conflict}; to blame: {', '.join([*blamed][:_BLAMED])}" if blamed else str(conflict)
