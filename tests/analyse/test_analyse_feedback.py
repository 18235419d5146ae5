"""The sample flow that asks for insights and acts on them, run by the built-in runner."""

from __future__ import annotations

import json

import pytest
from machine import ROOT, Machine
from made import START_MS, assembly, span

from one_trace.store import Store

FLOW = {
    "key": "my-flow",
    "name": "Mine",
    "version": "1",
    "inputs": {},
    "steps": [
        {
            "id": "if",
            "name": "If",
            "type": "condition",
            "condition": {
                "expression": "true",
                "then": [{"id": "send", "name": "Send", "type": "bash", "bash": {"command": "true"}}],
            },
        }
    ],
}


@pytest.fixture
def ready(machine: Machine) -> Machine:
    with Store(machine.data / "traces.db") as store:
        for number in range(10):
            status = "error" if number in (3, 6) else "success"
            made = assembly(
                f"{number:011x}a", [span("send", status=status)], start=START_MS + number, status=status
            )
            store.save(made)
    sample = ROOT / "one_trace" / "examples" / "flows" / "feedback" / "flow.json"
    machine.write(machine.project / ".one/flows/feedback/flow.json", sample.read_text())
    return machine


def execute(machine: Machine) -> str:
    done = machine.one("--agent", "flow", "execute", "feedback", "-i", "flow=my-flow", "--allow-bash")
    if b"no-node" in done.out:
        pytest.skip("needs Node")
    assert done.code == 0, done.out + done.err
    return (machine.project / ".one/feedback/my-flow.md").read_text()


def test_it_proposes_a_better_flow_and_reports_the_rest(ready: Machine) -> None:
    ready.write(ready.project / ".one/flows/my-flow/flow.json", json.dumps(FLOW))
    report = execute(ready)
    proposed = json.loads((ready.project / ".one/feedback/my-flow.proposed.json").read_text())
    (send,) = proposed["steps"][0]["condition"]["then"]
    assert send["onError"] == {"strategy": "retry", "retries": 2, "retryDelayMs": 1000}
    assert send["bash"] == {"command": "true"}
    assert "Changed in the proposal:\n\n- flaky: send is flaky: " in report
    assert json.loads((ready.project / ".one/flows/my-flow/flow.json").read_text()) == FLOW


def test_without_the_flow_file_it_reports_all(ready: Machine) -> None:
    report = execute(ready)
    assert "Changed in the proposal" not in report
    assert "- send is flaky" in report
    assert not (ready.project / ".one/feedback/my-flow.proposed.json").exists()
