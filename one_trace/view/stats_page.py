"""The page of statistics."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.analyse.changes import FEWEST
from one_trace.analyse.run_groups import FEW, RunGroup
from one_trace.analyse.stats import FlowStats, Outcomes, StatsDocument, StepStats
from one_trace.analyse.trend import OutcomeChange, Trend
from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.page import Page
from one_trace.view.runs import NO_RUNS, project_names
from one_trace.view.table import Cell, Column
from one_trace.view.value_runs import heading

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
_MOST_NOTES = 12
"""Steps with notes that are listed below the table of flows."""
_DEEPEST = 12
"""Levels of indentation: deeper names would leave the page."""
_NOTICEABLE = 0.1


def render(document: StatsDocument, page: Page) -> str:
    """A table of flows, or, for one flow, of its steps; or of groups of runs."""
    if document.groups:
        return _groups(document.groups, page)
    if not document.flows:
        return page.text(words.no_run(document.flow, document.since, document.tags) or NO_RUNS)
    if document.flow is not None:
        return "\n\n".join(_flow(flow, page) for flow in document.flows)
    names = project_names([flow.project for flow in document.flows])
    several = len(names) > 1
    columns = (_FLOWS[0], _PROJECT, *_FLOWS[1:]) if several else _FLOWS
    rows = [_flow_row(flow, names if several else {}, page) for flow in document.flows]
    partial = [
        line
        for flow in document.flows
        if flow.partial
        for line in page.lines(f"{clean(flow.flow_key)}: {words.partial(flow.partial)}", "warn")
    ]
    return "\n".join([page.table(columns, rows), *partial, *_notes(document.flows, page)])


def percent(part: float | None) -> str:
    """``12%``, ``0.4%``; empty if unknown."""
    if part is None:
        return ""
    return f"{part:.0%}" if part == 0 or abs(part) >= 0.01 else f"{part:.1%}"


def signed(part: float) -> str:
    """``+12%``, ``-3%``, ``0%``."""
    return "0%" if abs(part) < 0.005 else f"{part:+.0%}"


def cost(usd: float | None) -> str:
    return "" if usd is None else words.money(usd)


def _groups(groups: Sequence[RunGroup], page: Page) -> str:
    columns = (
        Column("FLOW", right=False, flexible=True),
        Column(heading(groups[0].by, groups[0].means), right=False, flexible=True),
        Column("RUNS"),
        Column("OK"),
        Column("95%", drop=3),
        Column("P50"),
        Column("COST/RUN", drop=2),
        Column("NOTES", right=False, drop=1),
    )
    rows = [_group_row(group) for group in groups]
    few = any(group.too_few for group in groups)
    note = [page.dim(f"too few: fewer than {FEW} runs that ended")] if few else []
    return "\n".join([page.table(columns, rows), *note])


def _group_row(group: RunGroup) -> list[str | Cell]:
    ended = group.success_rate is not None
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


def _change(trend: Trend) -> Cell:
    """The last change; an increase or decrease worth a look in colour."""
    if trend.change is None:
        # There is no percentage of zero.
        return Cell(f"+{words.duration(trend.delta)}", ("warn",)) if trend.delta else Cell("")
    noticeable = abs(trend.change) >= _NOTICEABLE
    return Cell(signed(trend.change), ("warn" if trend.change > 0 else "success",) if noticeable else ())


def _success_rate(outcomes: Outcomes) -> Cell:
    failed = outcomes.error + outcomes.timeout + outcomes.incomplete
    if not failed + outcomes.success:
        return Cell("-")
    rate = outcomes.success / (failed + outcomes.success)
    # 99.97 % is not all of them.
    text = "100%" if not failed else f"{min(rate, 0.999):.1%}" if rate > 0.99 else f"{rate:.0%}"
    return Cell(text, ("error",) if failed else ())


def _count(number: int) -> str:
    return words.number(number) if number else ""


def _flow_row(flow: FlowStats, projects: dict[str | None, str], page: Page) -> list[str | Cell]:
    return [
        Cell(flow.flow_key, ("bold",)),
        *([projects[flow.project]] if projects else []),
        words.number(flow.runs),
        _success_rate(flow.outcomes),
        words.duration(flow.p50_ms),
        words.duration(flow.p95_ms),
        words.duration(flow.max_ms),
        page.spark(flow.trend.values),
        _change(flow.trend),
        _count(flow.retries),
        _count(flow.timeouts),
        cost(flow.cost_usd),
    ]


def _step_row(step: StepStats, depth: int, page: Page) -> list[str | Cell]:
    bad = {"failing", "flaky", "near-timeout"} & set(step.flags)
    return [
        "  " * min(depth, _DEEPEST) + step.step_id,
        words.number(step.count),
        _success_rate(step.outcomes) if step.count else "",
        words.duration(step.p50_ms),
        words.duration(step.p95_ms),
        words.duration(step.max_ms),
        percent(step.share) if step.count else "",
        page.spark(step.trend.values),
        _change(step.trend),
        _count(step.retries),
        percent(step.timeout_use),
        "" if step.output_bytes is None else words.size(round(step.output_bytes)),
        cost(step.cost_usd),
        Cell(" ".join(step.flags), ("warn",) if bad else ("dim",)),
    ]


def _flow(flow: FlowStats, page: Page) -> str:
    outcomes = [
        f"{count:,} {name}" for name in Outcomes.__struct_fields__ if (count := getattr(flow.outcomes, name))
    ]
    times = (("p50", flow.p50_ms), ("p95", flow.p95_ms), ("max", flow.max_ms))
    first, last = words.local_day(flow.first_run_at), words.local_day(flow.last_run_at)
    period = f"{first} to {last}, {words.counted(flow.versions, 'version')}"
    rows = [_step_row(step, depth, page) for step, depth in _depths(flow.steps)]
    lines = [
        page.title(flow.flow_key),
        *page.facts(
            words.counted(flow.runs, "run"),
            *outcomes,
            *(f"{name} {words.duration(ms)}" for name, ms in times),
            cost(flow.cost_usd),
        ),
        *page.lines(f"{period}, {clean(flow.project)}" if flow.project else period, "dim"),
        *page.lines(f"trend {page.spark(flow.trend.values)} {_since(flow.trend)}"),
        *page.lines(_outcome_change(flow.outcome_change)),
        *page.lines(words.partial(flow.partial), "warn"),
        "",
        page.table(_STEPS, rows),
    ]
    return "\n".join(lines)


def _since(trend: Trend) -> str:
    """``+43% since 2026-04-06 12:02 +02:00``."""
    if trend.too_few:
        return f"too few runs to find a change (under {FEWEST})"
    return f"{_change(trend).text} since {words.local(trend.since)}" if trend.since else "no change"


def _outcome_change(change: OutcomeChange | None) -> str:
    """``40% of runs fail since 2026-04-06 12:02 +02:00, 2% before``."""
    if change is None:
        return ""
    now, before = percent(change.failed / change.runs), percent(change.failed_before / change.runs_before)
    return f"{now} of runs fail since {words.local(change.since)}, {before} before"


def _depths(steps: Sequence[StepStats]) -> list[tuple[StepStats, int]]:
    """The depth of each step, from the paths before it (an id may contain `` > ``)."""
    depths = []
    containers: list[str] = []
    for step in steps:
        while containers and not step.path.startswith(containers[-1] + " > "):
            containers.pop()
        depths.append((step, len(containers)))
        containers.append(step.path)
    return depths


def _notes(flows: Sequence[FlowStats], page: Page) -> list[str]:
    noted = [step for flow in flows for step in flow.steps if step.flags]
    if not noted:
        return []
    columns = (Column("STEP", right=False, flexible=True), Column("NOTES", right=False))
    rows = [[step.path, _note(step)] for step in noted[:_MOST_NOTES]]
    more = len(noted) - len(rows)
    return [
        "",
        page.table(columns, rows),
        *([page.dim(f"and {more} more: one trace stats FLOW")] if more else []),
    ]


def _note(step: StepStats) -> str:
    notes, flaky = " ".join(step.flags), step.flaky
    if step.failing is not None:
        return f"{notes}: {step.failing.runs} times in a row since {words.local(step.failing.since)}"
    return notes if flaky is None else f"{notes}: {flaky.failed} of {flaky.failed + flaky.succeeded} failed"
