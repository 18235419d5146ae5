"""The nightly runs, a few of them: what is counted, and what ends them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.assemble import nightly
from tests.assemble.test_generated import node
from tests.truth import Behaviour, TooLarge, run_for_truth

pytestmark = pytest.mark.program


@node
def test_a_table_of_all_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert nightly.main(["4", "3", "--jobs", "2"]) in (0, 1)
    table = [line.split() for line in capsys.readouterr().out.splitlines() if not line.startswith("seed")]
    assert [row[0] for row in table[1:]] == [*nightly.KINDS, "all"]
    assert [int(row[1]) + int(row[-1]) for row in table[1:]] == [1, 1, 1, 1, 4]


def test_no_time_no_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert nightly.main(["8", "--seconds", "0"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["all", "0"]


@node
def test_what_the_assembler_throws_is_a_wrong_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_record: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(nightly, "assemble", broken)
    outcome = nightly.all_kinds(3, None, None)
    assert set(outcome.wrong.values()) == {"KeyError: 'x'"}
    assert [counts["wrong runs"] for counts in outcome.counts.values()] == [1] * 4


@node
def test_a_run_that_grows_too_large_is_broken_off(tmp_path: Path) -> None:
    leaf = {"id": "a", "name": "a", "type": "transform", "transform": {"expression": "1"}}
    turns = {"over": [1] * 9, "as": "x", "steps": [leaf]}
    flow = {"key": "main", "name": "main", "inputs": {}, "steps": [
        {"id": f"l{i}", "name": "l", "type": "loop", "loop": turns} for i in range(9)
    ]}  # fmt: skip
    bodies = {"a": Behaviour(output="x" * 100)}
    with pytest.raises(TooLarge):
        run_for_truth(tmp_path, {"main": flow}, "main", behaviour=bodies, largest=100_000)
