"""The settings for a command: what is wrong with them is reported once."""

from __future__ import annotations

from collections.abc import Callable

from one_trace.cli.out import out
from one_trace.settings import sources
from one_trace.settings.sources import Settings


def configured(*acts_on: str, load: Callable[[], Settings] = sources.load) -> Settings:
    """The settings in force. Raises SettingsError if one of the keys `acts_on` may not have the intended
    value; a command that only reads passes none.
    """
    settings = load()
    settings.require(*acts_on)
    for problem in settings.problems:
        out().note(
            f"one-trace: {problem.message}. {problem.hint}",
            event="trace:settings",
            code=problem.code,
            message=problem.message,
            hint=problem.hint,
        )
    return settings


def configured_to_send() -> Settings:
    """The settings for a command that shows what would leave. Raises SettingsError if a pattern of
    `traces.redact` is not valid, so that it is not known what is to be replaced."""
    settings = configured()
    problem = settings.doubt("redact")
    if problem is not None and problem.keys == {"redact"}:
        raise problem
    return settings


def configured_to_read() -> Settings:
    """The settings for a command that reads the history which they name. Raises SettingsError if
    `traces.history` is not valid: then another history is meant than the store."""
    settings = sources.load()
    problem = settings.doubt("history")
    if problem is not None and problem.keys == {"history"}:
        raise problem
    return configured(load=lambda: settings)
