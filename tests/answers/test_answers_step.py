"""One step: where it is written, and its output, read from the state file at that moment."""

from __future__ import annotations

import json

import pytest

from one_trace.answers.bounds import LIMIT, size
from one_trace.answers.step import MOST, step_output

SECRET = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"


def transform(step_id: str, expression: str) -> dict:
    return {"id": step_id, "name": step_id, "type": "transform", "transform": {"expression": expression}}


LOOP = {"over": "$.input.items", "as": "x", "steps": [transform("in", "$.loop.x * 2")]}
FLOW = {
    "key": "k",
    "name": "K",
    "version": "1",
    "inputs": {"items": {"type": "array"}},
    "steps": [
        transform("key", f"({{ apiKey: '{SECRET}', note: 'heliotrope' }})"),
        transform("long", "'word '.repeat(5000)"),
        {"id": "each", "name": "Each", "type": "loop", "loop": LOOP},
    ],
}


@pytest.fixture
def ran(machine):
    """A machine where the flow above has run, in the built-in runner."""
    machine.write(machine.project / ".one/flows/k/flow.json", json.dumps(FLOW, indent=2))
    machine.env["ONE_TRACE_HOST"] = "built-in"
    done = machine.one("--agent", "flow", "execute", "k", "--trace", "-i", "items=[1,2,3]")
    assert done.code == 0, done.err
    return machine


def shown(machine, *argv: str) -> dict:
    return machine.one("--agent", "trace", "show", *argv).document


def test_a_step_says_where_it_is_written(ran) -> None:
    lines = (ran.project / ".one/flows/k/flow.json").read_text().split("\n")
    at = shown(ran, "--step", "in")["at"]
    assert (at["file"], at["pointer"]) == (".one/flows/k/flow.json", "/steps/2/loop/steps/0")
    assert '"id": "in"' in lines[at["line"]]
    assert f".one/flows/k/flow.json:{at['line']}" in ran.one("trace", "show", "--step", "in").out.decode()


def test_a_step_that_has_moved_since_is_nowhere(ran) -> None:
    flow = {**FLOW, "steps": FLOW["steps"][1:]}
    ran.write(ran.project / ".one/flows/k/flow.json", json.dumps(flow))
    assert shown(ran, "--step", "in")["at"] is None


def test_the_report_says_where_steps_are_written(ran) -> None:
    page = ran.one("trace", "export", "last", "--format", "html").out.decode()
    assert ".one/flows/k/flow.json:" in page
    assert "/steps/2/loop/steps/0" in page


def test_an_output_is_shown_without_secrets(ran) -> None:
    output = shown(ran, "--step", "key", "--with-output")["output"]
    assert "sk_live" not in output["text"]
    assert '"note":"heliotrope"' in output["text"]
    assert (output["cut"], output["problem"]) == (False, None)
    page = ran.one("trace", "show", "--step", "key", "--with-output").out
    assert b"heliotrope" in page
    assert b"sk_live" not in page


def test_a_long_output_is_cut_and_its_whole_size_is_given(ran) -> None:
    output = shown(ran, "--step", "long", "--with-output")["output"]
    assert (len(output["text"]), output["cut"], output["bytes"]) == (MOST, True, 25_002)


def test_the_output_is_that_of_the_iteration(ran) -> None:
    outputs = [
        shown(ran, "--step", f"k > each[{at}] > in", "--with-output")["output"]["text"] for at in range(3)
    ]
    assert outputs == ["2", "4", "6"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (["--step", ""], "no-such-step"),
        (["--step", "key", "--slow", "3"], "wrong-usage"),
        (["--step", "key", "--events"], "wrong-usage"),
    ],
)
def test_without_one_step_there_is_no_output_to_show(ran, asked, code) -> None:
    done = ran.one("--agent", "trace", "show", "--with-output", *asked)
    assert done.document["error"]["code"] == code


def test_of_several_executions_one_has_to_be_named(ran) -> None:
    done = ran.one("--agent", "trace", "show", "--step", "in", "--with-output")
    assert done.code == 1
    assert "k > each[2] > in" in done.document["error"]["hint"]


def test_an_output_that_is_gone_or_has_changed_is_not_shown(ran) -> None:
    (state,) = (ran.project / ".one/flows/.runs").glob("*.state.json")
    state.write_text(state.read_text().replace("heliotrope", "changed since"))
    assert "changed" in shown(ran, "--step", "key", "--with-output")["output"]["problem"]
    state.unlink()
    assert "gone" in shown(ran, "--step", "key", "--with-output")["output"]["problem"]
    assert b"gone" in ran.one("trace", "show", "--step", "key", "--with-output").out


def test_outputs_are_never_stored_or_exported(ran) -> None:
    shown(ran, "--step", "key", "--with-output")
    kept = b"".join(path.read_bytes() for path in ran.data.iterdir() if path.is_file())
    assert b"heliotrope" not in kept
    for form in ("json", "events", "otlp", "html", "perfetto"):
        assert b"heliotrope" not in ran.one("trace", "export", "last", "--format", form).out


def test_an_output_full_of_escapes_leaves_space_for_the_answer() -> None:
    output = step_output("0" * 16, json.dumps("\u0000" * 3000).encode(), 18_002, lambda text: text)
    assert size(output) < LIMIT // 2 + 500
    assert output.cut


def test_a_finding_says_where_its_step_is_written(machine) -> None:
    bad = transform("bad", "(() => { throw new Error('no') })()")
    flow = {**FLOW, "inputs": {}, "steps": [transform("good", "1"), bad]}
    machine.write(machine.project / ".one/flows/k/flow.json", json.dumps(flow, indent=2))
    machine.env["ONE_TRACE_HOST"] = "built-in"
    for _ in range(6):
        machine.one("--agent", "flow", "execute", "k", "--trace")
    document = machine.one("--agent", "trace", "insights", "k").document
    (at,) = {str(finding["at"]) for finding in document["findings"] if finding["path"] == "k > bad"}
    assert "'pointer': '/steps/1', 'line': " in at
    assert b"flow.json:" in machine.one("trace", "insights", "k").out
