"""`trace list`: runs, newest first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from one_trace.cli import candidates, list_groups
from one_trace.cli.bounded import bounded
from one_trace.cli.configured import configured
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.cli.params import FROM, MOMENT, TAGS, GroupBy, RunStatus, folder_here
from one_trace.cli.reading import history_of, place_of
from one_trace.guard.text import valid
from one_trace.model.times import to_ms
from one_trace.model.trace import Run, RunUnderWay
from one_trace.model.wanted import ORDERS, Wanted

if TYPE_CHECKING:
    from one_trace.capture.under_way import ActiveRun
    from one_trace.history.protocol import History
    from one_trace.model.tags import Tags
    from one_trace.settings.history_url import HistoryUrl


@click.command(
    "list",
    epilog=examples(
        "one trace list",
        "one trace list --flow my-flow --status error --since 7d",
    ),
)
@click.option("--flow", metavar="KEY", shell_complete=candidates.flows, help="Only runs of this flow.")
@click.option("--status", type=RunStatus(), metavar="STATUS", help="success, error, stopped or incomplete.")
@click.option("--here", is_flag=True, help="Only runs of the project in this folder.")
@click.option("--since", type=MOMENT, metavar="AGE", help="Only runs started since: 7d, 2026-04-06.")
@click.option("--until", type=MOMENT, metavar="AGE", help="Only runs started before: 1d, 2026-04-07.")
@click.option("--session", metavar="ID", help="Only runs of this session of an agent.")
@TAGS
@click.option(
    "--by",
    type=GroupBy("session"),
    metavar="WHAT",
    help="Not the runs: session, host, repository, version, tag:KEY.",
)
@click.option(
    "--sort",
    type=click.Choice(ORDERS),
    default="start",
    metavar="BY",
    help="start, duration, steps, failed, retries or cost.",
)
@FROM
@bounded
def command(
    flow: str | None,
    status: str | None,
    here: bool,
    since: int | None,
    until: int | None,
    session: str | None,
    tags: Tags,
    by: str | None,
    sort: str,
    source: str | None,
) -> None:
    """Runs, newest first, those still running before them: 50, unless -n says
    otherwise (0: all)."""
    speaker, place = out(), place_of(source)
    if by is not None:
        list_groups.check(by)
    with history_of(place) as history:
        project = history.project(folder_here()) if here else None
        wanted = Wanted(flow, status, since, project, until, session, tags)
        if by is not None:
            list_groups.answer(speaker, history, wanted, by, _filter(wanted))
            return
        if speaker.agent:
            speaker.answer(_answer(speaker, history, wanted, sort, place), "")
            return
        runs = history.runs(wanted, limit=list_groups.lines(speaker), order=sort)
        total = history.count(wanted)
    running = _running(wanted, place)
    speaker.answer(None, lambda: _page(speaker, running, runs, total, filtered=any(wanted)))


def _running(wanted: Wanted, place: HistoryUrl | None) -> list[RunUnderWay]:
    """The traced runs that are under way on this machine, the last started first; none elsewhere."""
    if place is not None:
        return []
    from one_trace.capture import pending

    # Most often there are none: saves the imports.
    if wanted.status or wanted.tags or wanted.session or not any(pending.alive(configured().data_path)):
        return []
    from one_trace.capture.under_way import active_runs

    return [row for row in map(_row, active_runs(configured().data_path)) if _fits(row, wanted)]


def _fits(row: RunUnderWay, wanted: Wanted) -> bool:
    started = to_ms(row.started_at)
    return (
        wanted.flow in (None, row.flow_key)
        and wanted.project in (None, row.cwd)
        and (started is None or wanted.since is None or started >= wanted.since)
        and (started is None or wanted.until is None or started < wanted.until)
    )


def _row(run: ActiveRun) -> RunUnderWay:
    started = to_ms(run.started_at)
    return RunUnderWay(
        run_id=run.files.run_id,
        flow_key=run.files.flow_key,
        started_at=run.started_at,
        duration_ms=max(0, int(time.time() * 1000) - started) if started is not None else None,
        cwd=valid(str(run.files.project)),
    )


def _answer(speaker: Out, history: History, wanted: Wanted, sort: str, place: HistoryUrl | None) -> object:
    from one_trace.answers import runs as answers

    bounds, by_start = speaker.bounds, sort == "start"
    after = answers.after(bounds.cursor) if by_start else None
    most = bounds.most_rows if by_start else answers.up_to(bounds)
    runs = history.runs(wanted, limit=most, order=sort, after=after)
    total = history.count(wanted)
    left = history.count(wanted, after=after) if after else total
    filter = _filter(wanted)
    running = [] if bounds.full else _running(wanted, place)
    total += len({run.run_id for run in running} - {run.run_id for run in runs})
    if after is not None:
        running = [run for run in running if (to_ms(run.started_at) or 0) < after.started_ms]
    return answers.answer(
        runs, total, left - len(runs), running=running, filter=filter, bounds=bounds, by_start=by_start
    )


def _filter(wanted: Wanted) -> dict[str, Any]:
    """What was asked for, as documents say it."""
    from one_trace.model.times import to_iso

    filter: dict[str, Any] = {name: value for name, value in wanted._asdict().items() if value is not None}
    del filter["tags"]
    filter |= {"tags": dict(wanted.tags)} if wanted.tags else {}
    return filter | {name: to_iso(filter[name]) for name in ("since", "until") if name in filter}


def _page(speaker: Out, running: list[RunUnderWay], runs: list[Run], total: int, *, filtered: bool) -> str:
    from one_trace.view.runs import render_runs

    if not runs and not running:
        if filtered:
            return "No runs match."
        return speaker.page.text(list_groups.NONE)
    table = render_runs(runs, running, page=speaker.page, now_ms=time.time() * 1000)
    return list_groups.with_rest(table, total - len(runs))
