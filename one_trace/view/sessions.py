"""The sessions that started runs, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from one_trace.analyse.agent_sessions import SessionRuns
from one_trace.view import words
from one_trace.view.page import Page
from one_trace.view.table import Cell, Column

_COLUMNS = (
    Column("SESSION", right=False),
    Column("AGENT", right=False, drop=2),
    Column("TITLE", right=False, flexible=True),
    Column("RUNS"),
    Column("FAILED", drop=3),
    Column("LAST RUN", right=False, drop=1),
    Column("COST", drop=4),
    Column("FLOWS", right=False, drop=5),
)


def render(
    sessions: Sequence[SessionRuns], titles: Mapping[tuple[str | None, str | None], str], page: Page
) -> str:
    """One line a session, and how the first one that can be is resumed."""
    rows = [
        (
            Cell(each.session_id or "-", ("bold",)),
            each.agent or "-",
            titles.get((each.agent, each.session_id), ""),
            f"{each.runs:,}",
            Cell(f"{each.failed:,}", ("error",)) if each.failed else "",
            words.local(each.last_run_at),
            "" if each.cost_usd is None else words.money(each.cost_usd),
            words.some(each.flows),
        )
        for each in sessions
    ]
    resume = next((each.resume for each in sessions if each.resume), None)
    return "\n".join([page.table(_COLUMNS, rows), *([f"Resume: {resume}"] if resume else [])])
