"""The true tree of a run, on a clock that costs no time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flows import CONTINUE, XS, flow, loop, parallel, step, subflow, transform

from one_trace.engine.call import RunOptions
from tests.truth import Behaviour, Truth, resume_for_truth, run_for_truth


def tree(truth: Truth) -> dict[str, str]:
    return {span["path"]: span["status"] for span in truth["spans"]}


def test_paths_name_iterations_attempts_and_sub_flows(tmp_path: Path) -> None:
    main = flow(
        "main",
        loop("l", transform("a"), onError={"strategy": "retry", "retries": 1, "retryDelayMs": 5}),
        subflow("f", "sub"),
        inputs={"xs": {"type": "array", "default": [1, 2]}},
    )
    sub = flow("sub", step("condition", "c", {"expression": "1", "then": [transform("s")]}))

    def second_fails_once(one: dict, before: int, attempt: int) -> Behaviour | None:
        return Behaviour(5, error="no") if one["id"] == "a" and before == 1 else None

    _, truth = run_for_truth(tmp_path, {"main": main, "sub": sub}, "main", behaviour=second_fails_once)
    assert tree(truth) == {
        "main > l": "success",
        "main > l[0] > a": "success",
        "main > l[1] > a": "error",
        "main > l#2[0] > a": "success",
        "main > l#2[1] > a": "success",
        "main > f": "success",
        "main > f > c": "success",
        "main > f > c > s": "success",
    }
    spans = {span["path"]: span for span in truth["spans"]}
    assert (spans["main > l"]["attempts"], spans["main > l"]["retries"]) == (2, 1)
    assert spans["main > l#2[1] > a"]["parentAttempt"] == 2
    assert (spans["main > f > c > s"]["branch"], spans["main > f > c > s"]["flowKey"]) == ("then", "sub")
    assert spans["main > l[1] > a"]["raised"]


def test_a_step_that_outlives_its_parent_is_late(tmp_path: Path) -> None:
    slow = parallel("p", loop("l", transform("a")), timeoutMs=25, onError=CONTINUE)
    table = {"a": Behaviour(10), "z": Behaviour(100)}
    _, truth = run_for_truth(
        tmp_path, {"main": flow("main", slow, transform("z"), inputs=XS)}, "main", behaviour=table
    )
    late = {span["path"]: span["late"] for span in truth["spans"]}
    assert late == {
        "main > p": False,
        "main > p > l": True,
        "main > p > l[0] > a": False,
        "main > p > l[1] > a": False,
        "main > p > l[2] > a": False,
        "main > z": False,
    }
    assert tree(truth)["main > p"] == "timeout"


def test_a_failure_leaves_running_steps_incomplete(tmp_path: Path) -> None:
    block = parallel("p", transform("slow"), transform("bad"))
    table = {"slow": Behaviour(50), "bad": Behaviour(10, error="no")}
    _, truth = run_for_truth(tmp_path, {"main": flow("main", block)}, "main", behaviour=table)
    assert truth["status"] == "error"
    assert tree(truth) == {"main > p": "error", "main > p > slow": "incomplete", "main > p > bad": "error"}
    spans = {span["stepId"]: span for span in truth["spans"]}
    assert (spans["slow"]["late"], spans["slow"]["endMs"], spans["slow"]["durationMs"]) == (True, None, None)
    assert (spans["bad"]["events"], spans["bad"]["durationMs"]) == (False, 10)


def test_virtual_time_only_passes_while_waiting(tmp_path: Path) -> None:
    steps = [transform("a"), transform("b"), transform("c", timeoutMs=40, onError=CONTINUE)]
    table = {"b": Behaviour(86_400_000), "c": Behaviour(50)}
    record, truth = run_for_truth(tmp_path, {"main": flow("main", *steps)}, "main", behaviour=table)
    assert [span["durationMs"] for span in truth["spans"]] == [0, 86_400_000, 40]
    assert record.log is not None
    events = [json.loads(line) for line in record.log.read_text().splitlines()]
    ends = {one["stepId"]: one["durationMs"] for one in events if one["msg"] == "step:complete"}
    assert ends == {"a": 0, "b": 86_400_000, "c": 40}


def test_the_record_has_the_events_of_the_truth(tmp_path: Path) -> None:
    inner = step(
        "condition", "c", {"expression": "$.loop.x > 1", "then": [transform("t")], "else": [transform("e")]}
    )
    main = flow("main", loop("l", inner, transform("skip", **{"if": "0"}), at_once=2), inputs=XS)
    record, truth = run_for_truth(tmp_path, {"main": main}, "main")
    assert record.log is not None
    events = [json.loads(line) for line in record.log.read_text().splitlines()]
    starts = [one["stepId"] for one in events if one["msg"] == "step:start"]
    assert starts == [span["stepId"] for span in truth["spans"]]
    assert sum(span["status"] == "skipped" for span in truth["spans"]) == 3
    assert record.state is not None
    assert json.loads(record.state.read_text())["status"] == "completed"


@pytest.mark.parametrize("after", range(1, 12))
def test_a_killed_run_leaves_an_incomplete_record(tmp_path: Path, after: int) -> None:
    main = flow("main", transform("a"), parallel("p", loop("l", transform("b"))), transform("z"), inputs=XS)
    record, truth = run_for_truth(tmp_path, {"main": main}, "main", kill_after=after)
    assert record.log is not None
    assert record.state is not None
    events = [json.loads(line) for line in record.log.read_text().splitlines()]
    assert len(events) == after + 1
    state = json.loads(record.state.read_text())
    assert state["completedSteps"] == [one["stepId"] for one in events if one["msg"] == "step:complete"]
    assert truth["status"] == "incomplete"
    open_ = {span["stepId"] for span in truth["spans"] if span["status"] == "incomplete" and span["events"]}
    started = [one["stepId"] for one in events if one["msg"] == "step:start"]
    assert open_ == {
        step_id for step_id in started if started.count(step_id) > state["completedSteps"].count(step_id)
    }


def test_a_resumed_run_has_its_own_root(tmp_path: Path) -> None:
    main = flow("main", transform("a"), transform("b"), transform("c"))
    record, truth = run_for_truth(tmp_path, {"main": main}, "main", behaviour={"b": Behaviour(3, error="no")})
    assert truth["status"] == "error"
    whole = resume_for_truth(record, truth)
    assert whole["status"] == "success"
    assert tree(whole) == {
        "main > a": "success",
        "main > b": "error",
        "main#2 > b": "success",
        "main#2 > c": "success",
    }
    assert [span.get("resume") for span in whole["spans"]] == [None, None, 1, 1]
    assert [span["span"] for span in whole["spans"]] == [1, 2, 3, 4]


def test_a_stop_ends_the_containers_around_it(tmp_path: Path) -> None:
    main = flow("main", loop("l", transform("a"), transform("b")), transform("z"), inputs=XS)
    _, truth = run_for_truth(tmp_path, {"main": main}, "main", options=RunOptions(stop_after="a"))
    assert truth["status"] == "stopped"
    assert tree(truth) == {"main > l": "stopped", "main > l[0] > a": "success"}


def test_sizes_are_those_of_the_state(tmp_path: Path) -> None:
    main = flow(
        "main", transform("a", "({ü: [1, null]})"), subflow("f", "sub"), transform("none", "undefined")
    )
    record, truth = run_for_truth(tmp_path, {"main": main, "sub": flow("sub", transform("s", "'x'"))}, "main")
    assert record.state is not None
    stored = json.loads(record.state.read_text())["context"]["steps"]
    sizes = {span["stepId"]: span["outputBytes"] for span in truth["spans"]}
    for step_id, result in stored.items():
        text = (
            json.dumps(result["output"], ensure_ascii=False, separators=(",", ":"))
            if "output" in result
            else ""
        )
        assert sizes[step_id] == (len(text.encode()) or None), step_id
