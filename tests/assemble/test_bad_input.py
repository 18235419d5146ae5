"""Bad input of every kind that a run can leave behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from one_trace.assemble import assemble
from one_trace.errors import RecordError
from one_trace.model.trace import encode
from one_trace.record.reading import read
from one_trace.view.header import header
from one_trace.view.style import Style
from tests.assemble.damage import check
from tests.assemble.recorded import MadeRun, code, lay_out
from tests.effort import effort

ODD_IDS = [
    "a.b",
    "a b",
    "a/b",
    "__proto__",
    "constructor",
    "😀",
    "x" * 2000,
    "\u2028",
    "9",
    "a > b",
    "[0]",
    "\x1b[31m",
    "é",
]


@pytest.mark.parametrize(
    "state", [b"", b"  \n", b"[]", b"null", b"not json", b'{"runId":"0123456789ab"', b"\xff\xfe"]
)
def test_a_state_that_is_none(state: bytes, tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")]).start("a").after(7).end("a", 7)
    trace = made.assembled(state=state).trace
    assert [(span.path, span.status, span.duration_ms) for span in trace.spans] == [
        ("made > a", "success", 7)
    ]
    assert trace.run.status == "incomplete"
    assert trace.run.partial is not UNSET


def test_a_state_of_another_flow_is_not_believed(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")]).start("a").after(7).end("a", 7)
    made.results = {"a": {"status": "success", "output": "secret", "durationMs": 7}}
    other = json.dumps(made.state(flowKey="other")).encode()
    trace = made.assembled(state=other).trace
    assert trace.spans[0].output_bytes is None
    assert any("another run" in fault for fault in trace.run.partial or [])


def test_neither_log_nor_state(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")])
    files = made.write(log=b"", state=b"")
    with pytest.raises(RecordError, match="0123456789ab"):
        read(files)


def test_a_flow_file_that_is_gone_leaves_its_steps_flat(tmp_path: Path) -> None:
    (files,) = lay_out("06-loop-seq", tmp_path)
    (tmp_path / ".one/flows/loop-seq/flow.json").unlink()
    trace = assemble(read(files)).trace
    assert len(trace.spans) == 8
    assert {span.parent_span_id for span in trace.spans} == {None}
    assert all({"path", "index"} <= set(span.derived) for span in trace.spans)
    assert [span.index for span in trace.spans] == list(range(8))
    assert any("flow file" in fault for fault in trace.run.partial or [])


def test_a_sub_flow_file_that_is_gone(tmp_path: Path) -> None:
    (files,) = lay_out("14-subflow", tmp_path)
    (tmp_path / ".one/flows/sub-leaf/flow.json").unlink()
    trace = assemble(read(files)).trace
    call = next(span for span in trace.spans if span.type == "flow")
    inside = [span for span in trace.spans if span.parent_span_id == call.span_id]
    assert inside
    assert all(span.flow_key == "sub-leaf" and "path" in span.derived for span in inside)


def test_a_step_that_the_file_no_longer_has(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a"), code("c")])
    made.start("a").after(1).end("a", 1).start("b").after(1).end("b", 1).start("c").after(1).end("c", 1)
    spans = {span.step_id: span for span in made.assembled().trace.spans}
    assert list(spans) == ["a", "b", "c"]
    assert "path" in spans["b"].derived
    assert spans["c"].derived == ["inputBytes"]


def test_a_flow_that_became_another(tmp_path: Path) -> None:
    (files,) = lay_out("18-three-level", tmp_path)
    (tmp_path / ".one/flows/lvl-two/flow.json").write_text(
        '{"key":"lvl-two","name":"x","inputs":{},"steps":[]}'
    )
    trace = assemble(read(files)).trace
    assert trace.run.status == "success"
    assert len(trace.spans) > 3
    assert trace.run.partial is not UNSET


@pytest.mark.parametrize("step", ODD_IDS)
def test_odd_ids(step: str, tmp_path: Path) -> None:
    loop = {"over": "$.input.x", "as": "it", "steps": [code(step)]}
    made = MadeRun(tmp_path).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}, code(f"{step}2")])
    made.start("l", "loop")
    for _ in range(2):
        made.start(step).after(3).end(step, 3)
    made.end("l", 6).start(f"{step}2").end(f"{step}2", 0)
    paths = [span.path for span in made.assembled().trace.spans]
    assert paths == ["made > l", f"made > l[0] > {step}", f"made > l[1] > {step}", f"made > {step}2"]


def test_ids_that_are_numbers_in_a_sub_flow(tmp_path: Path) -> None:
    """It is not validated, and the host writes them into its log as they are."""
    made = MadeRun(tmp_path).flow([{"id": "c", "name": "C", "type": "flow", "flow": {"key": "sub"}}])
    inner = {"over": "$.input.x", "as": "it", "steps": [code("a") | {"id": 1.5, "name": 2}]}
    made.flow([code("x") | {"id": 7}, {"id": -1, "name": "L", "type": "loop", "loop": inner}], key="sub")
    made.start("c", "flow").event("flow:start", flowKey="sub")
    made.start("x").after(3).end("x", 3).start("y", "loop")
    for _ in range(2):
        made.start("z").after(2).end("z", 2)
    made.end("y", 4).event("flow:complete", flowKey="sub").end("c", 7)
    for line in made.lines:
        line |= {"stepId": {"x": 7, "y": -1, "z": 1.5}.get(line.get("stepId"), line.get("stepId"))}
    trace = made.assembled().trace
    assert [(span.path, span.name, span.status, span.duration_ms) for span in trace.spans] == [
        ("made > c", "C", "success", 7),
        ("made > c > 7", "X", "success", 3),
        ("made > c > -1", "L", "success", 4),
        ("made > c > -1[0] > 1.5", "2", "success", 2),
        ("made > c > -1[1] > 1.5", "2", "success", 2),
    ]
    assert not any("path" in span.derived for span in trace.spans)


def test_events_and_fields_of_another_version(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")]).event("step:thought", stepId="a", wisdom=[1])
    made.start("a").event("step:progress", stepId="a", percent=50).after(2)
    made.lines[-1]["durationMs"] = "soon"
    made.end("a", 2, shiny=True)
    made.event("step:progress", stepId="a", secret="hidden").event("step:mock", stepId="a")
    trace = made.assembled().trace
    (span,) = trace.spans
    assert (span.status, span.duration_ms) == ("success", 2)
    assert trace.run.other_events == {"step:thought": 1, "step:progress": 2}
    page = "\n".join(header(trace.run, 80, Style(color=False, unicode=True)))
    assert "events not known  step:thought: 1\n" in page
    assert trace.run.other_fields == {"step:complete": ["shiny"]}
    assert page.endswith("fields not known  step:complete: shiny")
    assert "hidden" not in page + encode(trace).decode()


def test_events_that_are_known_are_not_other_events(tmp_path: Path) -> None:
    for case in ("40-mock-action", "41-dry-run", "53c-action-429", "45-stop-after-subflow-id"):
        for files in lay_out(case, tmp_path / case):
            run = assemble(read(files)).trace.run
            assert (run.other_events, run.other_fields) == (UNSET, UNSET)


def test_kinds_of_events_without_end_are_bounded(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")])
    for number in range(500):
        made.event(f"odd:{number}" + "x" * 500)
    others = made.assembled().trace.run.other_events
    assert others is not UNSET
    assert len(others) == 50
    assert max(map(len, others)) == 80


def test_names_of_fields_are_bounded_and_safe_to_print(tmp_path: Path) -> None:
    odd = {f"{number}\x1b[31m\ud800" + "x" * 500: "hidden" for number in range(500)}
    made = MadeRun(tmp_path).flow([code("a")]).start("a").end("a", 2, **odd).event("step:start", late=1)
    log = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in made.lines)
    trace = made.assembled(log=log.encode()).trace
    assert isinstance(trace.run.other_fields, dict)
    (names,) = trace.run.other_fields.values()
    assert (len(names), max(map(len, names))) == (20, 80)
    page = "\n".join(header(trace.run, 80, Style(color=False, unicode=True)))
    assert "\x1b" not in page
    assert "hidden" not in page + encode(trace).decode()


@pytest.mark.parametrize(
    "first", [b'{"event":"step:start"', b'{"x":{"event":"step:start"},"event":"flow:start"}']
)
def test_a_first_line_that_is_none_names_no_fields(first: bytes, tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")]).start("a").end("a", 2)
    files = made.write()
    assert files.log is not None
    files.log.write_bytes(first + b"\n" + files.log.read_bytes())
    assert assemble(read(files)).trace.run.other_fields in (UNSET, {"flow:start": ["x"]})


def test_an_end_of_another_version_is_named(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")]).start("a").after(2).end("a", 2, status="cached")
    trace = made.assembled().trace
    assert trace.run.partial == ["the step 'a' has ended in a way not known: 'cached'"]


def test_a_save_that_failed_where_a_later_step_runs_already(tmp_path: Path) -> None:
    loop = {"over": "$.input.x", "as": "it", "maxConcurrency": 2, "steps": [code("a"), code("b"), code("c")]}
    made = MadeRun(tmp_path).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}])
    made.start("l", "loop").start("a").start("a").after(5).end("a", 5)
    made.start("b").start("c").end("b", 0).event("step:error", stepId="b", error="boom").end("c", 0)
    statuses = {span.path: span.status for span in made.assembled().trace.spans}
    assert statuses["made > l[0] > b"] == "error"
    assert statuses["made > l[0] > c"] == "success"


def test_a_lone_surrogate_anywhere(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")]).start("a").after(1).end("a", 1)
    made.results = {"a": {"status": "success", "output": "\ud800x", "durationMs": 1}}
    state = json.dumps(made.state(), indent=2).encode()
    made.log("Flow failed", error="bad \udc00 text")
    text = "".join(json.dumps(line) + "\n" for line in made.lines).encode()
    trace = made.assembled(state=state, log=text).trace
    assert trace.spans[0].output_bytes == len(b'"\\ud800x"')
    assert trace.run.status == "error"


def loop_over_much(made: MadeRun, size: int) -> None:
    made.flow([{"id": "l", "name": "L", "type": "loop", "loop": {"over": "$.input.x", "steps": [code("a")]}}])
    made.start("l", "loop").start("a").end("a").end("l")
    inner = {"a": {"status": "success", "output": [{"k": "v" * 40}] * (size // 120), "durationMs": 0}}
    response = {"items": [1], "iterations": [inner]}
    made.results = {"l": {"status": "success", "output": [1], "response": response, "durationMs": 0}}


def bash_of(made: MadeRun, output: object, response: object) -> None:
    made.flow([{"id": "b", "name": "B", "type": "bash", "bash": {"command": "x"}}]).start("b", "bash").end(
        "b"
    )
    made.results = {"b": {"status": "success", "output": output, "response": response, "durationMs": 0}}


def two_steps(made: MadeRun, size: int) -> None:
    made.flow([code("a"), code("b")]).start("a").end("a").start("b").end("b")
    text, many = "x" * (size // 2), [{"k": ["y" * 900]}] * (size // 2000)
    made.results = {
        "a": {"status": "success", "output": text, "durationMs": 0},
        "b": {"status": "success", "output": many, "durationMs": 0},
    }


def small_values(made: MadeRun, size: int) -> None:
    read_again = code("b", code={"source": "return $.steps.a.output"})
    made.flow([code("a"), read_again]).start("a").end("a").start("b").end("b")
    many = [{"k": "v", "n": number} for number in range(size // 60)]
    made.results = {"a": {"status": "success", "output": many, "durationMs": 0}}


LARGE_STATES: dict[str, Callable[[MadeRun, int], None]] = {
    "two steps": two_steps,
    "small values": small_values,
    "one iteration": loop_over_much,
    "small values of bash": lambda made, size: bash_of(made, [["usage", "result"]] * (size // 40), {}),
    "what bash printed": lambda made, size: bash_of(made, "", {"stdout": "usage result" * (size // 12)}),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the peak of one process alone")
@pytest.mark.parametrize("kind", LARGE_STATES)
@pytest.mark.program
def test_a_large_state_costs_no_more_than_its_size(kind: str, tmp_path: Path) -> None:
    """The peak is the kernel's VmHWM: what getrusage tells begins with what the process weighed that forked
    this one."""
    made = MadeRun(tmp_path)
    LARGE_STATES[kind](made, effort(20_000_000, 60_000_000))
    files = made.write()
    assert files.state is not None
    size = files.state.stat().st_size
    program = (
        "import sys; from pathlib import Path\n"
        "from one_trace.record.files import discover\n"
        "from one_trace.record.reading import read\n"
        "from one_trace.assemble import assemble\n"
        "def peak():\n"
        "    words = Path('/proc/self/status').read_text().split()\n"
        "    return int(words[words.index('VmHWM:') + 1]) * 1024\n"
        "before = peak()\n"
        "trace = assemble(read(discover([Path(sys.argv[1])])[0][0])).trace\n"
        "print(peak() - before, *(span.output_bytes for span in trace.spans))\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(root)},
    )
    grown, *sizes = done.stdout.decode().split()
    results: dict[str, Any] = made.results
    outputs = [json.dumps(result["output"], separators=(",", ":")) for result in results.values()]
    assert sizes[: len(outputs)] == [str(len(output)) for output in outputs]
    assert 0.9 * size < int(grown) < 1.3 * size


@pytest.mark.parametrize("odd", [{"a": 1}, ["a"], 5, None, True])
def test_a_resumed_run_of_a_step_whose_id_is_no_text(odd: object, tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a"), {**code("b"), "id": odd}, code("c")]).start("a").end("a")
    made.log("Flow resumed", flowKey="made", runId=made.run_id)
    made.event("flow:start", flowKey="made", totalSteps=3, timestamp=made.time).start("c").end("c")
    trace = made.assembled().trace
    check(trace)
    assert {"a", "c"} <= {span.step_id for span in trace.spans}
