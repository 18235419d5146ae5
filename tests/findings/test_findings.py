"""Findings come where their cause is, and only there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from machine import Machine

from one_trace.store import Store
from tests.effort import effort
from tests.findings.kinds import KINDS
from tests.findings.measure import Score, judge, make, measure, save


def test_precision_and_recall_over_histories_of_known_causes(tmp_path: Path) -> None:
    each = effort(1, 6)
    found = measure(tmp_path, each=each)
    assert found.histories == each * len(KINDS)
    assert found.precision >= 0.95, found.wrong
    assert found.recall >= 0.95, found.missed
    assert not found.take_out


@pytest.mark.parametrize("kind", ["failing-since", "branch-never-taken", "cost-by-model", "sub-flow-shared"])
def test_the_program_answers_the_same(machine: Machine, kind: str) -> None:
    histories = [history for history in make(1) if history.kind == kind]
    with Store(machine.data / "traces.db") as store:
        save(store, histories)
    total = Score()
    for history in histories:
        answer = json.loads(machine.one("--agent", "trace", "insights", history.flow).out)
        reported = [(one["rule"], one["path"], one["suggestion"]) for one in answer["findings"]]
        judge(total, history, reported)
    assert total.right == total.histories == 1


def test_there_are_kinds_with_and_without_a_cause() -> None:
    with_cause = {history.kind for history in make(1) if history.must}
    assert len(with_cause) >= 20
    assert len(KINDS) - len(with_cause) >= 20
