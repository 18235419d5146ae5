"""Statistics as a page of text: pure functions of the document, width and style."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.analyse.changes import FEWEST
from one_trace.analyse.grouped import FEW, Grouped
from one_trace.analyse.stats import FlowStats, Outcomes, StatsDocument, StepStats
from one_trace.analyse.trend import OutcomeChange, Trend
from one_trace.guard.text import clean
from one_trace.view import table, words
from one_trace.view.cells import clip, wrap
from one_trace.view.runs import NO_RUNS, project_names
from one_trace.view.style import Style
from one_trace.view.table import Cell, Column

_FLOWS = (
    Column("FLOW", right=False, flexible=True),
    Column("RUNS"),
    Column("OK"),
    Column("P50"),
    Column("P95"),
    Column("MAX", drop=4),
    Column("TREND", right=False, drop=2),
    Column("CHANGE", drop=1),
    Column("RETRIES", drop=5),
    Column("TIMEOUTS", drop=6),
    Column("COST", drop=3),
)
_PROJECT = Column("PROJECT", right=False, drop=1)
_STEPS = (
    Column("STEP", right=False, flexible=True),
    Column("COUNT"),
    Column("OK", drop=3),
    Column("P50"),
    Column("P95"),
    Column("MAX", drop=8),
    Column("SHARE", drop=2),
    Column("TREND", right=False, drop=6),
    Column("CHANGE", drop=4),
    Column("RETRIES", drop=9),
    Column("TIMEOUT", drop=10),
    Column("OUT", drop=7),
    Column("COST", drop=5),
    Column("NOTES", right=False, drop=1),
)
_NOTES = 12
"""So many remarkable steps are named below the table of flows."""
_DEEPEST = 12
"""Levels by which a step is moved to the right at most: its name is to be seen, too."""
NOTICEABLE = 0.1


def page(document: StatsDocument, *, room: int, style: Style) -> str:
    """A table of flows, or, for one flow, of its steps."""
    if document.groups:
        return _groups(document.groups, room, style)
    if not document.flows:
        since = f" since {document.since}" if document.since else ""
        return f"No run of {document.flow or 'any flow'}{since}." if document.flow or since else NO_RUNS
    if document.flow is not None:
        return "\n\n".join(_flow_page(flow, room, style) for flow in document.flows)
    names = project_names([flow.project for flow in document.flows])
    several = len(names) > 1
    columns = (_FLOWS[0], _PROJECT, *_FLOWS[1:]) if several else _FLOWS
    rows = [_flow_row(flow, names if several else {}, style) for flow in document.flows]
    return "\n".join(
        [table.render(columns, rows, room=room, style=style), *_remarkable(document.flows, room, style)]
    )


def _groups(groups: Sequence[Grouped], room: int, style: Style) -> str:
    """A table of what the runs were grouped by."""
    rows = [_group_row(group, style) for group in groups]
    columns = (
        Column("FLOW", right=False, flexible=True),
        Column(clean(groups[0].by.upper()), right=False, flexible=True),
        Column("RUNS"),
        Column("OK"),
        Column("95%", drop=3),
        Column("P50"),
        Column("COST/RUN", drop=2),
        Column("NOTES", right=False, drop=1),
    )
    few = any(group.too_few for group in groups)
    note = [style.paint(f"too few: fewer than {FEW} runs that ended", "dim")] if few else []
    return "\n".join([table.render(columns, rows, room=room, style=style), *note])


def _group_row(group: Grouped, style: Style) -> list[str | Cell]:
    ended = group.succeeded + group.failed
    return [
        Cell(group.flow_key, ("bold",)),
        "-" if group.value is None else group.value,
        words.number(group.runs),
        percent(group.success_rate) if ended else "-",
        f"{group.rate_low:.0%}-{group.rate_high:.0%}" if ended else "",
        words.duration(group.p50_ms),
        cost(group.cost_usd_per_run),
        Cell("too few", ("dim",)) if group.too_few else "",
    ]


def percent(part: float | None) -> str:
    """``12%``, ``0.4%``; empty where unknown."""
    if part is None:
        return ""
    return f"{part:.0%}" if part == 0 or abs(part) >= 0.01 else f"{part:.1%}"


def signed(part: float) -> str:
    """``+12%``, ``-3%``, ``0%``."""
    return "0%" if abs(part) < 0.005 else f"{part:+.0%}"


def change_cell(course: Trend) -> Cell:
    """How the last runs stand against those before: a rise that is worth a look in colour."""
    if course.change is None:
        # From nothing: no part of it says how much.
        return Cell(f"+{words.duration(course.delta)}", ("warn",)) if course.delta else Cell("")
    styles = (
        ("warn",) if course.change >= NOTICEABLE else ("success",) if course.change <= -NOTICEABLE else ()
    )
    return Cell(signed(course.change), styles)


def cost(usd: float | None) -> str:
    return "" if usd is None else words.money(usd)


def _ok(outcomes: Outcomes) -> Cell:
    bad = outcomes.error + outcomes.timeout + outcomes.incomplete
    ran = bad + outcomes.success
    if not ran:
        return Cell("-")
    share = outcomes.success / ran
    # 99.97 % is not all of them.
    text = "100%" if not bad else f"{min(share, 0.999):.1%}" if share > 0.99 else f"{share:.0%}"
    return Cell(text, ("error",) if bad else ())


def _count(number: int) -> str:
    return words.number(number) if number else ""


def _flow_row(flow: FlowStats, projects: dict[str | None, str], style: Style) -> list[str | Cell]:
    return [
        Cell(flow.flow_key, ("bold",)),
        *([projects[flow.project]] if projects else []),
        words.number(flow.runs),
        _ok(flow.outcomes),
        words.duration(flow.p50_ms),
        words.duration(flow.p95_ms),
        words.duration(flow.max_ms),
        table.spark(flow.trend.values, style),
        change_cell(flow.trend),
        _count(flow.retries),
        _count(flow.timeouts),
        cost(flow.cost_usd),
    ]


def _step_row(step: StepStats, depth: int, style: Style) -> list[str | Cell]:
    notes = " ".join(step.flags)
    bad = {"failing", "flaky", "near-timeout"} & set(step.flags)
    return [
        "  " * min(depth, _DEEPEST) + step.step_id,
        words.number(step.count),
        _ok(step.outcomes) if step.count else "",
        words.duration(step.p50_ms),
        words.duration(step.p95_ms),
        words.duration(step.max_ms),
        percent(step.share) if step.count else "",
        table.spark(step.trend.values, style),
        change_cell(step.trend),
        _count(step.retries),
        percent(step.timeout_use),
        "" if step.output_bytes is None else words.size(round(step.output_bytes)),
        cost(step.cost_usd),
        Cell(notes, ("warn",) if bad else ("dim",)),
    ]


def _flow_page(flow: FlowStats, room: int, style: Style) -> str:
    steps = [_step_row(step, depth, style) for step, depth in _depths(flow.steps)]
    return "\n".join([*_head(flow, room, style), "", table.render(_STEPS, steps, room=room, style=style)])


def _head(flow: FlowStats, room: int, style: Style) -> list[str]:
    times = [
        f"{name} {words.duration(ms)}"
        for name, ms in (("p50", flow.p50_ms), ("p95", flow.p95_ms), ("max", flow.max_ms))
    ]
    facts = [words.counted(flow.runs, "run"), *_outcome_words(flow.outcomes), *times, cost(flow.cost_usd)]
    first, last = words.local_day(flow.first_run_at), words.local_day(flow.last_run_at)
    days = f"{first} to {last}, {words.counted(flow.versions, 'version')}"
    if flow.project:
        days += f", {clean(flow.project)}"
    course = f"{table.spark(flow.trend.values, style)} {_change(flow.trend)}".rstrip()
    return [
        style.paint(clip(clean(flow.flow_key), room, style.more), "bold"),
        *wrap(style.dot.join(fact for fact in facts if fact), room),
        *(style.paint(line, "dim") for line in wrap(days, room)),
        *([course] if course else []),
        *(wrap(_outcome_change(flow.outcome_change), room) if flow.outcome_change else []),
    ]


def _change(trend: Trend) -> str:
    """``+43% since 2026-04-06 12:02 +02:00``."""
    if trend.too_few:
        return f"too few runs to find a change (under {FEWEST})"
    if trend.since is None:
        return "no change"
    return f"{change_cell(trend).text} since {words.local(trend.since)}"


def _outcome_change(found: OutcomeChange) -> str:
    """``40% of runs fail since 2026-04-06 12:02 +02:00, 2% before``."""
    now, before = percent(found.failed / found.runs), percent(found.failed_before / found.runs_before)
    return f"{now} of runs fail since {words.local(found.since)}, {before} before"


def _outcome_words(outcomes: Outcomes) -> list[str]:
    return [
        f"{getattr(outcomes, name):,} {name}"
        for name in Outcomes.__struct_fields__
        if getattr(outcomes, name)
    ]


def _depths(steps: Sequence[StepStats]) -> list[tuple[StepStats, int]]:
    """How deep each step stands, told from the paths before it (an id may hold `` > `` itself)."""
    found = []
    above: list[str] = []
    for step in steps:
        while above and not step.path.startswith(above[-1] + " > "):
            above.pop()
        found.append((step, len(above)))
        above.append(step.path)
    return found


def _remarkable(flows: Sequence[FlowStats], room: int, style: Style) -> list[str]:
    named = [step for flow in flows for step in flow.steps if step.flags]
    if not named:
        return []
    columns = (Column("STEP", right=False, flexible=True), Column("NOTES", right=False))
    rows = [[step.path, _evidence(step)] for step in named[:_NOTES]]
    more = len(named) - len(rows)
    lines = ["", table.render(columns, rows, room=room, style=style)]
    return [*lines, style.paint(f"and {more} more: one trace stats FLOW", "dim")] if more else lines


def _evidence(step: StepStats) -> str:
    notes, flaky = " ".join(step.flags), step.flaky
    if step.failing is not None:
        return f"{notes}: {step.failing.runs} times in a row since {words.local(step.failing.since)}"
    return notes if flaky is None else f"{notes}: {flaky.failed} of {flaky.failed + flaky.succeeded} failed"
