"""Files that a project or a fault may put in our way: nothing hangs, nothing is read without a limit."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import stat
from pathlib import Path

import pytest

NODE = shutil.which("node")
FLOW = json.dumps(
    {
        "key": "k",
        "name": "K",
        "version": "1",
        "inputs": {},
        "steps": [{"id": "a", "name": "A", "type": "transform", "transform": {"expression": "1"}}],
    }
)
KINDS = ("fifo", "device", "socket", "folder", "loop", "nowhere")


def make(kind: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to(os.ttyname(os.openpty()[1]))  # no harm is done where it is replaced
    elif kind == "socket":
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's path has a hundred bytes at most
        try:
            socket.socket(socket.AF_UNIX).bind(path.name)
        finally:
            os.chdir(before)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "nowhere":
        path.symlink_to("gone")


def small_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


@pytest.fixture
def played(machine):
    machine.player("02-linear-unicode")
    return machine


HUGE = {
    "dotted": "[traces]\n" + "a." * 30_000 + "a = 1",
    "quoted dots": '""' + '.""' * 20_000 + " = 1",
    "header": "[" + "a." * 30_000 + "a]",
    "arrays": "x = " + "[" * 60_000,
    "tables": "x = " + "{a=" * 20_000,
    "hidden behind a string": 'x = ["""a"""", ' + "[" * 60_000,
    "keys": "[traces]\n" + "".join(f"k{n} = 1\n" for n in range(4000)),
    "a name": "[traces]\n" + "x" * 60_000 + " = 1",
    "a number": "[traces]\nflush_timeout = " + "9" * 60_000,
    "many": "x" * 200_000,
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
@pytest.mark.parametrize("flag", ["--trace", "--no-trace", None])
def test_an_expensive_settings_file_costs_one_line(played, text, flag):
    played.write(played.project / ".one" / "traces.toml", text)
    argv = ["flow", "execute", "k", *([flag] if flag else [])]
    done = played.one(*argv, preexec_fn=small_memory)
    assert done.code == 0
    assert b"Traceback" not in done.err
    wrong = [line for line in done.err.splitlines() if b"traces.toml" in line]
    assert len(wrong) == (0 if flag == "--no-trace" else 1), done.err
    assert all(len(line) < 1500 for line in wrong)


def test_a_sparse_settings_file_of_300_gb_costs_one_line(played):
    path = played.write(played.project / ".one" / "traces.toml", "")
    os.truncate(path, 300 << 30)
    done = played.one("flow", "execute", "k", "--trace", preexec_fn=small_memory)
    assert done.code == 0
    assert b"larger than 64 KiB" in done.err
    assert b"traced " in done.err


@pytest.mark.parametrize("kind", KINDS)
def test_a_special_file_as_project_settings_is_reported_and_the_run_continues(played, kind):
    make(kind, played.project / ".one" / "traces.toml")
    done = played.one("flow", "execute", "k", "--trace")
    assert done.code == 0
    message, traced = done.err.splitlines()
    assert b"cannot read" in message
    assert b"traced " in traced
    listed = played.one("--agent", "trace", "list")
    assert (listed.code, len(listed.document["runs"])) == (0, 1)
    changed = played.one("config", "set", "traces.enabled", "true", "--project")
    assert changed.code == 2
    assert b"Traceback" not in changed.err


@pytest.mark.parametrize("kind", KINDS)
def test_a_special_file_as_user_settings_is_reported_and_the_run_continues(played, kind):
    make(kind, played.user_file)
    played.env["ONE_TRACE_HOST"] = str(played.bin / "one")
    done = played.one("flow", "execute", "k", "--trace")
    assert done.code == 0
    assert b"cannot read" in done.err
    assert b"traced " in done.err
    assert b"cannot read" in played.one("config", "list").err
    assert played.one("--agent", "trace", "sync").document["error"]["code"] == "settings"
    # A link to what is not there yet is a dotfile that is about to be.
    assert played.one("config", "set", "traces.enabled", "true").code == (0 if kind == "nowhere" else 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_special_file_is_not_read_as_the_saved_key(played, kind):
    kept = played.user_file.with_name("credentials.toml")
    make(kind, kept)
    done = played.one("--agent", "flow", "execute", "k", "--trace")
    assert (done.code, done.saved["uploads"]) == (0, [])
    assert b"Traceback" not in played.one("trace", "doctor", "--offline").err
    login = played.one("trace", "login", input=b"trk_0123456789abcdef")
    assert b"Traceback" not in login.err
    if login.code == 0:
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.skipif(NODE is None, reason="the built-in runner needs Node")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["k/flow.json", "k.flow.json"])
def test_the_built_in_runner_skips_special_files_as_flows(machine, kind, name):
    machine.env |= {"ONE_TRACE_HOST": "built-in", "PATH": f"{machine.env['PATH']}:{Path(NODE).parent}"}
    flows = machine.project / ".one" / "flows"
    make(kind, flows / name)
    machine.write(flows / "good" / "flow.json", FLOW.replace('"k"', '"good"'))
    for argv in (["execute", "k"], ["execute", "k", "--trace"], ["validate", "k"]):
        done = machine.one("--agent", "flow", *argv)
        assert done.code == 1, argv
        assert set(done.document) == {"error"}
        assert b"Traceback" not in done.err
    listed = machine.one("--agent", "flow", "list").document["workflows"]
    assert [flow["key"] for flow in listed] == ["good"]


@pytest.mark.skipif(NODE is None, reason="the built-in runner needs Node")
def test_a_fifo_as_code_module_or_state_does_not_hang_the_built_in_runner(machine):
    machine.env |= {"ONE_TRACE_HOST": "built-in", "PATH": f"{machine.env['PATH']}:{Path(NODE).parent}"}
    flows = machine.project / ".one" / "flows"
    step = '{"id": "a", "name": "A", "type": "code", "code": {"module": "m.mjs"}}'
    machine.write(flows / "k" / "flow.json", FLOW[: FLOW.index('"steps"')] + f'"steps": [{step}]}}')
    make("fifo", flows / "k" / "m.mjs")
    make("fifo", flows / ".runs" / "k-0123456789ab.state.json")
    assert machine.one("--agent", "flow", "execute", "k").code == 1
    assert machine.one("--agent", "flow", "resume", "0123456789ab").code == 1


@pytest.mark.skipif(NODE is None, reason="the built-in runner needs Node")
def test_a_flows_folder_that_is_a_file_is_handled(machine):
    machine.env |= {"ONE_TRACE_HOST": "built-in", "PATH": f"{machine.env['PATH']}:{Path(NODE).parent}"}
    machine.write(machine.project / ".one" / "flows", "no folder")
    for argv in (
        ["flow", "list"],
        ["flow", "execute", "k", "--trace"],
        ["trace", "import"],
        ["trace", "doctor", "--offline"],
    ):
        assert b"Traceback" not in machine.one(*argv).err


@pytest.mark.parametrize("kind", KINDS)
def test_a_special_file_as_log_or_state_leaves_the_rest_of_the_record(played, kind):
    played.one("--agent", "flow", "execute", "k", "--trace")
    (log,) = (played.project / ".one" / "flows" / ".logs").iterdir()
    (state,) = (played.project / ".one" / "flows" / ".runs").iterdir()
    for gone, left in ((state, log), (log, state)):
        kept = gone.read_bytes()
        gone.unlink()
        make(kind, gone)
        done = played.one("--agent", "trace", "import")
        assert b"Traceback" not in done.err
        assert done.document["runs"], (gone.name, left.name)
        gone.rmdir() if kind == "folder" else gone.unlink()
        gone.write_bytes(kept)
