"""Runs as a table, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from one_trace.model import Run
from one_trace.view import words
from one_trace.view.ink import Ink
from one_trace.view.table import Cell, Column, Row, render

_COLUMNS = (
    Column("RUN", right=False),
    Column("FLOW", right=False, flexible=True),
    Column("STATUS", right=False),
    Column("STARTED", right=False, drop=1),
    Column("TOOK"),
    Column("STEPS", drop=2),
    Column("FAILED", drop=3),
    Column("RETRIES", drop=5),
    Column("COST", drop=4),
    Column("SENT", right=False, drop=6),
)
_SENT = {"sent": "yes", "queued": "queued", "failed": "refused"}


def render_runs(runs: Sequence[Run], *, width: int, ink: Ink) -> str:
    """One line a run; times are the reader's own. The least important columns give way on a narrow page."""
    return render(_COLUMNS, [_row(run, ink) for run in runs], room=width, ink=ink)


def _row(run: Run, ink: Ink) -> Row:
    counts = run.counts
    failed = counts.error + counts.timeout
    cost = run.usage.cost_usd if run.usage else None
    return (
        Cell(run.run_id, ("bold",)),
        run.flow_key,
        Cell(words.STATUS_WORDS.get(run.status, run.status), (run.status,)),
        _local(run.started_at),
        words.duration(run.duration_ms),
        f"{counts.spans:,}",
        Cell(f"{failed:,}", ("error",)) if failed else "",
        f"{counts.retries:,}" if counts.retries else "",
        "" if cost is None else words.money(cost),
        Cell(", ".join(dict.fromkeys(_SENT[upload.state] for upload in run.uploads)), ("dim",)),
    )


def _local(moment: str) -> str:
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return moment[:16]
