"""Runs as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from one_trace.model.times import to_ms
from one_trace.model.trace import Run, RunUnderWay
from one_trace.view import words
from one_trace.view.page import Page
from one_trace.view.table import Cell, Column, Row

_COLUMNS = (
    Column("RUN", right=False),
    Column("FLOW", right=False, flexible=True),
    Column("STATUS", right=False),
    Column("EXIT", right=False, drop=2),
    Column("STARTED", right=False, drop=1),
    Column("TOOK"),
    Column("STEPS", drop=3),
    Column("FAILED", drop=4),
    Column("RETRIES", drop=6),
    Column("COST", drop=5),
    Column("SENT", right=False, drop=7),
)
_PROJECT = Column("PROJECT", right=False, drop=1)
NO_RUNS = "No run has been traced yet.\nTrace one: one flow execute my-flow --trace"
_WIDE = 80
"""Columns from which a start is a time."""
_PARTIAL = "* partial: 'one trace show RUN' says why"
_SENT = {"sent": "yes", "queued": "queued", "failed": "refused"}


def render_runs(
    runs: Sequence[Run], running: Sequence[RunUnderWay] = (), *, page: Page, now_ms: float
) -> str:
    """One line a run. Starts are times of the reader, on a narrow page ages; then the least important columns
    give way."""
    started = _age(now_ms) if page.width < _WIDE else words.local
    projects = project_names([*(run.cwd for run in running), *(run.cwd for run in runs)])
    columns = (*_COLUMNS[:2], _PROJECT, *_COLUMNS[2:]) if len(projects) > 1 else _COLUMNS
    named = projects if len(projects) > 1 else {}
    rows = [_running_row(run, named, started) for run in running]
    rows += [_row(run, named, started) for run in runs]
    table = page.table(columns, rows)
    return f"{table}\n{page.dim(_PARTIAL)}" if any(run.partial for run in runs) else table


def _age(now_ms: float) -> Callable[[str], str]:
    def age(moment: str) -> str:
        started = to_ms(moment)
        return "" if started is None else words.age(now_ms - started)

    return age


def project_names(folders: Sequence[str | None]) -> dict[str | None, str]:
    """Short names of folders: the last parts of each path that tell it from the others."""
    parts = {folder: (folder or "-").rstrip("/").split("/") for folder in folders}
    names = {}
    for folder, words_of in parts.items():
        others = [other for key, other in parts.items() if key != folder]
        count = 1
        while count < len(words_of) and any(other[-count:] == words_of[-count:] for other in others):
            count += 1
        names[folder] = "/".join(words_of[-count:])
    return names


def _running_row(run: RunUnderWay, projects: dict[str | None, str], started: Callable[[str], str]) -> Row:
    return (
        Cell(run.run_id, ("bold",)),
        run.flow_key,
        *([projects[run.cwd]] if projects else []),
        Cell(run.status, ("link",)),
        "",
        started(run.started_at) if run.started_at else "",
        words.duration(run.duration_ms),
        *[""] * (len(_COLUMNS) - 6),
    )


def _row(run: Run, projects: dict[str | None, str], started: Callable[[str], str]) -> Row:
    counts = run.counts
    failed = counts.error + counts.timeout
    cost = run.usage.cost_usd if run.usage else None
    exit = run.exit or None if run.status == "incomplete" else None
    return (
        Cell(run.run_id, ("bold",)),
        run.flow_key,
        *([projects[run.cwd]] if projects else []),
        Cell(f"{run.status}*" if run.partial else run.status, (run.status,)),
        Cell(words.exit_status(exit), ("incomplete",)) if exit is not None else "",
        started(run.started_at),
        words.duration(run.duration_ms if exit is None else exit.duration_ms),
        f"{counts.spans:,}",
        Cell(f"{failed:,}", ("error",)) if failed else "",
        f"{counts.retries:,}" if counts.retries else "",
        "" if cost is None else words.money(cost),
        Cell(", ".join(dict.fromkeys(_SENT[upload.state] for upload in run.uploads)), ("dim",)),
    )
