"""What LLM calls cost, as a page of text: pure functions of the document, width and style."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.analyse.cost import CostDocument, Spent, Uncounted, Waste
from one_trace.guard.text import clean
from one_trace.view import table, words
from one_trace.view.cells import wrap
from one_trace.view.runs import NO_RUNS
from one_trace.view.style import Style
from one_trace.view.table import Cell, Column

DAYS = 14
STEPS = 20


def page(document: CostDocument, *, room: int, style: Style) -> str:
    """The total, then a table each by flow, step, model and day."""
    if not document.runs:
        asked = document.flow or document.since
        return f"No run of {document.flow or 'any flow'} since {document.since}." if asked else NO_RUNS
    total = document.total
    runs = words.counted(document.runs, "run")
    missing = _uncounted(document.uncounted, room, style)
    if not total.calls:
        return "\n".join(
            [f"No LLM call is counted in {runs}." if missing else f"No LLM call in {runs}.", *missing]
        )
    facts = [_money(total), words.counted(total.calls, "call"), f"{total.runs:,} of {runs}"]
    lines = [f"{style.paint(facts[0] or 'no price told', 'bold')}  {style.dot.join(facts[1:])}"]
    lines += wrap(_waste(document.waste, style), room)
    flows = [] if document.flow else document.flows
    tables = (
        ("FLOW", flows),
        ("STEP", document.steps),
        ("MODEL", document.models),
        ("DAY", document.days[-DAYS:]),
    )
    for title, entries in tables:
        if entries:
            lines += ["", _table(title, entries[:STEPS], room, style)]
        if len(entries) > STEPS:
            lines.append(style.paint(f"and {len(entries) - STEPS} more (--agent names all)", "dim"))
    return "\n".join([*lines, *missing])


def _uncounted(found: Sequence[Uncounted], room: int, style: Style) -> list[str]:
    """Which calls the figures leave out, why, and what would make them count."""
    lines: list[str] = []
    for one in found[:STEPS]:
        what = (
            f"Not counted: {words.counted(one.calls, 'call')} of {clean(one.path)} ({one.tool}): {one.why}."
        )
        lines += [
            "",
            *wrap(what, room),
            *(style.paint(line, "dim") for line in wrap(f"hint: {one.fix}", room)),
        ]
    return lines


def _waste(waste: Waste, style: Style) -> str:
    """What was paid for nothing, where anything was."""
    said = [
        f"{_money(waste.failed_runs)} in {words.counted(waste.failed_runs.runs, 'failed run')}"
        if waste.failed_runs.cost_usd
        else "",
        f"{_money(waste.given_up)} in attempts that were made again" if waste.given_up.cost_usd else "",
        f"about {words.money(waste.retries_usd)} in {words.counted(waste.retries, 'retried attempt')}"
        if waste.retries_usd
        else "",
    ]
    told = style.dot.join(part for part in said if part)
    return f"Lost: {told}" if told else "Nothing was lost to failed runs or retries."


def _table(title: str, entries: Sequence[Spent], room: int, style: Style) -> str:
    columns = (
        Column(title, right=False, flexible=True),
        Column("COST"),
        Column("SHARE", drop=1),
        Column("CALLS", drop=2),
        Column("RUNS", drop=6),
        Column("IN", drop=3),
        Column("OUT", drop=4),
        Column("CACHED", drop=5),
    )
    return table.render(columns, [_row(spent) for spent in entries], room=room, style=style)


def _row(spent: Spent) -> list[str | Cell]:
    return [
        spent.key,
        _money(spent) or "-",
        "" if spent.share is None else f"{spent.share:.0%}",
        words.number(spent.calls),
        words.number(spent.runs),
        words.number(spent.input_tokens + spent.cache_write_tokens),
        words.number(spent.output_tokens),
        words.number(spent.cache_read_tokens) if spent.cache_read_tokens else "",
    ]


def _money(spent: Spent) -> str:
    return "" if spent.cost_usd is None else words.money(spent.cost_usd)
