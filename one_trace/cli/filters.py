"""What the commands over many runs share: which flow, since when, and the store they read."""

from __future__ import annotations

import difflib
import gc
from collections.abc import Callable
from typing import TypeVar

import click

from one_trace.analyse.query import RunFilter, flow_keys
from one_trace.cli.configured import configured
from one_trace.cli.out import Out
from one_trace.cli.pages import examples as examples
from one_trace.cli.params import MOMENT, folder_here
from one_trace.errors import NoSuchRun
from one_trace.guard.text import shell_word
from one_trace.model.times import to_iso
from one_trace.store import Store
from one_trace.view.page import Page
from one_trace.view.style import Style

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
CACHE_KB = 64_000
_Command = TypeVar("_Command", bound="Callable[..., object]")


def complete_flow(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Keys of the flows in the store that begin with what was typed."""
    with open_store() as store:
        return [key for key in flow_keys(store.connection) if key.startswith(incomplete)]


def open_store() -> Store:
    """The store, to read much of it: with SQLite's usual 2 MB of memory, a million spans take twice as
    long.
    """
    # A process that answers once makes no garbage worth a search, and searching grows faster than the data.
    gc.disable()
    store = Store(configured().store_path, readonly=True)
    store.connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    return store


def this_project(here: bool) -> str | None:
    """The project that ``--here`` means; where there is none, the folder itself."""
    return folder_here() if here else None


def scope_of(store: Store, flow: str | None, since_ms: int | None, project: str | None = None) -> RunFilter:
    """The runs to look at. A flow without any run is a slip: raises NoSuchRun, names the nearest."""
    if flow is not None:
        keys = flow_keys(store.connection)
        if flow not in keys:
            near = difflib.get_close_matches(flow, keys, 3)
            meant = (
                f"Did you mean {' or '.join(near)}?"
                if near
                else f"Trace one: one flow execute {shell_word(flow)} --trace"
            )
            raise NoSuchRun(f"no run of a flow '{flow}' in the store", hint=meant)
    return RunFilter(flow, since_ms, project)


def since_text(since_ms: int | None) -> str | None:
    return None if since_ms is None else to_iso(since_ms)


def page_of(speaker: Out) -> Page:
    """Colour and drawing on a terminal, plain ASCII in a pipe."""
    return Page(speaker.width, Style(color=speaker.color, unicode=speaker.tty))


def flow_argument(*, required: bool = False) -> Callable[[_Command], _Command]:
    metavar = "FLOW" if required else "[FLOW]"
    return click.argument("flow", required=required, metavar=metavar, shell_complete=complete_flow)


def here_option() -> Callable[[_Command], _Command]:
    return click.option("--here", is_flag=True, help="Only runs of the project in this folder.")


def since_option() -> Callable[[_Command], _Command]:
    about = "Only runs since then: 30d, 12h, 2w, 2026-04-06."
    return click.option("--since", "since_ms", metavar="AGE", type=MOMENT, help=about)
