"""How SQLite looks for what a question about one flow needs: by an index, never through all runs' rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from one_trace.history.local import LocalHistory
from one_trace.model.wanted import Wanted
from one_trace.store import Store
from tests.bench.history import runs

ONE_FLOW = Wanted(flow="flow-00")
LATELY = Wanted(since=0)
QUESTIONS: dict[str, Callable[[LocalHistory], Any]] = {
    "runs": lambda history: history.runs(ONE_FLOW, limit=20),
    "runs with a status": lambda history: history.runs(ONE_FLOW._replace(status="error"), limit=20),
    "count": lambda history: history.count(ONE_FLOW),
    "histories": lambda history: history.histories(ONE_FLOW, models=True),
    "failures": lambda history: history.failure_details(history.histories(ONE_FLOW)[0]),
    "for others": lambda history: history.ran_for_others(history.histories(ONE_FLOW)[0]),
    "past": lambda history: history.past(history.runs(ONE_FLOW, limit=1)[0]),
    "past of a flow": lambda history: history.past_of_flow("flow-00", None),
    "calls": lambda history: history.calls(ONE_FLOW),
    "calls lately": lambda history: history.calls(LATELY),
    "span rows": lambda history: list(history.span_rows(ONE_FLOW)),
    "find": lambda history: history.find("flow-00@last"),
    "trace": lambda history: history.trace(history.find("last")),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_about_one_flow_reads_only_its_rows(tmp_path: Path, question: str) -> None:
    asked: list[str] = []
    with Store(tmp_path / "traces.db") as store:
        for one in runs(3, flows=2):
            store.save(one)
        raw = store.connection._raw
        raw.set_trace_callback(asked.append)
        QUESTIONS[question](LocalHistory(store))
        raw.set_trace_callback(None)
        plans = {sql: [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}")] for sql in asked}
    assert plans
    whole = {sql: plan for sql, plan in plans.items() if re.search(r"SCAN (spans|step_runs)\b", str(plan))}
    assert not whole
