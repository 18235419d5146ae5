"""Traced runs of the built-in runner, where there is no One CLI."""

import json
import signal
import sys

import pytest


@pytest.fixture
def alone(machine):
    """A machine without a host, with Node and bash."""
    machine.with_node("bash", "sh", "sleep")
    return machine


def flow(machine, key, *steps):
    document = {
        "key": key,
        "name": key,
        "description": "",
        "version": "1",
        "inputs": {},
        "steps": list(steps),
    }
    machine.write(machine.project / ".one/flows" / key / "flow.json", json.dumps(document))


def transform(step):
    return {"id": step, "name": step, "type": "transform", "transform": {"expression": "1 + 1"}}


def bash(step, command):
    return {"id": step, "name": step, "type": "bash", "bash": {"command": command}}


def test_a_run_is_traced(alone):
    flow(alone, "two", transform("a"), transform("b"))
    done = alone.one("--agent", "flow", "execute", "two", "--trace")
    assert (done.code, done.saved["spans"]) == (0, 2), done.err
    run = alone.one("--agent", "trace", "show", "--full").document["run"]
    assert (run["executor"]["name"], run["status"]) == ("built-in", "success")


def test_no_trace_flag_saves_nothing(alone):
    flow(alone, "two", transform("a"))
    done = alone.one("--agent", "flow", "execute", "two")
    assert (done.code, done.err, list(alone.data.iterdir())) == (0, b"", [])


def test_the_other_verbs_work(alone):
    flow(alone, "two", transform("a"))
    assert alone.one("--agent", "flow", "list").code == 0
    assert alone.one("--agent", "f", "ls").code == 0
    assert alone.one("--agent", "flow", "validate", "two").code == 0
    assert alone.one("--agent", "flow", "runs").code == 127


def test_a_refused_run_is_not_traced(alone):
    done = alone.one("--agent", "flow", "execute", "nothing", "--trace")
    assert (done.code, [note["code"] for note in done.notes]) == (1, ["run-not-started"])
    assert list(alone.data.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_killed_run_is_traced_and_ends_by_its_signal(alone, number):
    flow(alone, "slow", transform("a"), bash("b", "echo up >&2; sleep 30"), transform("c"))
    process = alone.start("--agent", "flow", "execute", "slow", "--allow-bash", "--trace")
    while b'"stepId":"b"' not in process.stdout.readline():
        pass
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == -number
    assert b'"event":"trace:saved"' in err
    assert alone.runs()[0]["status"] == "incomplete"


def test_a_flow_started_by_a_bash_step_is_a_child(alone):
    flow(alone, "inner", transform("a"))
    flow(alone, "outer", bash("b", "one --agent flow execute inner --trace"))
    done = alone.one("--agent", "flow", "execute", "outer", "--allow-bash", "--trace")
    runs = {run["flowKey"]: run["runId"] for run in alone.runs()}
    assert done.saved["runId"] == runs["outer"]
    child = alone.one("--agent", "trace", "show", "--full", runs["inner"]).document["run"]
    assert child["parentRunId"] == runs["outer"]


def test_the_state_keeps_no_environment(alone):
    flow(alone, "two", transform("a"))
    alone.env["SECRET"] = "canary-word"
    alone.one("--agent", "flow", "execute", "two", "--trace")
    (state,) = (alone.project / ".one/flows/.runs").iterdir()
    assert "canary-word" not in state.read_text()
    assert sys.executable not in state.read_text()
