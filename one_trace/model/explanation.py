"""Why each line of a log was read as it was: the document of ``trace explain``."""

from __future__ import annotations

from msgspec import Struct


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
