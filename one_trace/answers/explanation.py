"""Why each line of a log was read as it was: how much is shown."""

from __future__ import annotations

from msgspec.structs import replace

from one_trace.guard.text import cut_middle
from one_trace.model.explanation import Explanation, MadeChoice, OtherWay, ReadLine

MOST_CANDIDATES = 8
"""Those that fit best, of each line."""
_PATH = 200
"""Characters of a path."""


def explanation(found: Explanation, *, every: bool, step: str | None) -> Explanation:
    """`every`: lines that could be read in one way only, too; `step`: only the lines of this step id."""
    lines = [line for line in found.lines if every or line.is_open]
    return replace(found, lines=[_bounded(line) for line in lines if step is None or line.step == step])


def _bounded(line: ReadLine) -> ReadLine:
    weighed = sorted(line.candidates, key=lambda each: each.points)
    return replace(
        line,
        path=_cut(line.path) if line.path is not None else None,
        silent=[_cut(each) for each in line.silent[:MOST_CANDIDATES]],
        candidates=[replace(each, path=_cut(each.path)) for each in weighed[:MOST_CANDIDATES]],
        more_candidates=max(0, len(weighed) - MOST_CANDIDATES),
        choices=[_choice(choice) for choice in line.choices[:MOST_CANDIDATES]],
    )


def _choice(choice: MadeChoice) -> MadeChoice:
    as_well, unlikely = (_ways(ways) for ways in (choice.as_well, choice.unlikely))
    return replace(choice, taken=_cut(choice.taken), as_well=as_well, unlikely=unlikely)


def _ways(ways: list[OtherWay]) -> list[OtherWay]:
    return [
        OtherWay(_cut(each.way), _cut(each.comes_to) if each.comes_to is not None else None)
        for each in ways[:MOST_CANDIDATES]
    ]


def _cut(path: str) -> str:
    return cut_middle(path, _PATH)
