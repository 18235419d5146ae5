"""The page of what LLM calls cost."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.analyse.cost import CostDocument, Spent, Uncounted, Waste
from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.page import Page
from one_trace.view.runs import NO_RUNS, project_names
from one_trace.view.table import Cell, Column

DAYS = 14
ROWS = 20


def render(document: CostDocument, page: Page) -> str:
    """The total, then a table each by flow, step, model and day."""
    if not document.runs:
        return page.text(words.no_run(document.flow, document.since, document.tags) or NO_RUNS)
    total = document.total
    runs = words.counted(document.runs, "run")
    if not total.calls:
        counted = "No LLM call is counted" if document.uncounted else "No LLM call"
        return "\n".join([f"{counted} in {runs}.", *_uncounted(document.uncounted, page)])
    facts = page.style.dot.join((words.counted(total.calls, "call"), f"{total.runs:,} of {runs}"))
    lines = [f"{page.style.paint(_money(total) or 'no cost reported', 'bold')}  {facts}"]
    lines += _unpriced(total, page)
    lines += page.lines(_waste(document.waste, page))
    projects = project_names([flow.project for flow in document.flows])
    several = projects if len(projects) > 1 else {}
    tables = (
        ("FLOW", [] if document.flow and not several else document.flows),
        ("STEP", document.steps),
        ("MODEL", document.models),
        ("DAY", document.days[-DAYS:]),
    )
    for title, entries in tables:
        if entries:
            lines += ["", _table(title, entries[:ROWS], several if title in ("FLOW", "STEP") else {}, page)]
        if len(entries) > ROWS:
            lines.append(page.dim(f"and {len(entries) - ROWS} more (--agent lists all)"))
    return "\n".join([*lines, *_uncounted(document.uncounted, page)])


def _uncounted(entries: Sequence[Uncounted], page: Page) -> list[str]:
    """Which calls are not counted, why, and how to change that."""
    lines: list[str] = []
    for entry in entries[:ROWS]:
        calls = f"{words.counted(entry.calls, 'call')} of {clean(entry.path)} ({entry.tool})"
        lines += ["", *page.lines(f"Not counted: {calls}: {entry.why}.")]
        lines += page.lines(f"hint: {entry.fix}", "dim")
    return lines


def _unpriced(total: Spent, page: Page) -> list[str]:
    """The calls that report no cost, with what they are estimated to have cost."""
    if not total.unpriced:
        return []
    calls = words.counted(total.unpriced, "call")
    if total.estimated_usd is None:
        return [
            *page.lines(f"No cost reported by {calls}, and no price is known."),
            *page.lines("hint: pip install 'one-trace[prices]' estimates the cost of known models.", "dim"),
        ]
    some = "" if total.estimated_calls == total.unpriced else f" for {total.estimated_calls:,} of them"
    estimate = words.money(total.estimated_usd)
    return page.lines(f"~ No cost reported by {calls}. Estimated{some} at list prices: {estimate}.")


def _waste(waste: Waste, page: Page) -> str:
    parts = []
    if waste.failed_runs.cost_usd:
        parts.append(f"{_money(waste.failed_runs)} in {words.counted(waste.failed_runs.runs, 'failed run')}")
    if waste.given_up.cost_usd:
        parts.append(f"{_money(waste.given_up)} in attempts that were retried")
    if waste.retries_usd:
        retries = words.counted(waste.retries, "retried attempt")
        parts.append(f"about {words.money(waste.retries_usd)} in {retries}")
    return (
        f"Wasted: {page.style.dot.join(parts)}" if parts else "Nothing was wasted on failed runs or retries."
    )


def _table(title: str, entries: Sequence[Spent], projects: dict[str | None, str], page: Page) -> str:
    columns = (
        Column(title, right=False, flexible=True),
        *([Column("PROJECT", right=False, drop=1)] if projects else []),
        Column("COST"),
        Column("SHARE", drop=1),
        Column("CALLS", drop=2),
        Column("RUNS", drop=6),
        Column("IN", drop=3),
        Column("OUT", drop=4),
        Column("CACHED", drop=5),
    )
    return page.table(columns, [_row(spent, projects) for spent in entries])


def _row(spent: Spent, projects: dict[str | None, str]) -> list[str | Cell]:
    return [
        spent.key,
        *([projects[spent.project]] if projects else []),
        _money(spent) or "-",
        "" if spent.share is None else f"{spent.share:.0%}",
        words.number(spent.calls),
        words.number(spent.runs),
        words.number(spent.input_tokens + spent.cache_write_tokens),
        words.number(spent.output_tokens),
        words.number(spent.cache_read_tokens) if spent.cache_read_tokens else "",
    ]


def _money(spent: Spent) -> str:
    """The reported cost; if there is none, the estimate, marked by ``~``."""
    if spent.cost_usd is None and spent.estimated_usd is not None:
        return f"~{words.money(spent.estimated_usd)}"
    return "" if spent.cost_usd is None else words.money(spent.cost_usd)
