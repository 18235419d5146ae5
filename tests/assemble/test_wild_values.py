"""Values in log, state and flow files that no executor means, but a damaged or hostile record may have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from one_trace.assemble.sizes.inputs import _strings
from one_trace.export.formats import FORMATS
from one_trace.model.trace import Assembly, Trace
from one_trace.record.flows import DEPTH_LIMIT, read_flow
from one_trace.record.reading import read
from one_trace.store import Store
from one_trace.view.tree import render
from tests.assemble.damage import assembled, check
from tests.assemble.recorded import MadeRun, code

NUMBERS = ["1e308", "-1e308", "1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 60, "-1", str(2**63), "0.5"]


def shown_everywhere(trace: Trace | None, folder: Path) -> Trace:
    """It can be stored, drawn and exported, whatever it is."""
    assert trace is not None
    check(trace)
    with Store(folder / "store.db") as store:
        store.save(Assembly(trace=trace))
    for form in FORMATS.values():
        form(trace).decode()
    page = render(trace, width=80, color=False)
    assert "\x1b" not in page
    assert all(len(line) <= 80 for line in page.splitlines())
    return trace


def put(made: MadeRun, name: str, number: str) -> bytes:
    """The log with `number`, as it stands, in a field of every line that has it."""
    rows = []
    for line in made.lines:
        row = json.dumps({**line, name: "here"} if line["msg"].startswith("step:") else line)
        rows.append(row.replace('"here"', number))
    return "\n".join(rows).encode() + b"\n"


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["durationMs", "retries", "attempt", "delayMs", "maxRetries"])
def test_numbers_in_a_log(field: str, number: str, tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a", onError={"strategy": "retry", "retries": 2}), code("b")])
    made.start("a").after(3).event("step:retry", stepId="a", attempt=2, delayMs=1).after(1).end("a", 4)
    made.start("b").after(2).end("b", 2)
    trace = shown_everywhere(assembled(made.write(log=put(made, field, number))), tmp_path)
    assert [span.path for span in trace.spans] == ["made > a", "made > b"]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_in_a_state(number: str, tmp_path: Path) -> None:
    block = {"id": "p", "name": "P", "type": "parallel", "parallel": {"steps": [code("a"), code("b")]}}
    made = MadeRun(tmp_path).flow([block])
    made.start("p", "parallel").after(5).end("p", 5)
    child = {"status": "success", "output": 1, "durationMs": "here", "retries": "here"}
    made.results = {"p": {"status": "success", "output": [child, child], "durationMs": 5}, "a": child}
    state = json.dumps(made.state()).replace('"here"', number).encode()
    trace = shown_everywhere(assembled(made.write(state=state)), tmp_path)
    assert trace.spans[0].path == "made > p"


@pytest.mark.parametrize("number", [number for number in NUMBERS if number not in ("NaN", "Infinity")])
def test_numbers_in_a_flow_file(number: str, tmp_path: Path) -> None:
    again = {"strategy": "retry", "retries": "here", "retryDelayMs": "here"}
    loop = {"over": "$.input.x", "as": "it", "maxConcurrency": "here", "maxIterations": "here"}
    inner = code("a", onError=again, timeoutMs="here")
    steps = [{"id": "l", "name": "L", "type": "loop", "loop": {**loop, "steps": [inner]}}]
    steps.append({"id": "w", "name": "W", "type": "while", "while": {**loop, "steps": [code("b")]}})
    made = MadeRun(tmp_path).flow(steps)
    file = made.flows / "made" / "flow.json"
    file.write_text(file.read_text().replace('"here"', number))
    made.start("l", "loop").start("a").after(2).end("a", 2).end("l", 2)
    trace = shown_everywhere(assembled(made.write()), tmp_path)
    assert [span.path for span in trace.spans] == ["made > l", "made > l[0] > a"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_flow_file_that_only_python_takes_for_json_is_none(number: str, tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")], limit="here")
    file = made.flows / "made" / "flow.json"
    file.write_text(file.read_text().replace('"here"', number))
    assert read_flow(file) is None


@pytest.mark.parametrize("where", ["id", "name", "type"])
def test_a_lone_surrogate_in_a_flow_file(where: str, tmp_path: Path) -> None:
    odd = "\ud800x"
    block = {"id": "p", "name": "P", "type": "parallel"}
    step = {**code("a"), where: odd}
    made = MadeRun(tmp_path).flow([step, {**block, "parallel": {"steps": [{**step, "id": odd + "2"}]}}])
    made.start(step["id"]).after(1).end(step["id"], 1).start("p", "parallel").after(1).end("p", 1)
    log = "".join(json.dumps(line) + "\n" for line in made.lines).encode()
    trace = shown_everywhere(assembled(made.write(log=log)), tmp_path)
    first = trace.spans[0]
    assert "path" not in first.derived  # the log's id and the file's are still one
    assert (first.step_id, first.status) == ("\ufffdx" if where == "id" else "a", "success")


def test_a_lone_surrogate_in_the_default_of_an_input(tmp_path: Path) -> None:
    read_it = code("a", code={"source": "return $.input.x"})
    made = MadeRun(tmp_path).flow([read_it], inputs={"x": {"type": "string", "default": "\ud800"}})
    made.start("a").after(1).end("a", 1)
    trace = shown_everywhere(assembled(made.write()), tmp_path)
    assert trace.spans[0].input_bytes == 0  # as the record has it: the state was given none


def test_steps_that_are_none_keep_their_places(tmp_path: Path) -> None:
    steps: list[Any] = [code("a"), "skipped", None, code("b"), 5, code("c")]
    made = MadeRun(tmp_path).flow(steps).start("a").end("a").start("b").end("b").start("c").end("c")
    trace = shown_everywhere(assembled(made.write()), tmp_path)
    assert [(span.step_id, span.index) for span in trace.spans] == [("a", 0), ("b", 3), ("c", 5)]


def nested(depth: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


def test_a_flow_file_that_is_nested_without_end_is_none(tmp_path: Path) -> None:
    for depth in (DEPTH_LIMIT + 1, 900, 100_000):
        made = MadeRun(tmp_path).flow([code("a")])
        file = made.flows / "made" / "flow.json"
        file.write_text(file.read_text().replace('"return 1"', "[" * depth + "]" * depth))
        made.start("a").end("a")
        files = made.write()
        assert read(files).flow is None
        trace = shown_everywhere(assembled(files), tmp_path)
        assert "the flow file of made is missing" in (trace.run.partial or [])


def test_a_flow_file_nested_as_deep_as_is_read(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a", code={"source": nested(DEPTH_LIMIT - 10)})])
    made.start("a").end("a")
    trace = shown_everywhere(assembled(made.write()), tmp_path)
    assert trace.run.partial is not None
    assert _strings(nested(DEPTH_LIMIT)) == []


def test_conditions_within_conditions(tmp_path: Path) -> None:
    steps = [code("deepest")]
    for depth in range(60):
        condition = {"expression": "true", "then": steps}
        steps = [{"id": f"c{depth}", "name": "C", "type": "condition", "condition": condition}]
    made = MadeRun(tmp_path).flow(steps)
    for depth in reversed(range(60)):
        made.start(f"c{depth}", "condition")
    made.start("deepest").end("deepest")
    trace = shown_everywhere(assembled(made.write()), tmp_path)
    assert len(trace.spans) == 61
    assert trace.spans[-1].step_id == "deepest"


@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59.999Z",
        "10000-01-01T00:00:00.000Z",
        "-000001-01-01T00:00:00.000Z",
        "",
        "1970",
        "NaN",
    ],
)
def test_times_that_are_none(time: str, tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a"), code("b")]).start("a").after(2).end("a", 2).start("b").end("b")
    for line in made.lines[2:4]:
        line["ts"] = time
        line["timestamp"] = time
    shown_everywhere(assembled(made.write()), tmp_path)
    state = json.dumps(made.state(startedAt=time)).encode()
    shown_everywhere(assembled(made.write(state=state)), tmp_path)
