"""`trace prune`: delete old runs."""

from __future__ import annotations

import time

import click

from one_trace.cli.configured import configured
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.params import MOMENT
from one_trace.keys import kept_since
from one_trace.store import Store
from one_trace.store.prune import Pruned, prune


@click.command(
    "prune",
    epilog=examples(
        "one trace prune",
        "one trace prune --older-than 30d --force",
    ),
)
@click.option(
    "--older-than",
    type=MOMENT,
    metavar="AGE",
    help="Runs started before: 30d, 2026-04-06. Without it: what traces.retention says.",
)
@click.option("--force", is_flag=True, help="Also those that are still to be delivered.")
def command(older_than: int | None, force: bool) -> None:
    """Delete old runs from the store. Your own files and what was sent stay as they are.

    After a traced run, once a day, this is done by itself for runs older than traces.retention (90d).
    """
    found = configured("data_dir", *(["retention"] if older_than is None else []))
    before_ms = older_than if older_than is not None else kept_since(found.retention, time.time())
    if before_ms is None or not found.store_path.exists():
        pruned = Pruned(0, 0)
    else:
        with Store(found.store_path) as store:
            pruned = prune(store, before_ms, force=force)
    out().answer(pruned, lambda: _page(pruned))


def _page(pruned: Pruned) -> str:
    from one_trace.view.words import counted

    line = f"{counted(pruned.deleted, 'run')} deleted."
    if pruned.kept:
        line += f" {pruned.kept:,} kept: not delivered yet ('one trace sync' delivers, --force deletes them)."
    return line
