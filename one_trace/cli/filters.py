"""FLOW, --here, --since, --tag and --from: which runs a command over many runs reads."""

from __future__ import annotations

import difflib
import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from one_trace.cli import candidates
from one_trace.cli.params import FROM, MOMENT, TAGS, folder_here
from one_trace.cli.reading import history_of
from one_trace.errors import NoSuchRun
from one_trace.guard.text import shell_word
from one_trace.model.tags import Tags
from one_trace.model.times import to_iso
from one_trace.model.wanted import Wanted

if TYPE_CHECKING:
    from one_trace.history.protocol import History
    from one_trace.settings.history_url import HistoryUrl

_Command = TypeVar("_Command", bound="Callable[..., object]")


FLOW = click.argument("flow", required=False, metavar="[FLOW]", shell_complete=candidates.flows)
FLOW_NEEDED = click.argument("flow", shell_complete=candidates.flows)
HERE = click.option("--here", is_flag=True, help="Only runs of the project in this folder.")
SINCE = click.option(
    "--since",
    "since_ms",
    metavar="AGE",
    type=MOMENT,
    help="Only runs since then: 30d, 12h, 2w, 2026-04-06.",
)


def run_filter(command: _Command) -> _Command:
    """Add the argument and the options to a command."""
    return FLOW(HERE(SINCE(TAGS(FROM(command)))))


def open_history(place: HistoryUrl | None) -> AbstractContextManager[History]:
    """The history, to read much of it. `place`: see `cli.reading`."""
    # A process that answers once leaves little garbage, and collecting it takes time in large data.
    gc.disable()
    return history_of(place, much=True)


@contextmanager
def filtered(
    flow: str | None, since_ms: int | None, here: bool, tags: Tags, place: HistoryUrl | None
) -> Iterator[tuple[History, Wanted]]:
    """The history, and the runs to read. Raises NoSuchRun for a flow without any run."""
    with open_history(place) as history:
        if flow is not None:
            check_flow(history, flow)
        project = history.project(folder_here()) if here else None
        yield history, Wanted(flow, None, since_ms, project, tags=tags)


def check_flow(history: History, flow: str) -> None:
    """Raises NoSuchRun for a flow without any run."""
    keys = history.flow_keys()
    if flow not in keys:
        near = difflib.get_close_matches(flow, keys, 3)
        hint = f"Trace one: one flow execute {shell_word(flow)} --trace"
        raise NoSuchRun(
            f"no run of a flow '{flow}' in {history.shown}",
            hint=f"Did you mean {' or '.join(near)}?" if near else hint,
        )


def since_text(since_ms: int | None) -> str | None:
    return None if since_ms is None else to_iso(since_ms)
