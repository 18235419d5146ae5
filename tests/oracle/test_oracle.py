"""The oracle itself: right readings reproduce their record, whatever happened in it; wrong ones do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from one_trace.assemble import assemble
from one_trace.engine.call import RunOptions
from one_trace.model.trace import Span, Trace
from one_trace.record.files import RunFiles
from one_trace.record.reading import read
from tests.assemble.generated import Made
from tests.assemble.generated import run as run_made
from tests.assemble.test_generated import node
from tests.effort import effort
from tests.oracle import corpus
from tests.oracle.hostile import HostileRun
from tests.oracle.outcomes import NO_RUN, outcome, reading_of
from tests.oracle.tally import Block
from tests.oracle.verdict import check
from tests.true_tree import Behaviour
from tests.truth import resume_for_truth, run_for_truth

EARNED = Path(__file__).with_name("earned")
"""The smallest flows of which a guess was taken for what it is not."""
pytestmark = [pytest.mark.program, node]
Step = dict[str, Any]
RETRY = {"strategy": "retry", "retries": 2, "retryDelayMs": 5}


def leaf(step_id: str, **more: Any) -> Step:
    return {"id": step_id, "name": step_id, "type": "code", **more}


def block(step_id: str, *steps: Step, **more: Any) -> Step:
    return {"id": step_id, "name": step_id, "type": "parallel", "parallel": {"steps": list(steps)}, **more}


def loop(step_id: str, *steps: Step, at_once: int = 1, **more: Any) -> Step:
    config = {"over": [1, 2, 3], "as": "x", "steps": list(steps), "maxConcurrency": at_once}
    return {"id": step_id, "name": step_id, "type": "loop", "loop": config, **more}


def times(**lasts: list[float]) -> Callable[[Step, int, int], Behaviour]:
    """What each execution of a step lasts, in the order of their starts. Negative: it throws then."""

    def table(step: Step, before: int, attempt: int) -> Behaviour:
        ms = lasts[step["id"]][before + attempt - 1]
        return Behaviour(abs(ms), output=1, error="boom" if ms < 0 else None)

    return table


def record(project: Path, *steps: Step, stop_after: str | None = None, kill_after: int | None = None,
           **lasts: list[float]) -> RunFiles:  # fmt: skip
    flow = {"key": "main", "name": "main", "inputs": {}, "steps": list(steps)}
    options = RunOptions(stop_after=stop_after) if stop_after else None
    files, _ = run_for_truth(
        project, {"main": flow}, "main", behaviour=times(**lasts), options=options, kill_after=kill_after
    )
    return files


def assembled(files: RunFiles) -> Trace:
    return assemble(read(files)).trace


RUNS: dict[str, tuple[list[Step], dict[str, Any]]] = {
    "retried, and the second attempt is timed out": (
        [leaf("a", onError=RETRY, timeoutMs=20), leaf("z")], {"a": [-3, 50, 7], "z": [1]}),
    "two retried at a time, one beside the other": (
        [loop("l", leaf("a", onError=RETRY), at_once=3)], {"a": [-3, 6, -4, -5, 9, 2]}),
    "open when the flow fails": ([block("p", leaf("slow"), leaf("bad"))], {"slow": [50], "bad": [-10]}),
    "timed out, and late": (
        [block("p", loop("l", leaf("a")), timeoutMs=25, onError={"strategy": "continue"}), leaf("z")],
        {"a": [10, 10, 10], "z": [40]}),
    "stopped": ([loop("l", leaf("a"), leaf("b")), leaf("z")], {"a": [3], "stop_after": "a"}),
    "killed": ([loop("l", leaf("a"), at_once=2)], {"a": [3, 5, 4], "kill_after": 5}),
    "silent and stored nowhere": (
        [loop("l", block("p", leaf("a"), leaf("b")), leaf("bad"))], {"a": [3], "b": [9], "bad": [-1]}),
}  # fmt: skip


@pytest.mark.parametrize("case", RUNS)
def test_a_right_reading_reproduces_its_record(case: str, tmp_path: Path) -> None:
    steps, how = RUNS[case]
    files = record(tmp_path, *steps, **how)
    assert check(files, assembled(files)).kind == "reproduced"


def test_a_resumed_run_is_run_and_resumed(tmp_path: Path) -> None:
    flow = {"key": "main", "name": "main", "inputs": {}, "steps": [leaf("a"), leaf("b"), leaf("c")]}
    files, truth = run_for_truth(tmp_path, {"main": flow}, "main", behaviour=times(a=[3], b=[-4]))
    resume_for_truth(files, truth, behaviour=times(b=[5], c=[6]))
    trace = assembled(files)
    assert check(files, trace).kind == "reproduced"
    trace.spans[-1].duration_ms = 7
    assert check(files, trace).kind == "refuted"


def test_what_a_resume_has_left_says_nothing_of_the_run_before_it(tmp_path: Path) -> None:
    """The state has the iterations of the last run of the block, in which they lasted otherwise."""
    steps = block("p", loop("l", leaf("a"), at_once=3), leaf("bad"))
    flow = {"key": "main", "name": "main", "inputs": {}, "steps": [steps]}
    first, second = times(a=[3, 9, 6], bad=[-20]), times(a=[9, 3, 6], bad=[20])
    files, truth = run_for_truth(tmp_path, {"main": flow}, "main", behaviour=first)
    truth = resume_for_truth(files, truth, behaviour=second)
    trace = assembled(files)
    assert reading_of(HostileRun(files, truth), trace) != "wrong"
    lasted = {span.path: span.duration_ms for span in trace.spans}
    assert [lasted[f"main#2 > p > l[{i}] > a"] for i in range(3)] == [9, 3, 6]


def swapped(one: Span, other: Span) -> None:
    one.duration_ms, other.duration_ms = other.duration_ms, one.duration_ms


def shifted(span: Span) -> None:
    span.iteration = 2


WRONG: dict[str, Callable[[dict[str, Span]], object]] = {
    "durations swapped": lambda spans: swapped(spans["main > l[0] > a"], spans["main > l[1] > a"]),
    "another iteration": lambda spans: shifted(spans["main > l[1] > b"]),
    "a longer end": lambda spans: setattr(spans["main > l[2] > b"], "duration_ms", 6),
    "an error": lambda spans: setattr(spans["main > l[0] > a"], "status", "error"),
    "late": lambda spans: setattr(spans["main > l[0] > a"], "late", True),
    "swapped, and says that it may be": lambda spans: (
        swapped(spans["main > l[0] > a"], spans["main > l[1] > a"]),
        spans["main > l[0] > a"].derived.append("iteration"),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_reading_is_refuted(case: str, tmp_path: Path) -> None:
    files = record(tmp_path, loop("l", leaf("a"), leaf("b"), at_once=3), a=[9, 5, 7], b=[4, 8, 5])
    trace = assembled(files)
    assert check(files, trace).kind == "reproduced"
    WRONG[case]({span.path: span for span in trace.spans})
    assert check(files, trace).kind == "refuted"


def test_what_the_record_does_not_decide_reproduces_either_way(tmp_path: Path) -> None:
    """Two iterations that begin and end together leave the same record, whichever was which."""
    files = record(tmp_path, loop("l", leaf("a"), at_once=3), a=[5, 5, 5])
    trace = assembled(files)
    swapped(trace.spans[1], trace.spans[2])
    assert check(files, trace).kind == "reproduced"


def test_a_silent_child_of_a_block_that_succeeded_has_succeeded(tmp_path: Path) -> None:
    """Though its result is stored nowhere: the next iteration has written over it, and the loop has failed.
    Nothing tells how long it took. One that handles its errors may have failed."""
    handled = leaf("c", onError={"strategy": "continue"})
    steps = block("p", leaf("a"), leaf("b"), handled), leaf("bad")
    lasts = {"a": [3, 3], "b": [9, 20], "c": [-4, -4], "bad": [1, -1]}
    files = record(tmp_path, loop("l", *steps), **lasts)
    spans = {span.path: span for span in assembled(files).spans}
    ends = {step: spans[f"main > l[0] > p > {step}"] for step in "abc"}
    assert {step: (span.status, span.duration_ms) for step, span in ends.items()} == {
        "a": ("success", None),
        "b": ("success", None),
        "c": ("incomplete", None),
    }
    assert all({"status", "durationMs"} <= set(span.derived) for span in ends.values())


@pytest.mark.parametrize("after", [[], [loop("m", leaf("b"), at_once=3)]], ids=["alone", "before another"])
def test_only_a_loop_beside_it_overwrites_the_result_of_a_concurrent_loop(
    after: list[Step], tmp_path: Path
) -> None:
    """Both turns of the while last equally long, so that the result might be the first one's. It is not: the
    loop writes it after what it merges, and before the next step begins, if in the same ms."""
    turns = {"condition": "true", "maxIterations": 2, "steps": [loop("l", leaf("a"), at_once=3)]}
    twice = {"id": "w", "name": "w", "type": "while", "while": turns}
    files = record(tmp_path, twice, *after, a=[30, 3, 30, 3, 30, 3], b=[1, 1, 1])
    spans = {span.path: span.duration_ms for span in assembled(files).spans}
    assert [spans[f"main > w[1] > l[{i}] > a"] for i in range(3)] == [3, 30, 3]


@pytest.mark.parametrize("case", sorted(EARNED.glob("*.json")), ids=lambda case: case.stem)
def test_what_a_record_decides_is_no_guess(case: Path, tmp_path: Path) -> None:
    """Each had a reading that was excused by its own `derived`, and contradicted the record."""
    files, truth, trace = run_made(Made.from_json(case.read_text()), tmp_path)
    assert check(files, trace).why == ""
    assert reading_of(HostileRun(files, truth), trace) == "right"


NOT_REFUTED = {
    "a step ended, and the run was killed before its event": ("killed", 100004710),
    "the result of a silent block that failed": ("killed", 100005498),
    "a while step that was timed out stopped before it noted its last turn": ("both", 100003936),
    "a silent step ended such that the next one is timed out": ("trouble", 100002695),
    "a silent step ended in time, and one beside it threw": ("both", 100022992),
}
"""Right readings that were refuted once."""


@pytest.mark.parametrize("case", NOT_REFUTED)
def test_what_is_right_is_not_refuted(case: str) -> None:
    found = outcome(*NOT_REFUTED[case])
    assert found is not None
    assert found.verdict.kind != "refuted", found.verdict.why


def test_a_sample_of_the_corpus_is_as_stored() -> None:
    stored = list(corpus.stored().values())
    assert sum(len(block.letters) - block.letters.count(NO_RUN) for block in stored) >= corpus.RUNS
    step = max(1, len(stored) // effort(12, 100))
    for number, block in enumerate(stored[::step]):
        at = number * 7 % len(block.letters)
        found = outcome(block.kind, block.first + at)
        assert (found.letter if found else NO_RUN) == block.letters[at], (block.kind, block.first + at)


def test_other_runs_than_the_stored_ones_are_no_finding() -> None:
    before = Block("both", 0, "==", "aa")
    assert list(corpus.changes(Block("both", 0, "=F", "aa", {1: "why"}), before)) == [
        "both 1: = is now F why"
    ]
    (change,) = corpus.changes(Block("both", 0, "FF", "bb"), before)
    assert "other runs" in change
