"""The page of `trace explain`: each line of the log that was a choice, and what spoke against each
candidate."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from one_trace.guard.text import clean
from one_trace.view.page import Page

_MOST_LINES = 50


class WeighedSpan(Struct, rename="camel"):
    """A span that a line may be about. `points` against it, and what they stand for."""

    path: str
    points: int
    against: list[str]


class MadeChoice(Struct, rename="camel", omit_defaults=True):
    """Which of several was taken. `as_well`: others that fit alike; `unlikely`: that fit less, but may be
    tried; `forced`: not the likeliest was taken, since a later line contradicts that one."""

    taken: str
    as_well: list[str] = []
    unlikely: list[str] = []
    forced: bool = False


class ReadLine(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A line of the log, by its number among those that can be read, and the span or attempt that it is
    about. `how`: where nothing in the log leads there."""

    line: int
    event: str
    step: str | None = None
    path: str | None = None
    how: str | None = None
    candidates: list[WeighedSpan] = []
    more_candidates: int = 0
    choices: list[MadeChoice] = []


class Explanation(Struct, rename="camel", kw_only=True):
    """The answer of ``trace explain``. `chosen`: how many of the log's `total` lines were a choice."""

    schema: str = "one-trace-explanation/1"
    run_id: str
    total: int
    chosen: int
    lines: list[ReadLine]


def render_explanation(explanation: Explanation, page: Page, *, whole: bool) -> str:
    shown = explanation.lines if whole else explanation.lines[:_MOST_LINES]
    text = [f"{explanation.chosen:,} of {explanation.total:,} lines could be read in more than one way."]
    for line in shown:
        text += ["", *_line(line)]
    if len(shown) < len(explanation.lines):
        text += ["", f"{len(explanation.lines) - len(shown):,} more lines: add --all."]
    return page.text("\n".join(map(clean, text)))


def _line(line: ReadLine) -> Iterator[str]:
    yield f"line {line.line}  {line.event}{f' {line.step}' if line.step else ''}"
    if line.path is not None:
        yield f"  = {line.path}"
    if line.how is not None:
        yield f"    {line.how}"
    for candidate in line.candidates:
        yield f"  {candidate.points:5}  {candidate.path}"
        yield from (f"         {reason}" for reason in candidate.against)
    if line.more_candidates:
        yield f"         and {line.more_candidates:,} more that fit less"
    for choice in line.choices:
        yield from _choice(choice)


def _choice(choice: MadeChoice) -> Iterator[str]:
    why = ", since a later line contradicts the likeliest" if choice.forced else ""
    yield f"  chosen {choice.taken}{why}"
    yield from (f"    or as well {other}" for other in choice.as_well)
    yield from (f"    less likely {other}" for other in choice.unlikely)
