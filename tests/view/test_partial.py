"""Pages say of which runs and flows something is missing, and nothing where nothing is."""

from __future__ import annotations

import msgspec
from made import START_MS, assembly

from one_trace.analyse import insights, stats
from one_trace.analyse.history import FlowHistory, RunSummary
from one_trace.answers import runs as answers
from one_trace.answers.bounds import Bounds
from one_trace.view import insights_page, stats_page
from one_trace.view.page import Page
from one_trace.view.runs import render_runs
from one_trace.view.style import Style

PAGE = Page(80, Style(color=False, unicode=False))
REASON = "3 of 120 spans have not arrived"


def flow(missing: int) -> FlowHistory:
    runs = [RunSummary("a", None, "success", "2026-04-06T12:00:00.000Z", 5.0, None, spans=120)]
    return FlowHistory(flow_key="my-flow", runs=runs, missing=missing)


def test_lists_mark_partial_runs() -> None:
    whole, partial = assembly("a").trace.run, assembly("b", partial=[REASON]).trace.run
    shown = render_runs([whole, partial], page=PAGE, now_ms=START_MS)
    assert [line.split()[2] for line in shown.split("\n")[1:3]] == ["success", "success*"]
    assert shown.endswith("* partial: 'one trace show RUN' says why")
    assert "*" not in render_runs([whole], page=PAGE, now_ms=START_MS)
    answer = answers.answer([whole, partial], 2, 0, running=[], filter={}, bounds=Bounds(rerun=()))
    rows = msgspec.to_builtins(answer)["runs"]
    assert [row.get("partial") for row in rows] == [None, [REASON]]


def test_statistics_and_findings_say_what_they_lack() -> None:
    for asked in (None, "my-flow"):
        shown = [
            stats_page.render(stats.document([flow(missing)], flow=asked, since=None), PAGE)
            for missing in (3, 0)
        ]
        assert [f"partial: {REASON}" in page for page in shown] == [True, False]
    found = [insights.document(insights.profile(flow(missing), []), since=None) for missing in (3, 0)]
    assert [f"partial: {REASON}" in insights_page.render(each, PAGE) for each in found] == [True, False]
