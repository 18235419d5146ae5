"""What runs of the real host have shown that no virtual clock does: threads that are busy, timers that are
late, states that are older than the log. One small record each."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from one_trace.assemble import assemble
from one_trace.model.trace import Span
from one_trace.record.reading import read
from tests.assemble.recorded import RANDOM, MadeRun, code, lay_out


def spans(made: MadeRun) -> dict[str, Span]:
    return {span.path: span for span in made.assembled().trace.spans}


def block(*steps: dict, **more: object) -> dict:
    return {"id": "p", "name": "P", "type": "parallel", "parallel": {"steps": list(steps)}, **more}


def at_a_time(step_id: str, *steps: dict, width: int = 2) -> dict:
    loop = {"over": "$.input.xs", "maxConcurrency": width, "steps": list(steps)}
    return {"id": step_id, "name": step_id.upper(), "type": "loop", "loop": loop}


def success(ms: int, output: object = 1) -> dict:
    return {"status": "success", "output": output, "response": output, "durationMs": ms}


def test_a_silent_container_that_began_later_than_its_batch(tmp_path: Path) -> None:
    """Its siblings kept the thread busy: what runs in it, and how long it took, tell when it began."""
    loop = {"id": "l", "name": "L", "type": "loop", "loop": {"over": "$.input.xs", "steps": [code("a")]}}
    made = MadeRun(tmp_path).flow([block(code("busy"), loop)])
    made.start("p", "parallel").after(40).start("a").after(10).end("a", 10).end("p", 50)
    results = {"busy": success(38), "l": success(11, [1])}
    made.results = {**results, "p": success(50, [*results.values()])}
    shown = spans(made)
    assert (shown["made > p > l"].start_ms, shown["made > p > l"].duration_ms) == (
        shown["made > p > l[0] > a"].start_ms - 1,
        11,
    )
    assert not shown["made > p > l[0] > a"].late


def test_a_sub_flow_that_begins_after_its_step_was_given_up(tmp_path: Path) -> None:
    """The host imports what reads flows first, which takes some ms."""
    call = {"id": "f", "name": "F", "type": "flow", "flow": {"key": "sub"}, "timeoutMs": 2}
    call["onError"] = {"strategy": "continue"}
    made = MadeRun(tmp_path).flow([call, code("z")]).flow([code("c")], key="sub")
    made.start("f", "flow").after(2).end("f", 2, "timeout").start("z")
    made.after(5).event("flow:start", flowKey="sub").start("c").after(6).end("c", 6)
    made.event("flow:complete", flowKey="sub", durationMs=6).after(20).end("z", 31)
    shown = spans(made)
    assert list(shown) == ["made > f", "made > z", "made > f > c"]
    assert shown["made > f > c"].late
    assert shown["made > f"].status == "timeout"


def test_an_id_that_stands_for_steps_of_two_types(tmp_path: Path) -> None:
    """A sub-flow is not validated, and may have an id twice."""
    inner = {"id": "x", "name": "X", "type": "loop", "loop": {"over": "$.input.xs", "steps": [code("x")]}}
    made = MadeRun(tmp_path).flow([{"id": "f", "name": "F", "type": "flow", "flow": {"key": "sub"}}])
    made.flow([inner, code("x", type="transform")], key="sub")
    made.start("f", "flow").event("flow:start", flowKey="sub")
    made.start("x", "loop").end("x").start("x", "transform").after(4).end("x", 4)
    made.event("flow:complete", flowKey="sub", durationMs=4).end("f", 4)
    shown = [(span.path, span.type, span.index) for span in made.assembled().trace.spans]
    assert shown == [("made > f", "flow", 0), ("made > f > x", "loop", 0), ("made > f > x", "transform", 1)]


def test_a_run_that_was_killed_between_a_line_and_its_save(tmp_path: Path) -> None:
    """The result in the state is that of the turn before."""
    turns = {"condition": "true", "maxIterations": 3, "steps": [code("a")]}
    made = MadeRun(tmp_path).flow([{"id": "w", "name": "W", "type": "while", "while": turns}])
    made.start("w", "while")
    made.start("a").after(5).end("a", 5).start("a").after(5).end("a", 5)
    made.results, made.status = {"a": success(5, "the first")}, "running"
    shown = made.state() | {"completedSteps": ["a"]}
    first, second = made.assembled(state=json.dumps(shown).encode()).trace.spans[1:]
    assert (first.path, second.path) == ("made > w[0] > a", "made > w[1] > a")
    assert second.output_bytes is None


def test_a_silent_child_that_ended_in_a_way_not_known(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([block(code("a"), code("b"))])
    made.start("p", "parallel").after(5).end("p", 5)
    children = [{**success(5), "status": "running"}, success(5)]
    made.results = {"a": children[0], "b": children[1], "p": success(5, children)}
    shown = spans(made)
    assert (shown["made > p > a"].status, shown["made > p > b"].status) == ("error", "success")


def test_sub_flows_that_wait_for_the_first_to_be_read(tmp_path: Path) -> None:
    """They begin in the order of their calls, though all were timed out meanwhile."""
    call = {"type": "flow", "flow": {"key": "sub"}}
    sides = [
        {"id": f"c{at}", "name": "C", "type": "condition", "condition": {"expression": "true", "then": steps}}
        for at, steps in enumerate(
            ([{"id": "f", "name": "F", **call}], [code("x"), {"id": "g", "name": "G", **call}])
        )
    ]
    made = (
        MadeRun(tmp_path)
        .flow([block(*sides, timeoutMs=4, onError={"strategy": "continue"}), code("z")])
        .flow([code("a")], key="sub")
    )
    made.start("p", "parallel").start("f", "flow").start("x").after(3).end("x", 3).start("g", "flow")
    made.after(1).end("p", 4, "timeout").start("z").after(1)
    made.event("flow:start", flowKey="sub").start("a").after(1)
    made.event("flow:start", flowKey="sub").start("a").after(9)
    made.end("a", 9).event("flow:complete", flowKey="sub", durationMs=10).end("f", 15)
    made.end("a", 9).event("flow:complete", flowKey="sub", durationMs=9).end("g", 12).end("z", 11)
    shown = spans(made)
    first, second = shown["made > p > c0 > f > a"], shown["made > p > c1 > g > a"]
    assert first.start_ms < second.start_ms


def test_a_result_that_a_loop_beside_it_merges_over(tmp_path: Path) -> None:
    """Its iteration began with the result of the turn before, and puts it back when it ends."""
    items = {"over": "$.input.xs", "steps": [code("a")]}
    turns = {"id": "s", "name": "S", "type": "loop", "loop": items}
    calls = [{"id": key, "name": key, "type": "flow", "flow": {"key": "sub"}} for key in "fg"]
    inner = {**block(turns, at_a_time("l", code("b")), calls[0]), "id": "q"}
    made = MadeRun(tmp_path).flow([block(inner, calls[1])]).flow([code("c")], key="sub")
    made.start("p", "parallel").start("a").start("b").start("b")
    for _ in calls:
        made.event("flow:start", flowKey="sub").start("c")
    made.after(1).end("c", 1).event("flow:complete", flowKey="sub", durationMs=1)
    made.end("c", 1).event("flow:complete", flowKey="sub", durationMs=1)
    made.after(1).end("a", 2).start("a").end("b", 2).end("b", 2).after(1).start("b")
    made.after(3).end("a", 4).after(1).end("b", 2).after(1).start("a").after(1).end("a", 1).end("p", 9)
    stale, last = {"a": success(2)}, {"a": success(1)}
    looped = success(9, [1, 1, 1]) | {"response": {"items": [1, 1, 1], "iterations": [stale, stale, last]}}
    results = [success(9, [looped, success(8, [1, 1, 1]), success(1, {"c": success(1)})])]
    made.results = {"p": success(9, [*results, success(1, {"c": success(1)})])}
    trace = made.assembled().trace
    assert not trace.run.partial
    assert [span.duration_ms for span in trace.spans if span.step_id == "a"] == [2, 4, 1]


def test_ends_that_wait_for_the_save_after_another(tmp_path: Path) -> None:
    """Of two that are done in one turn the second is written when the state has been saved for the first."""
    turns = {"condition": "true", "maxIterations": 2, "steps": [at_a_time("l", code("a"))]}
    made = MadeRun(tmp_path).flow([{"id": "w", "name": "W", "type": "while", "while": turns}])
    made.start("w", "while")
    for _ in range(2):
        made.start("l", "loop").start("a").start("a").after(1)
        made.end("a", 1).after(10).end("a", 1).end("l", 11).after(10)
    trace = made.assembled().trace
    assert not trace.run.partial
    assert not any("status" in span.derived for span in trace.spans)


def test_flows_abreast_that_end_line_by_line(tmp_path: Path) -> None:
    """The end of a sub-flow follows on that of its last step, but with those of others between."""
    call = {"id": "f", "name": "F", "type": "flow", "flow": {"key": "sub"}}
    made = MadeRun(tmp_path).flow([at_a_time("l", call), code("z")]).flow([code("a")], key="sub")
    made.start("l", "loop").start("f", "flow").start("f", "flow")
    made.event("flow:start", flowKey="sub").start("a").after(1)
    made.event("flow:start", flowKey="sub").start("a").after(5)
    made.end("a", 6).end("a", 4).after(1)
    made.event("flow:complete", flowKey="sub", durationMs=7)
    made.event("flow:complete", flowKey="sub", durationMs=6)
    made.end("f", 7).end("f", 7).end("l", 7).start("z")
    made.event("step:error", stepId="z", error="boom").log("Flow failed", error="boom")
    made.status = "failed"
    trace = made.assembled().trace
    assert not trace.run.partial


def test_starts_apart_by_no_more_than_a_line_may_be_late(tmp_path: Path) -> None:
    """Which of the two has ended first, nothing tells: both may have lasted as long as the other."""
    made = MadeRun(tmp_path).flow([code("x"), at_a_time("l", code("a"))])
    made.start("x").after(3).end("x", 2).start("l", "loop")
    made.start("a").after(1).start("a").after(5).end("a", 5).after(6).end("a", 11).end("l", 12)
    first, second = (span for span in made.assembled().trace.spans if span.step_id == "a")
    assert {"iteration", "durationMs"} <= {*first.derived} & {*second.derived}


def test_calls_that_were_given_up_begin_in_turn_as_well(tmp_path: Path) -> None:
    """What the log tells to have been called begins, whether it is still waited for or not."""
    call = {"id": "f", "name": "F", "type": "flow", "flow": {"key": "sub"}}
    given_up = {**call, "timeoutMs": 2, "onError": {"strategy": "continue"}}
    first = {"id": "c", "name": "C", "type": "condition", "condition": {"expression": "true", "then": []}}
    first["condition"]["then"] = [given_up]
    second = {**first, "id": "d", "condition": {"expression": "true", "then": [{**call, "id": "g"}]}}
    made = MadeRun(tmp_path).flow([{**call, "id": "e", "flow": {"key": "other"}}, block(first, second)])
    made.flow([code("a")], key="sub").flow([code("b")], key="other")
    made.start("e", "flow").event("flow:start", flowKey="other").start("b").end("b")
    made.event("flow:complete", flowKey="other", durationMs=0).end("e")
    made.start("p", "parallel").start("f", "flow").start("g", "flow").after(8).end("f", 8, "timeout")
    made.event("flow:start", flowKey="sub").start("a").after(1)
    made.event("flow:start", flowKey="sub").start("a").after(5)
    made.end("a", 6).event("flow:complete", flowKey="sub", durationMs=6)
    made.end("a", 5).event("flow:complete", flowKey="sub", durationMs=5).end("g", 14).end("p", 14)
    shown = spans(made)
    assert shown["made > p > c > f > a"].start_ms < shown["made > p > d > g > a"].start_ms


def test_a_start_that_is_written_late(tmp_path: Path) -> None:
    """The step's own clock starts after that: it has not lasted since the time that the line gives."""
    made = MadeRun(tmp_path).flow([at_a_time("l", code("a"), code("b"))])
    made.start("l", "loop").start("a").after(10)
    made.lines[-1]["ts"] = made.time
    made.start("a").after(3).end("a", 2).after(1).start("b").end("a", 2).after(5).start("b").after(1)
    made.end("b", 6).after(1).end("b", 1).end("l", 21)
    shown = spans(made)
    assert shown["made > l[0] > b"].start_ms == 14


def test_a_step_whose_start_takes_long_to_be_written(tmp_path: Path) -> None:
    """Its own clock starts with the next line at the latest."""
    made = MadeRun(tmp_path).flow([code("x"), at_a_time("l", code("a"), code("b"))])
    made.start("x").after(3).end("x", 2).start("l", "loop").start("a").after(3).start("a").after(14)
    made.end("a", 14).start("b").after(1).end("a", 14).after(5).start("b").after(7)
    made.end("b", 7).after(99).end("b", 112).end("l", 129)
    shown = spans(made)
    assert (shown["made > l[0] > b"].start_ms, shown["made > l[1] > b"].start_ms) == (20, 26)


def test_a_container_fails_by_what_was_thrown_in_it(tmp_path: Path) -> None:
    """In a flow that was not validated, what runs in it may have its id."""
    inner = code("s", onError={"strategy": "continue"})
    side = {"expression": "true", "then": [inner]}
    outer = {"id": "s", "name": "S", "type": "condition", "condition": side}
    made = MadeRun(tmp_path).flow([{"id": "f", "name": "F", "type": "flow", "flow": {"key": "sub"}}])
    made.flow([outer], key="sub", defaultOnError={"strategy": "continue"})
    made.start("f", "flow").event("flow:start", flowKey="sub").start("s", "condition").start("s").after(21)
    made.end("s", 21, "failed").after(5).end("s", 21)
    made.event("flow:complete", flowKey="sub", durationMs=26).end("f", 26)
    shown = [(span.type, span.status) for span in made.assembled().trace.spans]
    assert shown == [("flow", "success"), ("condition", "success"), ("code", "error")]


def test_twins_in_step(tmp_path: Path) -> None:
    """All that follows can be told of either: the choice that was made first is the one to be made
    otherwise."""
    turns = {"condition": "true", "maxIterations": 4, "steps": [code("a"), code("b")]}
    f, g = ({"id": key, "name": key, "type": "flow", "flow": {"key": "sub"}} for key in "fg")
    later = {
        "id": "c",
        "name": "C",
        "type": "condition",
        "condition": {"expression": "$.input.x", "then": [f]},
    }
    made = MadeRun(tmp_path).flow([block(later, g)])
    made.flow([{"id": "w", "name": "W", "type": "while", "while": turns}], key="sub")
    made.start("p", "parallel").start("f", "flow")
    for ms in (1, 0):
        made.event("flow:start", flowKey="sub").start("w", "while").start("a").after(ms)
    for turn in range(4):
        made.after(0 if turn else 4).end("a", 4).start("b").end("a", 4).start("b").after(4)
        for _ in "fg":
            made.end("b", 4)
            if turn < 3:
                made.start("a")
        made.after(4 if turn < 3 else 0)
    made.end("w", 33).end("w", 32)
    for ms in (33, 32):
        made.event("flow:complete", flowKey="sub", durationMs=ms)
    made.end("f", 33).end("p", 33)
    children = success(33, {"conditionResult": True}), success(33, {"w": success(32)})
    made.results = {"f": success(33, {"w": success(33)}), "c": children[0], "g": children[1]}
    made.results["p"] = success(33, list(children))
    trace = made.assembled().trace
    assert not trace.run.partial
    assert {span.path: span.duration_ms for span in trace.spans if span.step_id == "w"} == {
        "made > p > c > f > w": 33,
        "made > p > g > w": 32,
    }


def test_an_attempt_whose_timer_was_late(tmp_path: Path) -> None:
    """What ended before the next attempt's first line was not late, though the delay before that was over."""
    loop = {"id": "l", "name": "L", "type": "loop", "loop": {"over": [1], "steps": [code("a")]}}
    loop |= {"timeoutMs": 5, "onError": {"strategy": "retry", "retries": 1, "retryDelayMs": 5}}
    made = MadeRun(tmp_path).flow([loop])
    made.start("l", "loop").start("a").after(6)
    made.event("step:retry", stepId="l", attempt=2, maxRetries=1, delayMs=5).after(20).end("a", 26)
    made.after(2).start("a").after(1).end("a", 1).event("step:retry-success", stepId="l", retries=1)
    made.end("l", 29, retries=1)
    assert not spans(made)["made > l[0] > a"].late


def test_a_host_that_stalls_for_longer_than_most(tmp_path: Path) -> None:
    """It is as late as its lines say, if these speak for no other step."""
    made = MadeRun(tmp_path).flow([at_a_time("l", code("a"), code("b"))])
    made.start("l", "loop").start("a").start("a").end("a").after(130).start("b").after(170).end("a").after(7)
    made.start("b").after(13).end("b", 190).after(20).end("b", 33).after(8).end("l", 348)
    trace = made.assembled().trace
    assert not trace.run.partial
    assert [span.duration_ms for span in trace.spans if span.step_id == "b"] == [190, 33]


def test_a_line_that_is_later_by_a_rounding_than_all_others(tmp_path: Path) -> None:
    """Of two that began 1 ms apart, the first: that no line tells of as much lateness is no contradiction."""
    call = {"id": "f", "name": "F", "type": "flow", "flow": {"key": "sub"}}
    inner = {"id": "x", "name": "X", "type": "condition", "condition": {"expression": "true"}}
    inner["condition"]["then"] = [code("y"), code("z")]
    made = MadeRun(tmp_path).flow([at_a_time("l", call)]).flow([inner], key="sub")
    made.start("l", "loop").start("f", "flow").start("f", "flow").after(2)
    made.event("flow:start", flowKey="sub").start("x", "condition").after(1).start("y")
    made.event("flow:start", flowKey="sub").start("x", "condition").start("y").after(8)
    made.end("y", 8).start("z").after(2).end("y", 10).start("z").after(23).end("z", 15)
    made.after(1).end("x", 24).event("flow:complete", flowKey="sub", durationMs=35).end("f", 37)
    made.after(4).end("z", 28).end("x", 38).event("flow:complete", flowKey="sub", durationMs=38).end("f", 41)
    made.end("l", 41)
    results = [
        {"f": success(f, {"y": success(y), "z": success(z), "x": success(x)})}
        for y, z, x, f in ((8, 15, 24, 37), (10, 28, 38, 41))
    ]
    made.results = {"l": {**success(41, [1, 1]), "response": {"items": [1, 1], "iterations": results}}}
    shown = spans(made)
    assert (shown["made > l[0] > f > x"].start_ms, shown["made > l[1] > f > x"].start_ms) == (2, 3)


def test_time_is_left_for_readings_in_which_times_fit_but_nearly(tmp_path: Path) -> None:
    """Concurrent flows whose skipped steps wait for the state to be saved: they end when all are done."""
    call = {"id": "f", "name": "F", "type": "flow", "flow": {"key": "sub"}}
    made = MadeRun(tmp_path).flow([at_a_time("l", code("a"), call, width=7)])
    made.flow([code("s", **{"if": "false"})], key="sub").start("l", "loop")
    for _ in range(7):
        made.start("a")
    for _ in range(7):
        made.after(4).end("a", 4).start("f", "flow")
    for _ in range(7):
        made.event("flow:start", flowKey="sub").start("s")
    for _ in range(7):
        made.after(8).end("s", None, "skipped")
    made.after(16)
    for _ in range(7):
        made.event("flow:complete", flowKey="sub", durationMs=72)
    for ms in (96, 92, 88, 84, 80, 76, 72):
        made.end("f", ms)
    made.end("l", 100)
    assert not made.assembled().trace.run.partial


def namesakes(tmp_path: Path, **handlings: dict) -> MadeRun:
    """Two sub-flows under way, both with a step `x`, in a run that is killed soon after."""
    calls = [{"id": key, "name": key, "type": "flow", "flow": {"key": f"sub-{key}"}} for key in handlings]
    made = MadeRun(tmp_path).flow([block(*calls)]).start("p", "parallel")
    for key, handling in handlings.items():
        made.flow([code("x", onError=handling)], key=f"sub-{key}")
        made.event("flow:start", flowKey=f"sub-{key}").start("x")
    made.status = "running"
    return made.after(2)


def again(retries: int, delay: int) -> dict:
    return {"strategy": "retry", "retries": retries, "retryDelayMs": delay}


@pytest.mark.parametrize(("strategy", "failed"), [("fail", "f"), ("retry", "g")])
def test_an_error_is_of_the_step_whose_file_has_its_strategy(
    tmp_path: Path, strategy: str, failed: str
) -> None:
    made = namesakes(tmp_path, f={"strategy": "fail"}, g=again(0, 7))
    shown = made.event("step:error", stepId="x", error="boom", strategy=strategy).assembled().trace.spans
    threw = [span.path for span in shown if span.step_id == "x" and span.status == "error"]
    assert threw == [f"made > p > {failed} > x"]


@pytest.mark.parametrize(("words", "tried"), [((2, 7), "f"), ((2, 9), "g"), ((1, 7), "h")])
def test_a_retry_is_of_the_step_whose_file_has_its_count_and_delay(
    tmp_path: Path, words: tuple[int, int], tried: str
) -> None:
    made = namesakes(tmp_path, f=again(2, 7), g=again(2, 9), h=again(1, 7))
    made.event("step:retry", stepId="x", attempt=2, maxRetries=words[0], delayMs=words[1])
    shown = made.after(2 * words[1]).event("step:page", stepId="x").assembled().trace.spans
    assert [span.path for span in shown if span.attempts == 2] == [f"made > p > {tried} > x"]


def test_what_is_tried_again_beside_what_threw_in_silence(tmp_path: Path) -> None:
    """The block it is in was over by then, and its flow went on."""
    inner = block(code("a"), code("b", onError=again(1, 0)), onError={"strategy": "continue"})
    made = MadeRun(tmp_path).flow([block({**inner, "id": "q"}, code("c")), code("z")])
    made.start("p", "parallel").after(1).end("p", 1).start("z").after(4)
    made.event("step:retry", stepId="b", attempt=2, maxRetries=1, delayMs=0).after(6)
    made.event("step:retry-success", stepId="b", retries=1).end("z", 10)
    shown = spans(made)["made > p > q > b"]
    assert (shown.attempts, shown.status) == (2, "success")


@pytest.mark.parametrize("retried", [False, True])
def test_what_begins_beside_what_threw_in_silence(tmp_path: Path, retried: bool) -> None:
    """Its block was over by then, in a run that was killed before the state could tell that it had failed."""
    turns = {"id": "l", "name": "L", "type": "loop", "loop": {"over": "$.input.xs", "steps": [code("x")]}}
    rest = {**block(code("d"), turns), "id": "r"}
    rest["parallel"]["maxConcurrency"] = 1
    inner = block(code("a"), {**turns, "onError": again(1, 5)} if retried else rest)
    made = MadeRun(tmp_path).flow(
        [block({**inner, "id": "q", "onError": {"strategy": "continue"}}), code("z")]
    )
    made.start("p", "parallel")
    if retried:
        made.start("x").after(1).event("step:error", stepId="x", error="boom", strategy="fail")
        made.event("step:retry", stepId="l", attempt=2, maxRetries=1, delayMs=5)
    made.after(3).end("p", 4 if retried else 3).start("z").after(3).start("x").after(2).end("x", 2)
    made.status = "running"
    trace = made.assembled().trace
    assert not trace.run.partial
    path = "made > p > q > l#2[0] > x" if retried else "made > p > q > r > l[0] > x"
    assert trace.spans[-1].path == path


def test_what_a_loop_left_behind_is_not_looked_through_in_each_turn(tmp_path: Path) -> None:
    """Twice the turns take twice as many steps of the program."""

    def steps(turns: int) -> int:
        inner = block(code("a"), code("b", onError=again(2, 1)), onError={"strategy": "continue"})
        loop = {"over": "$.input.xs", "steps": [block({**inner, "id": "q"})]}
        made = MadeRun(tmp_path / str(turns)).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}])
        made.start("l", "loop")
        for turn in range(turns):
            made.start("p", "parallel").after(1)
            if turn % 2:
                made.event("step:retry", stepId="b", attempt=2, maxRetries=2, delayMs=1).after(3)
                made.event("step:retry-success", stepId="b", retries=1)
            made.end("p", 4 if turn % 2 else 1)
        made.status = "running"
        return lines_run(made.assembled)

    assert 0 < steps(200) <= 2.2 * steps(100)


def lines_run(called: Callable[[], object]) -> int:
    """How many lines of Python a call runs."""
    count = 0

    def traced(_frame: FrameType, event: str, _of: object) -> Callable[..., Any]:
        nonlocal count
        count += event == "line"
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        called()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("case", sorted(path.name for path in RANDOM.iterdir() if path.is_dir()))
def test_a_reading_is_found_of_a_random_run(case: str, tmp_path: Path) -> None:
    (files,) = lay_out(case, tmp_path, RANDOM)
    trace = assemble(read(files)).trace
    assert [fault for fault in trace.run.partial or () if fault.startswith("no reading")] == []


def test_what_goes_on_in_two_that_were_timed_out_may_be_each_other_s(tmp_path: Path) -> None:
    """By times, each of the two could have gone on with either; which one did, the run itself said."""
    (files,) = lay_out("what-goes-on-in-two-that-were-timed-out", tmp_path, RANDOM)
    inside = [span for span in assemble(read(files)).trace.spans if span.path.endswith("> s11 > s9 > s1")]
    assert ["iteration" in span.derived for span in inside] == [True, True, False]
