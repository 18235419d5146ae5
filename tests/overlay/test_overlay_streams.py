"""Streams that are closed, full or odd, and signals: our program ends as any program of the shell does."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager

import pytest

from tests.effort import effort

CLOSED = ("1>&-", "2>&-", "0<&-", "0<&- 1>&-", "0<&- 2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-")


def shell(machine, line, **options):
    """Run a line of sh; what came of it."""
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=machine.project,
        env=machine.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        **options,
    )


@pytest.fixture
def runner(machine):
    """A project with a flow that prints, and Node for the built-in runner."""
    machine.with_node()
    prints = "console.log('said'); console.error('warned'); return 1"
    steps = [{"id": "s", "name": "s", "type": "code", "code": {"source": prints}}]
    flow = {"key": "k", "name": "K", "description": "", "version": "1", "inputs": {}, "steps": steps}
    machine.write(machine.project / ".one/flows/k/flow.json", json.dumps(flow))
    return machine


@pytest.mark.parametrize("number", range(len(CLOSED)), ids=CLOSED)
def test_with_closed_streams_the_built_in_runner_and_our_verbs_run(runner, number):
    """Runs and pages with each set of streams, each other line with half of them."""
    closed = CLOSED[number]
    lines = (
        ("one flow execute k --trace", 0),
        ("one --agent flow execute k --trace", 0),
        ("one trace list", 0),
        ("one --agent trace show nope", 3),
    )
    others = (
        ("one flow execute k", 0),
        ("one flow list", 0),
        ("one flow validate k", 0),
        ("one flow execute --frob", 1),
        ("one trace stats --format csv", 0),
        ("one trace", 2),
        ("one --help", 0),
        ("one --version", 0),
    )
    for line, code in (*lines, *others[number % 2 :: 2], *effort((), others)):
        done = shell(runner, f"{line} {closed}")
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False), (line, done.stderr)
    assert len(runner.runs()) == 2


def test_output_to_a_closed_stream_is_written_to_no_file(runner):
    for closed in CLOSED:
        shell(runner, f"one flow execute k --trace {closed}")
    written = [
        path for path in runner.root.rglob("*") if path.is_file() and path.suffix in (".db", ".log", ".json")
    ]
    assert len(written) > 2 * len(CLOSED)
    for path in written:
        data = path.read_bytes()
        assert b"traced " not in data, path
        assert b"One Workflow" not in data, path


@pytest.mark.parametrize("argv", ["flow list", "flow execute k --trace"])
def test_the_host_gets_the_streams_that_the_user_closed(machine, argv):
    machine.host(
        "import os\nfor fd in range(3):\n    try: os.fstat(fd)\n    except OSError: os.mkdir(f'closed{fd}')\n"
    )
    assert shell(machine, f"one {argv} 0<&- 1>&- 2>&-").returncode == 0
    assert sorted(path.name for path in machine.project.iterdir()) == ["closed0", "closed1", "closed2"]


@pytest.mark.parametrize(
    "line", ["one flow list", "one --agent trace list", "one trace show nope 2>/dev/full"]
)
def test_a_full_stream_is_no_traceback(runner, line):
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("needs /dev/full")
    done = shell(runner, f"{line} >/dev/full")
    assert done.returncode in (1, 3)
    assert b"Traceback" not in done.stderr


# -- signals


@contextmanager
def busy(machine, *argv, **options):
    """A verb of ours that waits for a server which has taken its connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        machine.env |= {
            "TRACES_API_KEY": "trk_test",
            "ONE_TRACES_ENDPOINT": f"http://127.0.0.1:{server.getsockname()[1]}",
            "ONE_TRACES_UPLOAD": "manual",
        }
        machine.player("02-linear-unicode")
        assert machine.one("--agent", "flow", "execute", "k", "--trace").code == 0
        process = machine.start(*argv, **options)
        server.settimeout(60)
        connection, _ = server.accept()
        with connection:
            yield process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("agent", [(), ("--agent",)], ids=["people", "agent"])
def test_a_verb_of_ours_ends_by_the_signal(machine, number, agent):
    with busy(machine, *agent, "trace", "sync") as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == -number
    assert b"Traceback" not in err
    if agent:
        assert json.loads(out)["error"]["code"] == "interrupted"
    else:
        assert out == b""


def test_what_is_ignored_stays_ignored(machine):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with busy(machine, "trace", "sync") as process:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert process.returncode == -signal.SIGINT


def test_ctrl_c_at_a_prompt_ends_a_loop_of_the_shell(machine):
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("needs bash")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(machine.project)
        loop = "for turn in 1 2 3; do echo turn $turn; one trace login; done; echo after"
        os.execve(bash, [bash, "-c", loop], machine.env)
    shown = b""
    while b"trk_...)" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT
    assert shown.count(b"turn ") == 1
    assert b"after" not in shown


def test_ctrl_d_at_a_prompt_is_no_signal(machine):
    ours, theirs = pty.openpty()
    process = machine.start("trace", "login", stdin=theirs)
    os.close(theirs)
    asked = b""
    while not asked.endswith(b": "):
        asked += process.stderr.read(1)
    os.write(ours, b"\x04")  # only now: what is typed ahead of a hidden prompt is thrown away
    _, err = process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == 1
    assert b"stopped" in err
