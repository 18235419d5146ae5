"""Values that TAB offers: flows, runs, steps, each with a description. Imports nothing expensive at first.

Each function completes a Click parameter. `typed` reports what zsh and fish have of the word: they filter by
themselves, so the word that they send is empty, but too many ids to send are looked up by what is typed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from one_trace.cli import tab
from one_trace.guard.files import is_plain
from one_trace.host.argv import COMPLETE

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from one_trace.store import Store

_MOST_RUNS = 50
_REFERENCES = {"last": "The run of this project that ended last", "running": "The run that is under way"}


def flow_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Keys of the flows in this folder."""
    return _items(tab.flows(), incomplete)


def flows(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Keys of the flows in the store."""
    with _store() as store:
        known = store.flows() if store else {}
    return _items({key: f"Last run {_age(started)}" for key, started in known.items()}, incomplete)


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """References, and the newest runs of the store whose id begins with what is typed."""
    prefix = incomplete or typed()
    with _store() as store:
        named = store.named(prefix, _MOST_RUNS) if store else []
    known = {run_id: f"{flow}, {status}, {_age(started)}" for run_id, flow, status, started in named}
    return _items(_REFERENCES | known, prefix)


def steps(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The steps of the run in the command line: the id, or the path where several steps have that id."""
    from one_trace.cli.params import project_here
    from one_trace.history.local.refs import find

    # Click gives up at the option without a value, and leaves the words before it.
    run = ctx.params.get("run") or next(iter(ctx.args), "last")
    with _store() as store:
        found = store.steps_of(find(store, run, project_here())) if store else []
    ids = [step_id for _, step_id, _ in found]
    known = {
        (step_id if ids.count(step_id) == 1 else path): f"{kind}, {path}" for path, step_id, kind in found
    }
    return _items(known, incomplete)


def typed() -> str:
    """The beginning of the word, if the shell has passed it on."""
    return os.environ.get(COMPLETE, "")[1:]


def _items(known: dict[str, str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(value, help=about) for value, about in known.items() if value.startswith(incomplete)
    ]


@contextmanager
def _store() -> Iterator[Store | None]:
    """The store; None if there is none. A pipe in its place must not be opened."""
    from one_trace.settings import sources

    path = sources.load().store_path
    if not is_plain(path):
        yield None
        return
    from one_trace.store import Store

    with Store(path, readonly=True) as store:
        yield store


def _age(started_ms: float) -> str:
    import time

    from one_trace.view import words

    return words.age(time.time() * 1000 - started_ms)
