"""The runs of all flows by a value (a host, a repository, a version, ...), as a table."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.analyse.run_groups import ValueRuns
from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.page import Page
from one_trace.view.table import Cell, Column


def render(groups: Sequence[ValueRuns], page: Page) -> str:
    """One line a value."""
    return page.table(_columns(heading(groups[0].by, groups[0].means)), [_row(each) for each in groups])


def heading(by: str, means: str | None) -> str:
    """``VERSION``, ``HOST (MACHINE)``."""
    return clean(f"{by} ({means})" if means else by).upper()


def _columns(head: str) -> tuple[Column, ...]:
    return (
        Column(head, right=False, flexible=True),
        Column("RUNS"),
        Column("OK", drop=3),
        Column("FAILED"),
        Column("LAST RUN", right=False, drop=1),
        Column("COST", drop=4),
        Column("FLOWS", right=False, drop=5),
    )


def _row(group: ValueRuns) -> tuple[str | Cell, ...]:
    return (
        Cell("-" if group.value is None else group.value, ("bold",)),
        f"{group.runs:,}",
        f"{group.succeeded:,}",
        Cell(f"{group.failed:,}", ("error",)) if group.failed else "",
        words.local(group.last_run_at),
        "" if group.cost_usd is None else words.money(group.cost_usd),
        words.some(group.flows),
    )
