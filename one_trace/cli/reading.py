"""`--from WHERE`: which history a command reads, the store of this machine or a team's.

Without the option it is `traces.history`; without that, the store.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from one_trace.cli.configured import configured, configured_to_read
from one_trace.cli.out import out
from one_trace.cli.params import project_here
from one_trace.errors import CliError, WrongUsage
from one_trace.history import opened
from one_trace.settings.keys import LOCAL

if TYPE_CHECKING:
    from one_trace.history.protocol import History
    from one_trace.settings.history_url import HistoryUrl


def place_of(source: str | None) -> HistoryUrl | None:
    """The history that `--from`, else `traces.history`, names; None: the store. Raises SettingsError."""
    if source is None:
        named = configured_to_read().history
    else:
        named = out().source = source
    if named is None or named == LOCAL:
        return None
    from one_trace.settings.history_url import parse_history

    return parse_history(named)


def history_of(place: HistoryUrl | None, *, much: bool = False) -> AbstractContextManager[History]:
    """The history at a place, to be asked. `much`: a large part of it will be read."""
    return opened(configured(), place, much=much)


def only_here(place: HistoryUrl | None, what: str) -> None:
    """Raises WrongUsage if a history elsewhere is asked for what only this machine has."""
    if place is not None:
        raise WrongUsage(
            f"{what} is not in {place.shown}: only the machine of a run has it",
            hint="For a run of this machine: --from local.",
            code="not-in-history",
        )


def here_in(history: History) -> str | None:
    """The project of this folder, as a history has it; None outside of one, and where it cannot be told."""
    here = project_here()
    try:
        return history.project(here) if here is not None else None
    except CliError:  # no repository
        return None


def folder_of(project: str | None, here: str | None, place: HistoryUrl | None) -> str | None:
    """The folder of a project of answers; of one in a history elsewhere, this folder if it is its clone.
    `here`: see `here_in`."""
    if place is None or project is None:
        return project
    return project_here() if here == project else None


def not_cloned(project: str | None) -> CliError:
    return CliError(
        "the flow's files are not here",
        hint=f"Run it in a clone of {project}."
        if project
        else "Run it where the flow is, with --from local.",
        code="no-project",
    )
