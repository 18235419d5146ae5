"""A clock that is set while a run runs: durations stay true, nothing is negative, and the trace says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from one_trace.assemble import assemble
from one_trace.engine.loop import Clock
from one_trace.model.trace import Trace
from one_trace.record.files import RunFiles
from one_trace.record.reading import read
from tests.assemble.clocks import assert_forward, rows, set_clock, written
from tests.assemble.recorded import MadeRun, cases, code, lay_out

SMALL = 60_000
"""Bytes of a log: the properties ask many questions of each."""
WENT_BACK = "the clock went back by 3.0 s during the run: later times are corrected"


@pytest.fixture(scope="session")
def recorded_runs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[RunFiles, bytes]]:
    runs = [run for case in cases() for run in lay_out(case, tmp_path_factory.mktemp("case"))]
    logs = [(run, run.log.read_bytes()) for run in runs if run.log is not None]
    return [(run, log) for run, log in logs if len(log) <= SMALL]


def traced(run: RunFiles, log: bytes) -> Trace:
    assert run.log is not None
    run.log.write_bytes(log)
    return assemble(read(run)).trace


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_form_of_a_trace_goes_back_wherever_and_however_the_clock_was_set(
    recorded_runs: list[tuple[RunFiles, bytes]], data: st.DataObject
) -> None:
    run, log = data.draw(st.sampled_from(recorded_runs))
    lines = rows(log)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        by = data.draw(st.integers(-5000, 5000) | st.sampled_from([-86_400_000, -3_600_000, 3_600_000]))
        stamps, durations = data.draw(st.booleans()), data.draw(st.booleans())
        lines = set_clock(lines, at, by, stamps=stamps, durations=durations)
    assert_forward(traced(run, written(lines)))
    run.log.write_bytes(log)  # type: ignore[union-attr]


@pytest.mark.parametrize("case", ["02-linear-unicode", "06-loop-seq", "14-subflow", "31b-default-retry"])
def test_what_was_measured_across_the_setting_makes_all_times_right_again(case: str, tmp_path: Path) -> None:
    (run,) = lay_out(case, tmp_path)
    log = run.log.read_bytes()  # type: ignore[union-attr]
    whole = traced(run, log)
    for at in range(1, len(rows(log))):
        trace = traced(run, written(set_clock(rows(log), at, -3000)))
        assert_forward(trace)
        assert trace.run.partial == [WENT_BACK]
        assert [span.path for span in trace.spans] == [span.path for span in whole.spans]
        for span, before in zip(trace.spans, whole.spans, strict=True):
            assert (span.status, span.duration_ms) == (before.status, before.duration_ms)
            assert span.start_ms == pytest.approx(before.start_ms, abs=20)
            assert span.output_bytes == before.output_bytes


def made(folder: Path) -> MadeRun:
    return MadeRun(folder).flow([code("a"), code("b"), code("c")])


def test_a_duration_measured_by_the_clock_that_was_set_is_set_right_and_keeps_its_result(
    tmp_path: Path,
) -> None:
    run = made(tmp_path)
    run.start("a").after(5).end("a", 5).start("b").after(-2800).end("b", -2800).start("c").after(7).end(
        "c", 7
    )
    run.event("flow:complete", flowKey="made", status="success", durationMs=-2788)
    run.log("Flow completed", status="success")
    output = {"much": "x" * 50}
    run.results |= {
        "a": {"status": "success", "output": 1, "durationMs": 5},
        "b": {"status": "success", "output": output, "durationMs": -2800},
        "c": {"status": "success", "output": 1, "durationMs": 7},
    }
    trace = run.assembled().trace
    assert_forward(trace)
    assert [(span.step_id, span.start_ms, span.duration_ms) for span in trace.spans] == [
        ("a", 0, 5),
        ("b", 5, 0),
        ("c", 5, 7),
    ]
    assert trace.spans[1].output_bytes == len(json.dumps(output, separators=(",", ":")))
    assert trace.run.partial == ["the clock went back by 2.8 s during the run: later times are corrected"]


def test_a_step_that_throws_across_the_setting_lasts_no_negative_time(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.start("a").after(5).end("a", 5).start("b").after(-3001)
    run.event("step:error", stepId="b", error="no", strategy="fail")
    run.log("Flow failed", error="no")
    run.status = "failed"
    trace = run.assembled().trace
    assert_forward(trace)
    assert (trace.spans[1].status, trace.spans[1].duration_ms, trace.run.duration_ms) == ("error", 0, 5)


def test_a_silent_child_that_the_setting_made_negative_is_set_right(tmp_path: Path) -> None:
    block = {"id": "p", "name": "P", "type": "parallel", "parallel": {"steps": [code("x"), code("y")]}}
    run = MadeRun(tmp_path).flow([block])
    run.start("p", "parallel").after(-2900).end("p", -2900)
    children = [
        {"status": "success", "output": 1, "durationMs": 40},
        {"status": "success", "output": 2, "durationMs": -2900},
    ]
    run.results["p"] = {"status": "success", "output": children, "durationMs": -2900}
    trace = run.assembled().trace
    assert_forward(trace)
    assert [span.path for span in trace.spans] == ["made > p", "made > p > x", "made > p > y"]


def test_what_ended_in_a_block_across_the_setting_keeps_its_time_and_its_result(tmp_path: Path) -> None:
    block = {"id": "p", "name": "P", "type": "parallel", "parallel": {"steps": [code("x"), code("y")]}}
    run = MadeRun(tmp_path).flow([block, code("z")])
    run.start("p", "parallel").after(-2300).end("p", -2300).start("z").after(5).end("z", 5)
    children = [
        {"status": "success", "output": "long", "durationMs": -2301},
        {"status": "success", "output": "short", "durationMs": 302},
    ]
    run.results |= {"x": children[0], "y": children[1]}
    run.results["p"] = {"status": "success", "output": children, "durationMs": -2300}
    trace = run.assembled().trace
    assert_forward(trace)
    shown = [(span.step_id, span.start_ms, span.duration_ms, span.output_bytes) for span in trace.spans]
    assert shown[0][:3] == ("p", 0, 302)
    assert shown[1][:2] == ("x", 0)
    assert shown[2:] == [("y", 0, 302, 7), ("z", 302, 5, None)]
    assert "durationMs" in trace.spans[0].derived


def test_a_resume_that_begins_earlier_by_the_clock_comes_after_the_first_go(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.start("a").after(5).end("a", 5).start("b").after(4)
    run.event("step:error", stepId="b", error="no", strategy="fail").log("Flow failed", error="no")
    run.after(-7_200_000).log("Flow resumed", flowKey="made", runId=run.run_id)
    run.event("flow:start", flowKey="made", totalSteps=3, timestamp=run.time)
    run.start("b").after(3).end("b", 3).start("c").after(2).end("c", 2)
    run.log("Flow completed after resume", status="success")
    trace = run.assembled().trace
    assert_forward(trace)
    assert [span.path for span in trace.spans] == ["made > a", "made > b", "made#2 > b", "made#2 > c"]
    assert trace.run.duration_ms == 5 + 4 + 3 + 2
    assert trace.run.partial == ["the clock went back by 2.0 h during the run: later times are corrected"]


def test_a_first_line_before_the_start_of_the_state_is_the_runs_start(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.start("a").after(5).end("a", 5)
    state = json.dumps(run.state(startedAt="2026-11-22T15:28:16.788Z")).encode()
    trace = run.assembled(state=state).trace
    assert_forward(trace)
    assert (trace.run.started_at, trace.spans[0].start_ms) == ("2026-11-22T15:28:16.788Z", 0)
    assert trace.run.partial == ["the clock went back by 60.0 s during the run: later times are corrected"]


def test_a_log_whose_clock_is_another_than_its_steps_has_their_times(tmp_path: Path) -> None:
    run = made(tmp_path).start("a").after(5).end("a", 5)
    run.lines = [{**line, "ts": line["ts"].replace("T15:", "T16:")} for line in run.lines]
    trace = run.assembled().trace
    assert_forward(trace)
    assert (trace.spans[0].start_ms, trace.spans[0].duration_ms) == (0, 5)
    assert trace.run.partial == ["the log's clock is 60.0 min ahead of the steps' clock, which is used"]


def test_starts_of_a_clock_of_their_own_are_those_of_the_log(tmp_path: Path) -> None:
    run = made(tmp_path).start("a").after(5).end("a", 5).start("b").after(6).end("b", 6)
    run.lines[-2]["timestamp"] = "2026-11-22T17:00:00.000Z"
    trace = run.assembled().trace
    assert_forward(trace)
    assert (trace.spans[1].start_ms, trace.spans[1].duration_ms) == (5, 6)
    assert trace.run.partial == ["1 step starts outside the log times around it: the log times are used"]


@pytest.mark.parametrize("wrong", ["1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_a_single_absurd_time_moves_nothing_but_itself(wrong: str, tmp_path: Path) -> None:
    run = made(tmp_path).start("a").after(5).end("a", 5).start("b").after(6).end("b", 6).start("c")
    run.lines[4]["ts"] = run.lines[4]["timestamp"] = wrong
    trace = run.assembled().trace
    assert_forward(trace)
    assert [span.start_ms for span in trace.spans] == [0, 5, 11]
    assert trace.run.partial == ["a log line ('step:start') has a time far from those around it"]


@pytest.mark.parametrize("wrong", ["1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_an_absurd_first_time_does_not_make_the_run_last_for_decades(wrong: str, tmp_path: Path) -> None:
    run = made(tmp_path).start("a").after(5).end("a", 5).log("Flow completed", status="success")
    run.lines[0]["ts"] = wrong
    trace = run.assembled().trace
    assert_forward(trace)
    assert (trace.run.started_at[:10], trace.run.duration_ms) == ("2026-11-22", 5)
    assert trace.run.partial == ["a log line ('Flow started') has a time far from those around it"]


def test_rounding_of_a_clock_is_not_named(tmp_path: Path) -> None:
    run = made(tmp_path).start("a").after(5).end("a", 5).after(-3).start("b").after(6).end("b", 6)
    trace = run.assembled().trace
    assert_forward(trace)
    assert not trace.run.partial


@pytest.mark.parametrize("state", [True, False], ids=["with a state", "without"])
def test_an_unreadable_first_time_is_the_next_that_can_be_read(state: bool, tmp_path: Path) -> None:
    run = made(tmp_path).start("a").after(5).end("a", 5).log("Flow completed", status="success")
    run.lines[0]["ts"] = "yesterday"
    trace = run.assembled(**({} if state else {"state": b""})).trace
    assert_forward(trace)
    assert (trace.run.started_at[:10], trace.run.duration_ms) == ("2026-11-22", 5)


def test_without_any_time_a_run_has_that_of_its_state(tmp_path: Path) -> None:
    run = made(tmp_path).start("a").after(5).end("a", 5).log("Flow completed", status="success")
    run.lines = [{**line, "ts": "?"} for line in run.lines]
    trace = run.assembled().trace
    assert_forward(trace)
    assert (trace.run.started_at, trace.run.duration_ms) == ("2026-11-22T15:27:16.788Z", 0)


def test_the_built_in_runners_clock_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10_000, 10_500, 7_500, 7_600, 20_000]
    monkeypatch.setattr("time.time_ns", lambda: now.pop(0) * 1_000_000)
    clock = Clock()
    assert [clock.now_ms() for _ in range(5)] == [10_000, 10_500, 10_500, 10_600, 23_000]
