"""Whatever part of our installation is broken: the run keeps its exit code and output, plus one line."""

import os
import shutil
from pathlib import Path

import pytest
from machine import ROOT
from test_overlay_hangup import in_a_terminal

RUN = ["--agent", "flow", "execute", "k", "--trace"]
BROKEN = {
    "does not exist any more": "raise ImportError('half an upgrade')",
    "is not Python": "this is not Python",
    "is another": "",
    "ends the process": "import sys; sys.exit(3)",
    "cannot be loaded": "raise OSError('undefined symbol: PyUnicode_AsUTF8')",
}


def break_module(machine, name, text):
    """A module of that name shadows the real one."""
    machine.write(machine.root / "broken" / f"{name}.py", text)
    machine.env["PYTHONPATH"] = f"{machine.root / 'broken'}{os.pathsep}{machine.env['PYTHONPATH']}"


def assert_one_line(done, code):
    assert done.code == code
    assert b"Traceback" not in done.err
    assert done.err.count(b"\n") == 1, done.err


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("name", ["msgspec", "sqlite3", "_sqlite3", "json"])
def test_a_broken_module_is_one_line_and_the_run_is_untouched(machine, name, how):
    machine.player("02-linear-unicode", exit=5)
    break_module(machine, name, BROKEN[how])
    done = machine.one(*RUN)
    assert_one_line(done, 5)
    assert done.notes[0]["event"] == "trace:trouble"
    assert done.out.count(b"workflow:result") == 1
    assert_one_line(machine.one(*RUN[1:]), 5)


@pytest.mark.parametrize("how", ["is not Python", "ends the process"])
@pytest.mark.parametrize("name", ["threading", "ctypes", "httpx", "click", "rich", "platformdirs"])
def test_broken_optional_modules_change_no_exit_code(machine, name, how):
    machine.player("02-linear-unicode", exit=5)
    break_module(machine, name, BROKEN[how])
    done = machine.one(*RUN)
    assert done.code == 5
    assert b"Traceback" not in done.err
    assert done.err.count(b"\n") == 1, done.err


@pytest.mark.parametrize("name", ["msgspec", "sqlite3"])
def test_the_built_in_runner_runs_without_broken_modules(machine, name):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    shutil.copytree(ROOT / "tests/recordings/02-linear-unicode/flows", machine.project / ".one/flows")
    machine.env["PATH"] += f"{os.pathsep}{Path(node).parent}"
    machine.env["ONE_TRACE_HOST"] = "built-in"
    break_module(machine, name, BROKEN["ends the process"])
    done = machine.one("--agent", "flow", "execute", "linear-uni", "-i", "who=x", "--trace")
    assert_one_line(done, 0)
    assert b'"status":"success"' in done.out


@pytest.mark.parametrize("name", ["msgspec", "rich"])
def test_a_run_that_cannot_be_drawn_still_runs(machine, name):
    machine.player("02-linear-unicode", exit=5)
    break_module(machine, name, BROKEN["is not Python"])
    child, terminal = in_a_terminal(machine, *RUN[1:])
    shown = b""
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:  # Linux: the other end is closed
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert b"Traceback" not in shown
    assert b"one-trace: " in shown


@pytest.mark.parametrize(
    "gone",
    [
        "store/save.py",
        "assemble/__init__.py",
        "record/search.py",
        "capture/run.py",
        "capture/tracking.py",
        "capture/drawn.py",
    ],
)
def test_a_partial_upgrade_still_runs_the_flow(machine, gone):
    machine.player("02-linear-unicode", exit=5)
    half = machine.root / "half"
    shutil.copytree(ROOT / "one_trace", half / "one_trace", ignore=shutil.ignore_patterns("__pycache__"))
    (half / "one_trace" / gone).unlink()
    machine.env["PYTHONPATH"] = str(half)
    done = machine.one(*RUN)
    assert done.code == 5
    assert b"Traceback" not in done.err
    assert done.err.count(b"\n") == 1, done.err
    assert done.out.count(b"workflow:result") == 1
