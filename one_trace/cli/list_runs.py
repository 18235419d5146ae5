"""`trace list`: runs, newest first."""

from __future__ import annotations

import time

import click

from one_trace.cli.configured import configured
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.cli.params import MOMENT, folder_here
from one_trace.guard.text import valid
from one_trace.model.times import to_ms
from one_trace.model.trace import RUN_STATUSES, Run, RunUnderWay
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
    """Which runs there are, newest first; those that are still running on top."""
    speaker = out()
    project = folder_here() if here else None
    with Store(configured().store_path, readonly=True) as store:
        runs = store.runs(flow, status, since, limit or None, project)
        total = store.count(flow, status, since, project)
    narrowed = bool(flow or status or since or here)
    running = [] if status else [run for run in _under_way(since) if flow in (None, run.flow_key)]
    running = [run for run in running if project in (None, run.cwd)]
    speaker.answer(
        {"running": running, "runs": runs, "total": total},
        lambda: _page(speaker, running, runs, total, narrowed),
    )


def _under_way(since: int | None) -> list[RunUnderWay]:
    """The traced runs that are under way on this machine, the last started first."""
    from one_trace.capture import pending

    if not any(pending.alive(configured().data_path)):  # the usual case, without the imports for a record
        return []
    from one_trace.capture.under_way import active_runs

    now = time.time() * 1000
    found = []
    for run in active_runs(configured().data_path):
        started = to_ms(run.started_at)
        if since is None or (started or now) >= since:
            found.append(
                RunUnderWay(
                    run_id=run.files.run_id,
                    flow_key=run.files.flow_key,
                    started_at=run.started_at,
                    duration_ms=max(0.0, round(now - started)) if started is not None else None,
                    cwd=valid(str(run.files.project)),
                )
            )
    return found


def _page(speaker: Out, running: list[RunUnderWay], runs: list[Run], total: int, narrowed: bool) -> str:
    from one_trace.view.runs import render_runs
    from one_trace.view.style import Style

    if not runs and not running:
        none = "No such run." if narrowed else "No run has been traced yet."
        return f"{none}\n'one trace import' takes in runs that have already happened."
    page = render_runs(runs, running, width=speaker.width, style=Style(speaker.color, speaker.tty))
    rest = total - len(runs)
    return f"{page}\n{rest:,} more: --limit 0" if rest else page
