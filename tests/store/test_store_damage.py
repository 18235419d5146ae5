"""A damaged store: one error that names the file and what to do, from every command; the run goes on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from flips import DAMAGES, EDITS, damaged, edited, fill
from machine import ROOT, Machine

from tests.effort import effort

HERE = Path(__file__).parent
FLIPS = effort(2, 20) * len(DAMAGES)


@pytest.mark.parametrize(("kind", "count"), [("damaged", FLIPS), ("edited", len(EDITS))])
def test_no_command_ends_in_a_traceback_over_a_damaged_store(machine: Machine, kind: str, count: int) -> None:
    path = os.pathsep.join([str(ROOT), str(HERE.parent), str(HERE)])
    command = [sys.executable, str(HERE / "ask_all.py"), kind, "0", str(count)]
    asked = subprocess.run(
        command, cwd=machine.project, env=machine.env | {"PYTHONPATH": path}, capture_output=True, timeout=600
    )
    assert asked.stdout.decode() == "asked all\n", asked.stdout[:3000] + asked.stderr[-1000:]


@pytest.mark.parametrize("number", range(len(DAMAGES)), ids=list(DAMAGES))
def test_a_run_with_a_damaged_store_is_untouched_and_has_one_line_on_stderr(
    machine: Machine, number: int
) -> None:
    machine.player("02-linear-unicode")
    plain = machine.one("--agent", "flow", "execute", "x", "--no-trace")
    fill(machine.root / "good.db", runs=3)
    damaged(machine.root / "good.db", machine.data / "traces.db", number)
    done = machine.one("--agent", "flow", "execute", "x", "--trace")
    assert (done.code, len(done.out)) == (plain.code, len(plain.out))
    (note,) = done.notes
    if note["event"] == "trace:trouble":
        assert note["code"] == "store-damaged"
        assert str(machine.data / "traces.db") in note["message"]
        assert "one trace import" in note["hint"]
    completed = machine.one("trace", "show", "", env={"_ONE_TRACE_COMPLETE": "1"})
    assert (completed.code, completed.err) == (0, b"")


def test_doctor_names_a_damaged_store_and_how_to_move_it_away(machine: Machine) -> None:
    fill(machine.root / "good.db", runs=3)
    path = machine.data / "traces.db"
    edited(machine.root / "good.db", path, 0)
    done = machine.one("--agent", "trace", "doctor", "--offline")
    (store,) = [check for check in done.document["checks"] if check["check"] == "store"]
    assert (done.code, store["state"]) == (1, "bad")
    assert f"mv '{path}' '{path}.damaged'" in store["fix"]


def test_import_fills_a_new_store_after_the_damaged_one_was_moved_away(machine: Machine) -> None:
    machine.player("02-linear-unicode")
    machine.one("--agent", "flow", "execute", "x", "--trace")
    store = machine.data / "traces.db"
    store.rename(f"{store}.damaged")
    store.with_name("traces.db-wal").write_bytes(b"left over from what was moved away" * 200)
    assert machine.one("--agent", "trace", "import").document["imported"] == 1
    assert len(machine.runs()) == 1
    assert b"is damaged" not in machine.one("trace", "doctor", "--offline").out


@pytest.mark.parametrize("odd", ["fifo", "folder", "device", "link to nowhere"])
def test_a_store_that_is_not_a_plain_file_is_an_error_at_once(machine: Machine, odd: str) -> None:
    path = machine.data / "traces.db"
    match odd:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "link to nowhere":
            path.symlink_to(machine.root / "not mounted" / "traces.db")
    for argv in (["trace", "list"], ["trace", "sync"], ["trace", "doctor", "--offline"]):
        done = machine.one("--agent", *argv)
        assert done.code == 1
        assert str(path) in done.out.decode()
    machine.player("02-linear-unicode")
    (note,) = machine.one("--agent", "flow", "execute", "x", "--trace").notes
    assert note["code"] == "store-unwritable"
    assert path.is_symlink() == (odd in ("device", "link to nowhere")), "what the user put there stays"


def test_doctor_finds_a_run_that_no_command_can_read(machine: Machine) -> None:
    machine.player("02-linear-unicode")
    machine.one("--agent", "flow", "execute", "x", "--trace")
    with sqlite3.connect(machine.data / "traces.db") as connection:
        connection.execute(
            "UPDATE runs SET input_tokens = 5"
        )  # each value is one, and together they are none
    assert machine.one("--agent", "trace", "list").document["error"]["code"] == "store-damaged"
    done = machine.one("--agent", "trace", "doctor", "--offline")
    (store,) = [check for check in done.document["checks"] if check["check"] == "store"]
    assert (done.code, store["state"]) == (1, "bad")
