"""`trace prune`: delete old runs."""

from __future__ import annotations

import click

from one_trace import settings
from one_trace.cli.out import out
from one_trace.cli.params import MOMENT
from one_trace.store import Store
from one_trace.store.prune import Pruned, prune


@click.command("prune")
@click.option(
    "--older-than", type=MOMENT, metavar="AGE", required=True, help="Runs started before: 30d, 2026-04-06."
)
@click.option("--force", is_flag=True, help="Also those that are still to be delivered.")
def command(older_than: int, force: bool) -> None:
    """Delete old runs from the store. Your own files and what was sent stay as they are.

    \b
    Examples:
      one trace prune --older-than 30d
      one trace prune --older-than 2026-01-01 --force
    """
    path = settings.load().store_path
    if not path.exists():
        pruned = Pruned(0, 0)
    else:
        with Store(path) as store:
            pruned = prune(store, older_than, force=force)
    out().answer(pruned, lambda: _page(pruned))


def _page(pruned: Pruned) -> str:
    from one_trace.view.words import counted

    line = f"{counted(pruned.deleted, 'run')} deleted."
    if pruned.kept:
        line += f" {pruned.kept:,} kept: not delivered yet ('one trace sync' delivers, --force deletes them)."
    return line
