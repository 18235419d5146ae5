"""Types of parameters that several commands have."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from one_trace.guard.text import valid
from one_trace.model.times import past_ms

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _Kind = click.ParamType[int]
    _TagKind = click.ParamType[tuple[str, str]]
    _Choice = click.Choice[str]
    _Words = click.ParamType[str]
else:
    _Kind, _TagKind, _Choice, _Words = (
        click.ParamType,
        click.ParamType,
        click.Choice,
        click.ParamType,
    )  # generic from click 8.2 on, and for the type checker alone


class Moment(_Kind):
    """A moment in the past: an age like ``7d`` (s, m, h, d, w) or a date; as ms since 1970."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = past_ms(str(value), time.time())
        if found is None:
            self.fail(f"'{value}' is neither an age (7d, 12h, 30m) nor a date (2026-04-06)", param, ctx)
        return found

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(age, help=about) for age, about in _AGES.items() if age.startswith(incomplete)]


_AGES = {
    "1h": "an hour ago",
    "6h": "6 hours ago",
    "24h": "24 hours ago",
    "7d": "7 days ago",
    "30d": "30 days ago",
    "90d": "90 days ago",
}
"""Ages that TAB offers."""
MOMENT = Moment()


class RunStatus(_Choice):
    """The outcome of a run."""

    def __init__(self) -> None:
        super().__init__(list(_STATUSES))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        items = super().shell_complete(ctx, param, incomplete)
        from click.shell_completion import CompletionItem

        return [CompletionItem(item.value, help=_STATUSES[item.value]) for item in items]


_STATUSES = {
    "success": "it ended without an error",
    "error": "a step failed",
    "stopped": "it was stopped after a step, as asked",
    "incomplete": "it was killed, or never seen to end",
}


class Tag(_TagKind):
    """A tag that a run must have: ``KEY=VALUE``."""

    name = "tag"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        from one_trace.model.tags import parse

        try:
            key, text = value if isinstance(value, tuple) else parse(valid(str(value)))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not text:
            self.fail(f"'{key}=' has no value to look for", param, ctx)
        return key, text


TAG = Tag()
TAGS = click.option(
    "--tag", "tags", type=TAG, metavar="K=V", multiple=True, help="Only runs with this tag (repeatable)."
)


class Seconds(click.FloatRange):
    """A duration in seconds, fractions included."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):  # which is in every range
            self.fail(f"'{value}' is not a number of seconds", param, ctx)
        return seconds


SECONDS = Seconds()


P50 = "p50"


class BaselineSource(_Words):
    """The word p50, or a file that `trace baseline` wrote."""

    name = "p50|FILE"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        words = [CompletionItem(P50, help="The runs before it")] if P50.startswith(incomplete) else []
        return [*words, CompletionItem(incomplete, type="file")]


BASELINE = BaselineSource()


class GroupBy(_Words):
    """What runs are grouped by: see `analyse.run_groups.KINDS`; `more` words that a command has."""

    name = "what"

    def __init__(self, *more: str) -> None:
        self.more = more

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return valid(str(value))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from one_trace.analyse.run_groups import KINDS

        words = (*self.more, *KINDS[:-1], "tag:")
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]


class HistorySource(_Words):
    """The word local, or the URL of a team's history, in its one spelling."""

    name = "where"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from one_trace.settings.keys import parse_history

        try:
            return parse_history(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from one_trace.settings.keys import LOCAL

        local = CompletionItem(LOCAL, help="The store of this machine")
        return [local] if LOCAL.startswith(incomplete) else []


FROM = click.option(
    "--from", "source", type=HistorySource(), metavar="WHERE", help="local, or clickhouse://HOST/DATABASE."
)


class Text(click.types.StringParamType):
    """Any text. Bytes that are not UTF-8 are written as in the store and in documents (`\\\\xff`)."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return valid(str(super().convert(value, param, ctx)))


TEXT = Text()


def with_any_text(command: click.Command) -> click.Command:
    """The command, accepting any bytes for its text parameters. Paths stay as they are."""
    for param in command.params:
        if type(param.type) is click.types.StringParamType:
            param.type = TEXT
    return command


def folder_here() -> str:
    """The project of the working directory, or that directory, as the store has it."""
    return project_here() or valid(str(Path.cwd()))


def project_here() -> str | None:
    """The project of the working directory: the nearest folder upwards with flows; None outside of one."""
    try:
        here = Path.cwd()
    except OSError:
        return None
    found = next((str(folder) for folder in (here, *here.parents) if (folder / ".one/flows").is_dir()), None)
    return valid(found) if found is not None else None
