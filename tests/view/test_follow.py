"""`trace show --follow`, and the runs under way that `running` and `list` name."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest
from machine import Machine
from truths import RECORDINGS

from one_trace.capture import pending
from one_trace.cli.follow import tail

CASE = RECORDINGS / "31b-default-retry"
PAUSING_HOST = """
import json, os, sys, time
from pathlib import Path
if "--version" in sys.argv:
    print("1.52.1")
    sys.exit()
case, run_id = Path(CASE), os.urandom(6).hex()
flows = Path(".one/flows")
for folder in (".logs", ".runs"):
    (flows / folder).mkdir(parents=True, exist_ok=True)
(old_state,), (old_log,) = (case / "runs").iterdir(), (case / "logs").iterdir()
old_id = old_log.stem[-12:]
def new(data):
    return data.replace(old_id.encode(), run_id.encode())
state = json.loads(new(old_state.read_bytes()))
state["context"]["env"] = dict(os.environ)
def save(status):
    text = json.dumps({**state, "status": status}, indent=2)
    (flows / ".runs" / old_state.name.replace(old_id, run_id)).write_text(text)
save("running")
lines = new(old_log.read_bytes()).splitlines(keepends=True)
log = (flows / ".logs" / old_log.name.replace(old_id, run_id)).open("ab", buffering=0)
log.write(b"".join(lines[:6]))
while not Path("go").exists():
    time.sleep(0.01)
for line in lines[6:]:
    log.write(line)
save("completed")
"""
"""A host that leaves the first lines of a record, waits for the file `go`, and leaves the rest."""


def whole() -> bytes:
    (log,) = (CASE / "logs").iterdir()
    return log.read_bytes()


def read_all(log: Path, wait, **options: int) -> list[dict]:
    return list(tail(os.open(log, os.O_RDONLY), wait, **options))


def test_tail_gives_each_line_once_however_it_is_cut(tmp_path: Path) -> None:
    data = whole()
    log = tmp_path / "x.log"
    log.write_bytes(data[:100])
    pieces = [data[at : at + 137] for at in range(100, len(data), 137)]

    def more() -> bool:
        with log.open("ab") as file:
            file.write(pieces.pop(0))
        return True

    assert read_all(log, more) == [json.loads(line) for line in data.split(b"\n") if line]
    assert pieces == []


def test_tail_passes_over_what_is_no_line(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b'\xff\xfe\n[1]\n\n{"msg":"Flow failed"}\n')
    assert read_all(log, lambda: True) == [{"msg": "Flow failed"}]


def test_tail_of_a_resumed_run_ends_with_the_end_of_the_resume(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b'{"msg":"Flow failed"}\n')
    pieces = [b'{"msg":"Flow resumed"}\n', b'{"msg":"Flow completed after resume"}\n']

    def more() -> bool:
        with log.open("ab") as file:
            file.write(pieces.pop(0))
        return True

    assert len(read_all(log, more, old=log.stat().st_size)) == 3


def test_tail_reads_what_was_written_before_the_process_went(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b'{"msg":"one"}\n')

    def gone() -> bool:
        if log.stat().st_size < 20:
            log.write_bytes(b'{"msg":"one"}\n{"msg":"two"}\n')
        return False

    assert read_all(log, gone) == [{"msg": "one"}, {"msg": "two"}]


@pytest.fixture
def pausing(machine: Machine) -> Machine:
    (machine.project / ".one" / "flows").mkdir(parents=True)
    machine.host(f"CASE = {str(CASE)!r}\n" + PAUSING_HOST)
    return machine


def start_run(machine: Machine, *options: str) -> subprocess.Popen[bytes]:
    """A run that has left its first lines and waits; a traced one is noted as under way, which comes after
    the start of the host."""
    logs = machine.project / ".one" / "flows" / ".logs"
    before = set(logs.glob("*.log"))
    run = machine.start(
        "--agent", "flow", "execute", "def-retry", *options, start_new_session=True, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    noted = "--trace" not in options
    while not (noted and any(path.stat().st_size for path in set(logs.glob("*.log")) - before)):
        noted = noted or any(pending.alive(machine.data))
        assert time.monotonic() < deadline, run.poll()
        time.sleep(0.01)
    return run


def go(machine: Machine) -> None:
    (machine.project / "go").touch()


def end(run: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    os.killpg(run.pid, number)
    run.communicate(timeout=20)


def documents(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.split(b"\n") if line]


@pytest.mark.parametrize("traced", ["--trace", "--no-trace"])
def test_agents_get_an_event_a_line_and_then_the_answer(pausing: Machine, traced: str) -> None:
    run = start_run(pausing, traced)
    follow = pausing.start("--agent", "trace", "show", "--follow", "--exit-status", bufsize=0)
    assert json.loads(follow.stdout.readline())["event"] == "flow:start"
    go(pausing)
    out, err = follow.communicate(timeout=30)
    assert follow.returncode == 0, err
    *events, answer = documents(out)
    assert [event["event"] for event in events][-1] == "flow:complete"
    assert {"event", "runId", "stepId", "status", "durationMs", "timestamp"} <= set(events[2])
    assert answer["schema"] == "one-trace-run/1"
    assert (answer["run"]["status"], answer["run"]["counts"]["spans"]) == ("success", 6)
    run.communicate(timeout=20)


def test_it_waits_for_the_next_run_and_says_so(pausing: Machine) -> None:
    follow = pausing.start("trace", "show", "--follow", bufsize=0)
    assert b"No run is under way" in follow.stderr.readline()
    run = start_run(pausing, "--trace")
    time.sleep(0.3)
    go(pausing)
    out, err = follow.communicate(timeout=30)
    assert (follow.returncode, b"def-retry  success" in out) == (0, True), (out, err)
    run.communicate(timeout=20)


def test_a_timeout_that_is_not_a_number_is_refused(pausing: Machine) -> None:
    done = pausing.one("--agent", "trace", "show", "--follow", "--timeout", "nan")
    assert (done.code, done.document["error"]["code"]) == (2, "wrong-usage")


def test_timeout_ends_the_waiting(pausing: Machine) -> None:
    done = pausing.one("--agent", "trace", "show", "--follow", "--timeout", "0.2")
    assert (done.code, done.document["error"]["code"]) == (1, "timeout")


def test_timeout_ends_the_following_with_the_tree_so_far(pausing: Machine) -> None:
    run = start_run(pausing, "--trace")
    done = pausing.one("--agent", "trace", "show", "--follow", "--timeout", "0.3", "--exit-status")
    answer = documents(done.out)[-1]
    assert (done.code, answer["run"]["status"]) == (1, "incomplete")
    assert b"trace:timeout" in done.err
    end(run)


@pytest.mark.parametrize("traced", ["--trace", "--no-trace"])
def test_it_ends_when_the_process_is_gone(pausing: Machine, traced: str) -> None:
    run = start_run(pausing, traced)
    follow = pausing.start("--agent", "trace", "show", "--follow", "--exit-status", bufsize=0)
    follow.stdout.readline()
    end(run)
    out, _ = follow.communicate(timeout=20)
    answer = documents(out)[-1]
    assert (follow.returncode, answer["run"]["status"]) == (1, "incomplete")
    assert answer["failed"]


def test_a_run_that_was_killed_is_not_under_way(pausing: Machine) -> None:
    end(start_run(pausing, "--no-trace"))
    (log,) = (pausing.project / ".one" / "flows" / ".logs").iterdir()
    named = pausing.one("--agent", "trace", "show", log.stem[-12:], "--follow")
    assert (named.code, named.document["run"]["status"]) == (0, "incomplete")
    done = pausing.one("--agent", "trace", "show", "--follow", "--timeout", "0.2")
    assert done.document["error"]["code"] == "timeout"


def test_a_state_that_is_older_than_the_process_is_not_of_it(pausing: Machine) -> None:
    end(start_run(pausing, "--no-trace"))
    (state,) = (pausing.project / ".one" / "flows" / ".runs").iterdir()
    os.utime(state, (time.time() - 3600, time.time() - 3600))
    run = start_run(pausing, "--no-trace")
    shown = pausing.one("--agent", "trace", "show", "running").document
    assert shown["run"]["runId"] not in state.name
    end(run)


def test_running_names_the_run_under_way_and_last_the_one_that_ended(pausing: Machine) -> None:
    go(pausing)
    first = pausing.one("--agent", "flow", "execute", "def-retry", "--trace").saved["runId"]
    (pausing.project / "go").unlink()
    run = start_run(pausing, "--trace")
    running = pausing.one("--agent", "trace", "show", "running").document["run"]
    assert (running["status"], running["runId"] == first) == ("incomplete", False)
    assert pausing.one("--agent", "trace", "show", running["runId"][:7]).document["run"] == running
    assert pausing.one("--agent", "trace", "show").document["run"]["runId"] == first
    assert pausing.one("--agent", "trace", "show", "last", "--follow").document["run"]["runId"] == first
    end(run)
    done = pausing.one("--agent", "trace", "show", "running")
    assert (done.code, done.document["error"]["code"]) == (3, "no-such-run")


def test_list_marks_the_runs_under_way(pausing: Machine) -> None:
    go(pausing)
    first = pausing.one("--agent", "flow", "execute", "def-retry", "--trace").saved["runId"]
    (pausing.project / "go").unlink()
    run = start_run(pausing, "--trace")
    listed = pausing.one("--agent", "trace", "list").document
    (running, ended) = listed["runs"]
    assert (running["flowKey"], running["status"], listed["total"]) == ("def-retry", "running", 2)
    assert (ended["runId"], ended["status"]) == (first, "success")
    page = pausing.one("trace", "list").out.decode().splitlines()
    assert running["runId"] in page[1]
    assert " running " in page[1]
    assert pausing.one("--agent", "trace", "list", "--flow", "other").document["total"] == 0
    success = pausing.one("--agent", "trace", "list", "--status", "success").document
    assert [each["runId"] for each in success["runs"]] == [first]
    page = pausing.one("--agent", "trace", "list", "--limit", "1").document
    assert [each["status"] for each in page["runs"]] == ["running"]
    rest = pausing.one("--agent", "trace", "list", "--cursor", page["omitted"]["cursor"]).document
    assert [each["status"] for each in rest["runs"]] == ["success"]
    end(run)
    assert [each["status"] for each in pausing.runs()] == ["success"]


def test_exit_status_and_timeout_need_follow(machine: Machine) -> None:
    for option in (["--exit-status"], ["--timeout", "3"]):
        done = machine.one("--agent", "trace", "show", *option)
        assert (done.code, "--follow" in done.document["error"]["message"]) == (2, True)


def test_ctrl_c_shows_the_tree_so_far_and_ends_by_the_signal(pausing: Machine) -> None:
    run = start_run(pausing, "--trace")
    follow = pausing.start("--agent", "trace", "show", "--follow", bufsize=0)
    follow.stdout.readline()
    follow.send_signal(signal.SIGINT)
    out, _ = follow.communicate(timeout=20)
    assert documents(out)[-1]["run"]["status"] == "incomplete"
    assert follow.returncode == -signal.SIGINT
    end(run)


def test_on_a_terminal_it_is_drawn_as_it_grows(pausing: Machine) -> None:
    run = start_run(pausing, "--trace")
    leader, follower = pty.openpty()
    env = {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    process = pausing.start("trace", "show", "--follow", stdout=follower, stderr=follower, env=env)
    os.close(follower)
    seen = b""
    while b"round 1" not in seen:
        seen += os.read(leader, 65536)
    go(pausing)
    try:
        while part := os.read(leader, 65536):
            seen += part
    except OSError:  # how Linux says that the other side has gone
        pass
    os.close(leader)
    assert process.wait(30) == 0
    assert "retried 2x" in seen.decode()
    run.communicate(timeout=20)


def test_a_run_that_is_not_here_is_named(machine: Machine) -> None:
    done = machine.one("--agent", "trace", "show", "nope", "--follow")
    assert (done.code, done.document["error"]["code"]) == (3, "no-such-run")
