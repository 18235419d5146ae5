"""`trace list`: runs, newest first."""

from __future__ import annotations

import click

from one_trace.cli.configured import configured
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.cli.params import MOMENT, folder_here
from one_trace.model.trace import RUN_STATUSES, Run
from one_trace.store import Store


@click.command(
    "list",
    epilog=examples(
        "one trace list",
        "one trace list --flow my-flow --status error --since 7d",
    ),
)
@click.option("--flow", metavar="KEY", help="Only runs of this flow.")
@click.option("--status", type=click.Choice(RUN_STATUSES), help="Only runs with this status.")
@click.option("--here", is_flag=True, help="Only runs of the project in this folder.")
@click.option("--since", type=MOMENT, metavar="AGE", help="Only runs started since: 7d, 12h, 2026-04-06.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    default=50,
    help="Show at most N runs; 0: all.  [default: 50]",
)
def command(flow: str | None, status: str | None, here: bool, since: int | None, limit: int) -> None:
    """Which runs there are, newest first."""
    speaker = out()
    project = folder_here() if here else None
    with Store(configured().store_path, readonly=True) as store:
        runs = store.runs(flow, status, since, limit or None, project)
        total = store.count(flow, status, since, project)
    narrowed = bool(flow or status or since or here)
    speaker.answer({"runs": runs, "total": total}, lambda: _page(speaker, runs, total, narrowed))


def _page(speaker: Out, runs: list[Run], total: int, narrowed: bool) -> str:
    from one_trace.view.runs import render_runs
    from one_trace.view.style import Style

    if not runs:
        none = "No such run." if narrowed else "No run has been traced yet."
        return f"{none}\n'one trace import' takes in runs that have already happened."
    page = render_runs(runs, width=speaker.width, style=Style(speaker.color, speaker.tty))
    rest = total - len(runs)
    return f"{page}\n{rest:,} more: --limit 0" if rest else page
