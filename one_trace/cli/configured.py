"""The settings for a command: what is wrong with them is noted once, and refused where the command acts on
it.
"""

from __future__ import annotations

from one_trace.cli.out import out
from one_trace.settings import sources
from one_trace.settings.sources import Settings


def configured(*acts_on: str) -> Settings:
    """The settings in force. Raises SettingsError if one of the keys `acts_on` may not be what was meant;
    a command that only reads gives none.
    """
    found = sources.load()
    found.require(*acts_on)
    for problem in found.problems:
        out().note(
            f"one-trace: {problem.message}. {problem.hint}",
            event="trace:settings",
            code=problem.code,
            message=problem.message,
            hint=problem.hint,
        )
    return found
