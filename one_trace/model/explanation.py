"""Why each line of a log was read as it was: the document of ``trace explain``."""

from __future__ import annotations

from msgspec import Struct


class WeighedSpan(Struct, rename="camel"):
    """A span that a line may be about. `points` against it, and what they stand for."""

    path: str
    points: int
    against: list[str]


class OtherWay(Struct, rename="camel", omit_defaults=True):
    """What was not chosen. `comes_to`: what contradicts it, or that nothing does; None where it was not
    tried."""

    way: str
    comes_to: str | None = None


class MadeChoice(Struct, rename="camel", omit_defaults=True):
    """Which of several was taken. `as_well`: others that fit alike; `unlikely`: that fit less, but may be
    tried; `forced`: not the likeliest was taken, since something contradicts that one."""

    taken: str
    as_well: list[OtherWay] = []
    unlikely: list[OtherWay] = []
    forced: bool = False


class ReadLine(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A line of the log, by its number among those that can be read, and the span or attempt that it is
    about. `at_ms`: since the first line; `after`: the line that has led to it; `how`: where nothing in the
    log leads there; `silent`: what was evaluated before it, or went on, and has no line."""

    line: int
    at_ms: int = 0
    event: str
    step: str | None = None
    path: str | None = None
    after: int | None = None
    how: str | None = None
    silent: list[str] = []
    candidates: list[WeighedSpan] = []
    more_candidates: int = 0
    choices: list[MadeChoice] = []

    @property
    def is_open(self) -> bool:
        """It could be read in more than one way."""
        return len(self.candidates) > 1 or bool(self.choices) or self.how is not None


class Explanation(Struct, rename="camel", kw_only=True):
    """The answer of ``trace explain``. `chosen`: how many of the log's `total` lines were a choice; `tried`:
    how many readings of the log; `contradicted`: what speaks against the one that was taken."""

    schema: str = "one-trace-explanation/1"
    run_id: str
    total: int
    chosen: int
    tried: int = 1
    contradicted: str | None = None
    lines: list[ReadLine]
