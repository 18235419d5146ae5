"""Which run and which session started a run: what its first start recorded stays."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

RUN = ["--agent", "flow", "execute", "k", "--trace"]


def reported(machine, run_id):
    return machine.one("--agent", "trace", "show", "--full", run_id).document["run"]


RESUMES = """
import subprocess
if sys.argv[3] == "execute":
    old = Path("old").read_text()
    for path in Path(".one/flows/.runs").iterdir():
        if old not in path.name:
            path.write_text(path.read_text().replace('"startedAt": "2026', '"startedAt": "2027'))
    subprocess.run(["one", "--agent", "flow", "resume", old, "--trace"], stdout=2)
"""
"""The flow `k`, which began later, has a step that resumes an older run."""


def resumable(machine):
    """A host that leaves a new run for `execute`, and writes the old one again for `resume`."""
    machine.player("02-linear-unicode")
    first = machine.one("--agent", "flow", "execute", "first", "--trace").saved["runId"]
    (machine.project / "old").write_text(first)
    again = f"""
if sys.argv[3] == "resume":
    path = next(Path(".one/flows/.runs").glob("*{first}*"))
    state = json.loads(path.read_text())
    state["context"]["env"] = dict(os.environ)
    path.write_text(json.dumps(state, indent=2))
    sys.exit(0)
"""
    machine.player("02-linear-unicode", before=again, after=RESUMES)
    return first


def test_a_resume_within_another_run_keeps_parent_and_session(machine):
    machine.env["CODEX_THREAD_ID"] = "first"
    first = resumable(machine)
    machine.env["CODEX_THREAD_ID"] = "second"
    resumed, outer = machine.one(*RUN).notes
    assert resumed["runId"] == first
    assert reported(machine, first)["parentRunId"] is None
    assert reported(machine, first)["session"]["sessionId"] == "first"
    assert reported(machine, outer["runId"])["session"]["sessionId"] == "second"


def test_a_resume_in_a_session_adds_none(machine):
    first = resumable(machine)
    machine.env["CODEX_THREAD_ID"] = "second"
    machine.env["TRACEPARENT"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    machine.one("--agent", "flow", "resume", first, "--trace")
    assert reported(machine, first)["session"] is None


def test_a_run_that_started_later_is_not_a_parent(machine):
    first = resumable(machine)
    for file in machine.data.iterdir():
        file.unlink()
    resumed, outer = machine.one(*RUN).notes
    assert (resumed["runId"], reported(machine, first)["parentRunId"]) == (first, None)
    assert outer["runId"] != first


@pytest.mark.parametrize("is_child", [False, True], ids=["after", "within"])
def test_a_detached_job_is_a_child_only_of_a_running_run(machine, is_child):
    """The job waits for the end of the run, or the run for that of the job."""
    waits = "while [ ! -e over ]; do sleep 0.02; done; " if not is_child else ""
    job = f"{waits}one --agent flow execute x --trace; touch done"
    started = f"os.system('setsid sh -c \"{job}\" >/dev/null 2>&1 &')"
    waited = "while not os.path.exists('done'): __import__('time').sleep(0.02)" if is_child else "pass"
    machine.player("48-sigkill", after=f"if sys.argv[4] == 'k':\n    {started}\n    {waited}")
    machine.env["PATH"] += ":/usr/bin:/bin"
    outer = machine.one(*RUN).saved["runId"]
    (machine.project / "over").touch()
    until = time.monotonic() + 120
    while not (machine.project / "done").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    (inner,) = [run["runId"] for run in machine.runs() if run["runId"] != outer]
    assert reported(machine, inner)["parentRunId"] == (outer if is_child else None)


def test_a_run_of_the_built_in_runner_is_a_parent_too(machine):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    machine.env["PATH"] += f"{os.pathsep}{Path(node).parent}:/usr/bin:/bin"
    machine.env["ONE_TRACE_HOST"] = "built-in"
    start = "one --agent flow execute x --trace >/dev/null 2>&1"
    inner = {"id": "a", "name": "A", "type": "transform", "transform": {"expression": "1"}}
    outer = {"id": "a", "name": "A", "type": "bash", "bash": {"command": start}}
    for key, step in (("k", outer), ("x", inner)):
        flow = {"key": key, "name": key, "version": "1", "inputs": {}, "steps": [step]}
        machine.write(machine.project / f".one/flows/{key}/flow.json", json.dumps(flow))
    outer = machine.one(*RUN, "--allow-bash").saved["runId"]
    (inner,) = [run["runId"] for run in machine.runs() if run["runId"] != outer]
    assert reported(machine, inner)["parentRunId"] == outer
