"""The page of `trace explain`: each line of the log that was a choice, and what spoke against each
candidate."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.guard.text import clean
from one_trace.model.explanation import Explanation, MadeChoice, OtherWay, ReadLine
from one_trace.view.page import Page

_MOST_LINES = 50


def render_explanation(explanation: Explanation, page: Page, *, whole: bool) -> str:
    shown = explanation.lines if whole else explanation.lines[:_MOST_LINES]
    text = [f"{explanation.chosen:,} of {explanation.total:,} lines could be read in more than one way."]
    if explanation.contradicted is not None:
        text.append(f"Of {explanation.tried:,} readings of the log the best is contradicted:")
        text.append(f"  {explanation.contradicted}")
    elif explanation.tried > 1:
        text.append(f"{explanation.tried:,} readings of the log were tried.")
    for line in shown:
        text += ["", *_line(line)]
    if len(shown) < len(explanation.lines):
        text += ["", f"{len(explanation.lines) - len(shown):,} more lines: add --all."]
    return page.text("\n".join(map(clean, text)))


def _line(line: ReadLine) -> Iterator[str]:
    yield f"line {line.line}  {line.event}{f' {line.step}' if line.step else ''}, {line.at_ms:,} ms"
    if line.path is not None:
        led = f"  (led to by line {line.after})" if line.after is not None else ""
        yield f"  = {line.path}{led}"
    if line.how is not None:
        yield f"    {line.how}"
    yield from (f"    {each}" for each in line.silent)
    for candidate in line.candidates:
        yield f"  {candidate.points:5}  {candidate.path}"
        yield from (f"         {reason}" for reason in candidate.against)
    if line.more_candidates:
        yield f"         and {line.more_candidates:,} more that fit less"
    for choice in line.choices:
        yield from _choice(choice)


def _choice(choice: MadeChoice) -> Iterator[str]:
    why = ", since the likeliest is contradicted" if choice.forced else ""
    yield f"  chosen: {choice.taken}{why}"
    for other in choice.as_well:
        yield from _other("or as well", other)
    for other in choice.unlikely:
        yield from _other("less likely", other)


def _other(how: str, other: OtherWay) -> Iterator[str]:
    yield f"    {how}: {other.way}"
    if other.comes_to is not None:
        yield f"      {other.comes_to}"
