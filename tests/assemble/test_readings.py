"""What the engine makes of records whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from one_trace.assemble import assemble
from one_trace.assemble.ground.stored import Stored
from one_trace.assemble.reading.leaves import Leaves
from one_trace.assemble.search.readings import Reading
from one_trace.record.files import discover
from one_trace.record.reading import read
from tests.assemble.compare import differences
from tests.assemble.recorded import MadeRun, cases, code, lay_out
from tests.assemble.score import scored
from tests.bench.records import write_nested
from tests.effort import effort
from tests.oracle.hostile import hostile_run
from tests.true_tree import Behaviour
from tests.truth import run_for_truth


@pytest.mark.program
@pytest.mark.parametrize("kind", ["trouble", "wide", "killed"])
def test_random_runs_are_right(kind: str) -> None:
    for seed in range(93_000_000, 93_000_008):
        with hostile_run(kind, seed) as made:
            if made is not None:
                assert scored(made, f"{kind} {seed}")["right"] == 1


@pytest.mark.program
def test_what_a_failed_loop_has_joined_last_may_be_of_any_iteration() -> None:
    """The state still has the iterations of the time before."""
    with hostile_run("resumed", 80_001_047) as made:
        assert made is not None
        assert scored(made, "resumed 80001047")["right"] == 1


def test_what_runs_alone_goes_on_as_where_each_end_is_weighed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(case, run) for case in cases() for run in lay_out(case, tmp_path / case)][:: effort(3, 1)]
    plain = [assemble(read(run)).trace for _, run in found]
    monkeypatch.setattr(Leaves, "_goes_on_alone", lambda *_: False)
    for (case, run_files), trace in zip(found, plain, strict=True):
        assert assemble(read(run_files)).trace == trace, case


def test_sub_flows_may_nest_without_limit(tmp_path: Path) -> None:
    write_nested(tmp_path, 1500, "success")
    (files,) = discover([tmp_path])[0]
    trace = assemble(read(files)).trace
    assert (len(trace.spans), trace.run.partial or []) == (1500, [])


@pytest.mark.program
def test_a_flow_s_last_line_says_how_long_it_was(tmp_path: Path) -> None:
    """Two are called a millisecond apart; neither the line of the step that throws nor that of its call says
    when it began."""
    turns = {
        "over": [1, 2],
        "as": "x",
        "maxConcurrency": 2,
        "steps": [code("a"), {"id": "call", "name": "call", "type": "flow", "flow": {"key": "sub"}}],
    }
    flows = {
        "main": {
            "key": "main",
            "inputs": {},
            "steps": [{"id": "l", "name": "L", "type": "loop", "loop": turns}],
        },
        "sub": {"key": "sub", "inputs": {}, "steps": [code("s")]},
    }

    def behaviour(step: dict[str, Any], before: int, attempt: int) -> Behaviour:
        threw = step["id"] == "s" and before == 1
        return Behaviour(
            10 + before if step["id"] == "a" else 5 if threw else 50, error="no" if threw else None
        )

    files, truth = run_for_truth(tmp_path, flows, "main", behaviour=behaviour)
    trace = assemble(read(files)).trace
    assert differences(truth, trace) == []
    threw = [span for span in trace.spans if span.step_id == "s" and span.status == "error"]
    assert [(span.start_ms, span.duration_ms) for span in threw] == [(11, 5)]


def test_long_outputs_in_two_places_are_the_same() -> None:
    """However they are indented; beyond some length they are taken to be."""
    stored = Stored(None, keeps=True)
    one, other = (Raw(json.dumps(["x" * 3000, number]).encode()) for number in (1, 2))
    assert stored.is_same(one, Raw(json.dumps(["x" * 3000, 1], indent=2).encode()))
    assert not stored.is_same(one, other)
    assert stored.is_same(Raw(b"1" * 20_000), Raw(b"2" * 20_000))


def test_a_state_that_is_later_than_its_log_contradicts_nothing(tmp_path: Path) -> None:
    """No other reading is looked for."""
    turns = {"over": "$.input.xs", "steps": [code("a")]}
    made = MadeRun(tmp_path).flow([{"id": "l", "name": "L", "type": "loop", "loop": turns}])
    made.start("l", "loop")
    for ms in (3, 4):
        made.start("a").after(ms).end("a", ms)
    made.results = {"a": {"status": "success", "output": 1, "durationMs": 5}}
    readings: list[Reading] = []
    assemble(read(made.write()), tell=readings.append)
    (reading,) = readings
    assert (reading.conflict, reading.runs) == (None, 1)


def test_what_is_over_at_once_is_so_before_others_that_had_waited(tmp_path: Path) -> None:
    """The third began a ms later and took no time; that two ends come before its own says that it had waited
    as well."""
    loop = {"over": [1, 2, 3], "maxConcurrency": 3, "steps": [code("a"), code("b")]}
    made = MadeRun(tmp_path).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}, code("z")])
    made.start("l", "loop").start("a").start("a").after(1).start("a")
    for ms in (1, 1, 0):
        made.end("a", ms).start("b")
    made.after(4).end("b", 4).after(1).end("b", 5).after(1).end("b", 6).end("l", 7)
    trace = assemble(read(made.start("z").after(9).end("z", 4).write())).trace
    assert [span.duration_ms for span in trace.spans if span.step_id == "a"] == [1, 1, 0]


def test_a_silent_step_that_the_state_says_ended_was_not_timed_out(tmp_path: Path) -> None:
    """A busy thread: the time-out of 30 ms was late, and the step ended at 31 ms before it."""
    steps = [code("s", timeoutMs=30, onError={"strategy": "continue"}), code("t")]
    made = MadeRun(tmp_path).flow(
        [{"id": "p", "name": "P", "type": "parallel", "parallel": {"steps": steps}}]
    )
    made.start("p", "parallel").after(31).end("p", 31)
    done = [{"status": "success", "output": 1, "response": 1, "durationMs": ms} for ms in (31, 3)]
    whole = {"status": "success", "output": done, "response": done, "durationMs": 31}
    made.results = {"s": done[0], "t": done[1], "p": whole}
    spans = {span.step_id: span for span in assemble(read(made.write())).trace.spans}
    assert (spans["s"].status, spans["s"].duration_ms) == ("success", 31)


def test_a_transform_waits_for_nothing_however_long_node_compiles_it(tmp_path: Path) -> None:
    """Both were over before the step after the first of them was."""
    first = {"id": "t", "name": "T", "type": "transform", "transform": {"expression": "1"}}
    steps = [first, code("c", **{"if": "false"})]
    loop = {"over": [1, 2], "maxConcurrency": 2, "steps": steps}
    made = MadeRun(tmp_path).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}])
    made.start("l", "loop").after(1).start("t", "transform").after(1).start("t", "transform")
    made.end("t", 1).start("c").after(9).end("t", 0).start("c")
    made.end("c", None, "skipped").end("c", None, "skipped").after(1).end("l", 12)
    trace = assemble(read(made.event("flow:complete", flowKey="made", durationMs=12).write())).trace
    assert not trace.run.partial
    spans = {span.path: (span.status, span.duration_ms) for span in trace.spans}
    assert spans["made > l[0] > t"] == ("success", 1)
    assert spans["made > l[1] > t"] == ("success", 0)


def test_what_began_in_the_last_ms_may_be_what_took_no_time(tmp_path: Path) -> None:
    """The first one's clock may have started a ms after its line: the two may be each other's."""
    loop = {"over": [1, 2], "maxConcurrency": 2, "steps": [code("a"), code("b")]}
    made = MadeRun(tmp_path).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}])
    made.start("l", "loop").start("a").after(1).start("a").end("a", 0).start("b")
    made.after(9).end("a", 9).start("b").after(4).end("b", 13).after(2).end("b", 6).end("l", 16)
    trace = assemble(read(made.event("flow:complete", flowKey="made", durationMs=16).write())).trace
    assert not trace.run.partial
    assert all("iteration" in span.derived for span in trace.spans if span.step_id in ("a", "b"))
