"""Any bytes that a system can hand us: in folders' names, arguments and variables, in sizes of terminals."""

from __future__ import annotations

import json
import os
import pty
import shutil
import sys
from pathlib import Path

import pytest
from machine import Done
from traces_server import KEY, fake_traces_server

BYTE = os.fsdecode(b"\xff")
ODD = os.fsdecode(b"bad\xff\xe9dir")
SHOWN = "bad\\xff\\xe9dir"


@pytest.fixture
def odd(machine):
    """A machine with a run that was traced in a folder, by a session and with an argument of odd bytes."""
    if sys.platform == "darwin":
        pytest.skip("its file system takes UTF-8 alone")
    machine.player("02-linear-unicode")
    (machine.root / ODD).mkdir()
    machine.env |= {"CLAUDE_CODE_SESSION_ID": BYTE, "ODD": BYTE}
    machine.done = one(machine, "--agent", "flow", "execute", "k", "-i", f"a={BYTE}", "--trace")
    return machine


def one(machine, *argv: str, **options) -> Done:
    done = machine.one(*argv, cwd=machine.root / ODD, **options)
    assert b"Traceback" not in done.err + done.out, (argv, done)
    done.out.decode()
    done.err.decode()
    return done


def test_it_is_traced_and_its_folder_and_session_are_told(odd):
    assert odd.done.saved["spans"] == 3
    run = one(odd, "--agent", "trace", "show", "--full").document["run"]
    assert Path(run["cwd"]).name == SHOWN
    assert run["session"]["sessionId"] == "\\xff"
    assert one(odd, "--agent", "trace", "list").document["total"] == 1


@pytest.mark.parametrize("form", ["json", "events", "otlp", "perfetto", "html"])
def test_it_is_exported_in_every_form_also_to_a_file_of_that_name(odd, form):
    printed = one(odd, "trace", "export", "last", "--format", form)
    assert printed.code == 0
    reported = one(odd, "--agent", "trace", "export", "last", "--format", form, "-o", f"{ODD}.out")
    assert (odd.root / ODD / f"{ODD}.out").read_bytes() == printed.out
    assert Path(reported.document["path"]).name == f"{SHOWN}.out"


def test_it_is_delivered_under_the_settings_of_its_own_folder(odd):
    odd.write(
        odd.root / ODD / ".one" / "traces.toml", '[traces]\nnamespace = "@my-org"\nvisibility = "direct"\n'
    )
    with fake_traces_server() as traces_server:
        odd.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": traces_server.url}
        one(odd, "--agent", "flow", "execute", "k", "--trace")
        (trace,) = traces_server.traces.values()
    assert trace["visibility"] == "direct"
    assert SHOWN in json.dumps(trace).replace("\\\\", "\\")


def test_imported_again_it_is_the_same_run(odd):
    assert one(odd, "--agent", "trace", "import").document["unchanged"] == 1
    assert odd.one("--agent", "trace", "import", str(odd.root / ODD)).document["unchanged"] == 1


VERBS = (
    ("show", BYTE),
    ("show", "last", "--step", BYTE),
    ("list", "--flow", BYTE),
    ("list", "--since", BYTE),
    ("list", "--status", BYTE),
    ("stats", BYTE),
    ("stats", "-o", f"{BYTE}.csv"),
    ("stats", "-o", f"{BYTE}.json"),
    ("insights", BYTE),
    ("cost", BYTE),
    ("diff", "last", BYTE),
    ("diff", f"{BYTE}@last", "last"),
    ("import", BYTE),
    ("sync",),
    ("share", BYTE),
    ("open",),
    ("prune", "--older-than", BYTE),
    ("doctor", "--offline"),
    (BYTE,),
)


def test_every_verb_takes_any_argument_and_answers_with_one_document(odd):
    for argv in VERBS:
        one(odd, "trace", *argv)
        assert isinstance(one(odd, "--agent", "trace", *argv).document, dict)
    for argv in (("set", BYTE, BYTE), ("set", "traces.data_dir", f"/{BYTE}"), ("get", BYTE), ("list",)):
        assert isinstance(one(odd, "--agent", "config", *argv).document, dict)
    assert one(odd, "trace", "login", input=b"\xff\xfe").code == 2


@pytest.mark.parametrize(
    "name",
    [
        "ONE_TRACES_NAMESPACE",
        "ONE_TRACES_SINKS",
        "TRACES_API_KEY",
        "ONE_TRACE_PARENT",
        "TRACEPARENT",
        "TERM",
        "LANG",
    ],
)
def test_a_variable_of_any_bytes_stops_no_trace(odd, name):
    odd.env[name] = BYTE
    done = one(odd, "--agent", "flow", "execute", "k", "--trace")
    assert done.code == 0
    assert done.notes[-1]["event"] == "trace:saved"
    one(odd, "trace", "list")


SIZES = ("²", "999999999", "99999999999999999999", "-1", "0", "1", "x", BYTE)


@pytest.mark.parametrize("size", SIZES)
def test_a_terminal_of_any_size_is_drawn_on(odd, size):
    odd.env |= {"COLUMNS": size, "LINES": size, "TERM": "xterm"}
    for argv in (["trace", "show"], ["trace", "list"], ["trace", "stats"], ["trace", "--help"]):
        done = one(odd, *argv)
        assert done.code == 0
        assert max(map(len, done.out.decode().split("\n"))) <= 1000
    drawn = on_terminal(odd, "flow", "execute", "k", "--trace")
    assert b"traced " in drawn
    assert b"cannot draw" not in drawn
    assert len(drawn) < 1_000_000


def on_terminal(machine, *argv):
    ours, theirs = pty.openpty()
    process = machine.start(*argv, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    while True:
        try:
            parts.append(os.read(ours, 65536))
        except OSError:
            break
    os.close(ours)
    assert process.wait(timeout=120) == 0
    return b"".join(parts)


def test_the_built_in_runner_runs_and_traces_there(odd):
    found = shutil.which("node")
    if not found:
        pytest.skip("needs Node")
    (odd.bin / "one").unlink()
    (odd.bin / "node").symlink_to(found)
    steps = [{"id": "s", "name": "s", "type": "transform", "transform": {"expression": "1"}}]
    flow = {"key": "k", "name": "K", "description": "", "version": "1", "inputs": {}, "steps": steps}
    odd.write(odd.root / ODD / ".one/flows/k/flow.json", json.dumps(flow))
    assert one(odd, "--agent", "flow", "execute", "k", "--trace").saved["spans"] == 1
    for argv in (
        ["flow", "execute", BYTE],
        ["flow", "validate", BYTE],
        ["flow", "resume", BYTE],
    ):
        assert one(odd, *argv).code == 1
