"""Why each line of a log was read as it was: what was weighed, and what was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from one_trace.assemble.reading.notes import Candidate, Choice, Notes
from one_trace.guard.text import cut_middle
from one_trace.model.explanation import Explanation, MadeChoice, ReadLine, WeighedSpan
from one_trace.record.log import LogLine

MOST_CANDIDATES = 8
"""Those that fit best, of each line."""
_PATH = 200
"""Characters of a path."""


def explanation(
    run_id: str, log: Sequence[LogLine], notes: Notes, *, every: bool, step: str | None
) -> Explanation:
    """`every`: lines that could be read in one way only, too; `step`: only the lines of this step id."""
    lines = [_line(number, line, notes) for number, line in enumerate(log) if line.event is not None]
    open_ones = [line for line in lines if len(line.candidates) > 1 or line.choices or line.how]
    shown = lines if every else open_ones
    return Explanation(
        run_id=run_id,
        total=len(log),
        chosen=len(open_ones),
        lines=[line for line in shown if step is None or line.step == step],
    )


def _line(number: int, line: LogLine, notes: Notes) -> ReadLine:
    weighed = sorted(notes.candidates.get(number, ()), key=_points)
    path = notes.places.get(number)
    return ReadLine(
        line=number + 1,
        event=line.event or "",
        step=line.step_id,
        path=_cut(path) if path is not None else None,
        how=notes.how.get(number),
        candidates=[
            WeighedSpan(_cut(each.path), _points(each), list(_reasons(each)))
            for each in weighed[:MOST_CANDIDATES]
        ],
        more_candidates=max(0, len(weighed) - MOST_CANDIDATES),
        choices=[_choice(choice) for choice in notes.choices.get(number, ())],
    )


def _points(candidate: Candidate) -> int:
    return sum(reason.points for reason in candidate.against)


def _reasons(candidate: Candidate) -> Iterator[str]:
    for reason in candidate.against:
        yield f"{reason.points}: {reason.why}"


def _choice(choice: Choice) -> MadeChoice:
    as_well, unlikely = (list(map(_cut, paths[:MOST_CANDIDATES])) for paths in (choice.as_well, choice.less))
    return MadeChoice(_cut(choice.path), as_well, unlikely, choice.forced)


def _cut(path: str) -> str:
    return cut_middle(path, _PATH)
