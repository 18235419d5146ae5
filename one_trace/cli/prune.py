"""`trace prune`: delete old runs."""

from __future__ import annotations

import time

import click

from one_trace.answers.reports import PruneReport
from one_trace.cli.configured import configured
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.cli.params import MOMENT
from one_trace.errors import FAILED, WrongUsage
from one_trace.model.times import to_iso
from one_trace.settings.keys import kept_since
from one_trace.store import Store
from one_trace.store.prune import Pruned, old_runs, prune
from one_trace.view.words import counted

_YOUNGEST_MS = 3_600_000
"""Younger runs need --force: `0d` and `1m` (a minute) are usually mistakes."""


@click.command(
    "prune",
    epilog=examples(
        "one trace prune",
        "one trace prune --older-than 30d --dry-run",
    ),
)
@click.option(
    "--older-than",
    type=MOMENT,
    metavar="AGE",
    help="Runs started before: 30d, 2026-04-06.  [default: traces.retention]",
)
@click.option("--dry-run", is_flag=True, help="Only show how many.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also runs that are not delivered yet, or younger than an hour.")
def command(older_than: int | None, dry_run: bool, yes: bool, force: bool) -> None:
    """Delete old runs from the store. Your own files and what was sent are kept.

    Asks first on a terminal. Runs older than traces.retention (90d) are deleted automatically, once a day
    after a traced run.
    """
    settings = configured("data_dir", *(["retention"] if older_than is None else []))
    now = time.time()
    before_ms = older_than if older_than is not None else kept_since(settings.retention, now)
    if before_ms is not None and before_ms > now * 1000 - _YOUNGEST_MS and not force:
        raise WrongUsage(
            "that would delete runs of the last hour",
            hint="Give a greater age (1h, 30d; m is minutes), or add --force.",
        )
    speaker = out()
    if before_ms is None or not settings.store_path.exists():
        pruned = Pruned(0, 0, dry_run=dry_run)
    else:
        with Store(settings.store_path) as store:
            pruned = _prune(store, before_ms, speaker, dry_run=dry_run, ask=not yes, force=force)
    speaker.answer(_report(pruned), lambda: speaker.page.text(_page(pruned)))


def _prune(store: Store, before_ms: int, speaker: Out, *, dry_run: bool, ask: bool, force: bool) -> Pruned:
    old = old_runs(store.connection, before_ms, force=force)
    if dry_run:
        return Pruned(0, old.kept, dry_run=True, would_delete=len(old.runs))
    if ask and old.runs and speaker.can_ask:
        question = f"Delete {counted(len(old.runs), 'run')} started before {to_iso(before_ms)}?"
        if not speaker.ask(question):
            speaker.note("Nothing deleted.")
            click.get_current_context().exit(FAILED)
    return prune(store.connection, before_ms, force=force)


def _report(pruned: Pruned) -> PruneReport:
    report = PruneReport(deleted=pruned.deleted, kept=pruned.kept)
    if pruned.dry_run:
        report.dry_run, report.would_delete = True, pruned.would_delete
    return report


def _page(pruned: Pruned) -> str:
    if pruned.dry_run:
        line = f"{counted(pruned.would_delete, 'run')} would be deleted."
    else:
        line = f"{counted(pruned.deleted, 'run')} deleted."
    if pruned.kept:
        line += f" {pruned.kept:,} kept: not delivered yet. Deliver them: one trace sync, or add --force."
    return line
