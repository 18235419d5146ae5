"""`trace list`: runs, newest first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from one_trace.cli import candidates
from one_trace.cli.bounded import bounded
from one_trace.cli.configured import configured
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.cli.params import MOMENT, RunStatus, folder_here
from one_trace.guard.text import valid
from one_trace.model.times import to_ms
from one_trace.model.trace import Run, RunUnderWay
from one_trace.store import Store

if TYPE_CHECKING:
    from one_trace.capture.under_way import ActiveRun

_Wanted = tuple[str | None, str | None, int | None]
"""Flow, status, and since when (ms since 1970)."""
_LINES = 50
"""Runs on a page for people, unless --limit says otherwise."""


@click.command(
    "list",
    epilog=examples(
        "one trace list",
        "one trace list --flow my-flow --status error --since 7d",
    ),
)
@click.option("--flow", metavar="KEY", shell_complete=candidates.flows, help="Only runs of this flow.")
@click.option("--status", type=RunStatus(), help="Only runs with this status.")
@click.option("--here", is_flag=True, help="Only runs of the project in this folder.")
@click.option("--since", type=MOMENT, metavar="AGE", help="Only runs started since: 7d, 12h, 2026-04-06.")
@bounded
def command(flow: str | None, status: str | None, here: bool, since: int | None) -> None:
    """Which runs there are, newest first: 50 of them, unless --limit says otherwise (0: all).

    Those that are still running come first.
    """
    speaker = out()
    project = folder_here() if here else None
    wanted = (flow, status, since)
    if speaker.agent:
        speaker.answer(_answer(speaker, wanted, project), "")
        return
    limit = speaker.bounds.limit
    with Store(configured().store_path, readonly=True) as store:
        runs = store.runs(*wanted, _LINES if limit is None else limit or None, project)
        total = store.count(*wanted, project)
    filtered = bool(flow or status or since or here)
    running = _running(wanted, project)
    speaker.answer(None, lambda: _page(speaker, running, runs, total, filtered=filtered))


def _running(wanted: _Wanted, project: str | None) -> list[RunUnderWay]:
    """The traced runs that are under way on this machine, the last started first."""
    from one_trace.capture import pending

    flow, status, since = wanted
    if status or not any(pending.alive(configured().data_path)):  # most often: saves the imports
        return []
    from one_trace.capture.under_way import active_runs

    rows = [_row(run) for run in active_runs(configured().data_path)]
    return [
        row
        for row in rows
        if flow in (None, row.flow_key)
        and project in (None, row.cwd)
        and (since is None or (to_ms(row.started_at) or since) >= since)
    ]


def _row(run: ActiveRun) -> RunUnderWay:
    started = to_ms(run.started_at)
    return RunUnderWay(
        run_id=run.files.run_id,
        flow_key=run.files.flow_key,
        started_at=run.started_at,
        duration_ms=max(0, int(time.time() * 1000) - started) if started is not None else None,
        cwd=valid(str(run.files.project)),
    )


def _answer(speaker: Out, wanted: _Wanted, project: str | None) -> object:
    from one_trace.answers import runs as answers
    from one_trace.model.times import to_iso

    bounds = speaker.bounds
    after = answers.after(bounds.cursor)
    with Store(configured().store_path, readonly=True) as store:
        runs = store.runs(*wanted, bounds.most_rows, project, after)
        total = store.count(*wanted, project)
        left = store.count(*wanted, project, after) if after else total
    flow, status, since = wanted
    asked = {"flow": flow, "status": status, "since": since and to_iso(since), "project": project}
    filter = {name: value for name, value in asked.items() if value is not None}
    running = [] if bounds.full else _running(wanted, project)
    total += len({run.run_id for run in running} - {run.run_id for run in runs})
    if after is not None:
        running = [run for run in running if (to_ms(run.started_at) or 0) < after.started_ms]
    return answers.answer(runs, total, left - len(runs), running=running, filter=filter, bounds=bounds)


def _page(speaker: Out, running: list[RunUnderWay], runs: list[Run], total: int, *, filtered: bool) -> str:
    from one_trace.view.runs import render_runs
    from one_trace.view.style import Style

    if not runs and not running:
        if filtered:
            return "No runs match."
        return "No run has been traced yet.\n'one trace import' traces runs that have already happened."
    page = render_runs(runs, running, width=speaker.width, style=Style(speaker.color, speaker.tty))
    rest = total - len(runs)
    return f"{page}\n{rest:,} more: --limit 0" if rest else page
