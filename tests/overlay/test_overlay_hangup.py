"""A terminal that is closed ends the host and us at once, as it would end the host alone."""

import json
import os
import pty
import shutil
import signal
import time
from pathlib import Path

import pytest

RUN = ["flow", "execute", "k", "--trace"]
LEAVES = "Path('pid').write_text(str(os.getpid())); Path('up').touch(); import time; time.sleep(60)"
HEARS = """
import signal, time
heard = []
signal.signal(signal.SIGHUP, lambda number, frame: heard.append(number))
Path('pid').write_text(str(os.getpid())); Path('up').touch()
until = time.monotonic() + 120
while not heard and time.monotonic() < until: time.sleep(0.01)
time.sleep(0.3)
Path('heard').write_text(str(len(heard)))
sys.exit(9)
"""


def in_a_terminal(machine, *argv):
    """Our program as the leader of a session; its pid, and the other end of its terminal."""
    machine.env["TERM"] = "xterm"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(machine.project)
        os.execve(machine.ours / "one", ["one", *argv], machine.env)
    return child, terminal


def wait_until(true):
    until = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def has_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] == "Z"
    except OSError:
        return True


def hang_up(machine, child, terminal):
    """Close the terminal once the run is under way; the exit code, negative for a signal."""
    wait_until((machine.project / "up").exists)
    time.sleep(0.3)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("flags", [[], ["--agent"]], ids=["drawn", "agent"])
def test_a_closed_terminal_ends_host_and_run_at_once(machine, flags):
    machine.player("48-sigkill", after=LEAVES)
    child, terminal = in_a_terminal(machine, *flags, *RUN)
    assert hang_up(machine, child, terminal) == -signal.SIGHUP
    assert has_ended(int((machine.project / "pid").read_text()))
    (run,) = machine.runs()
    assert run["status"] == "incomplete"


@pytest.mark.parametrize("flags", [[], ["--agent"]], ids=["drawn", "agent"])
def test_a_host_that_hears_the_hangup_ends_as_it_likes(machine, flags):
    machine.player("48-sigkill", after=HEARS)
    child, terminal = in_a_terminal(machine, *flags, *RUN)
    assert hang_up(machine, child, terminal) == 9
    assert (machine.project / "heard").read_text() == "1"
    assert len(machine.runs()) == 1


def test_a_host_that_outlives_its_terminal_is_drawn_on_nothing(machine):
    """It ignores the hangup and goes on printing: there is no picture, no crash, and its own end."""
    printing = (
        "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); Path('up').touch();"
        "[(out.write(b'more\\n'), out.flush(), time.sleep(0.05)) for _ in range(40)]"
    )
    machine.player("48-sigkill", before="import time", after=printing, exit=7)
    child, terminal = in_a_terminal(machine, *RUN)
    assert hang_up(machine, child, terminal) == 7
    assert len(machine.runs()) == 1


@pytest.mark.parametrize("flags", [[], ["--agent"]], ids=["drawn", "agent"])
def test_the_built_in_runner_ends_with_its_terminal(machine, flags):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    code = (
        "const fs = await import('fs');"
        "fs.writeFileSync('pid', String(process.pid)); fs.writeFileSync('up', '');"
        "await new Promise(done => setTimeout(done, 60000)); return 1"
    )
    step = {"id": "a", "name": "A", "type": "code", "code": {"source": code}}
    flow = {"key": "k", "name": "K", "version": "1", "inputs": {}, "steps": [step]}
    machine.write(machine.project / ".one/flows/k/flow.json", json.dumps(flow))
    machine.env["PATH"] += f"{os.pathsep}{Path(node).parent}"
    machine.env["ONE_TRACE_HOST"] = "built-in"
    child, terminal = in_a_terminal(machine, *flags, *RUN)
    assert hang_up(machine, child, terminal) == -signal.SIGHUP
    wait_until(lambda: has_ended(int((machine.project / "pid").read_text())))
    (run,) = machine.runs()
    assert run["status"] == "incomplete"
