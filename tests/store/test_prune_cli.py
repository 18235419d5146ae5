"""`trace prune`: nothing is deleted by mistake, and a run that is imported again is unchanged."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import time
from contextlib import suppress

import pytest
from machine import RECORDINGS, Machine
from made import assembly

from one_trace.store import Store
from one_trace.store.outbox import Outbox

HOUR_MS = 3_600_000


@pytest.fixture
def filled(machine: Machine) -> Machine:
    """Runs of 40 days, 2 hours and 10 minutes ago; the oldest still to be delivered."""
    now = int(time.time() * 1000)
    with Store(machine.data / "traces.db") as store:
        store.save(assembly("00000000000a", start=now - 960 * HOUR_MS), sinks=["traces.com"])
        store.save(assembly("00000000000b", start=now - 2 * HOUR_MS))
        store.save(assembly("00000000000c", start=now - HOUR_MS // 6))
    return machine


def ids(machine: Machine) -> list[str]:
    return [run["runId"][-1] for run in machine.runs()]


@pytest.mark.parametrize("age", ["0d", "1m", "59m", "30s", "2999-01-01"])
def test_runs_of_the_last_hour_go_only_by_force(filled: Machine, age: str) -> None:
    done = filled.one("--agent", "trace", "prune", "--older-than", age)
    assert (done.code, done.document["error"]["code"]) == (2, "wrong-usage")
    assert "--force" in done.document["error"]["hint"]
    assert ids(filled) == ["c", "b", "a"]
    forced = filled.one("--agent", "trace", "prune", "--older-than", age, "--force")
    assert (forced.code, forced.document["kept"]) == (0, 0)


def test_a_dry_run_counts_and_deletes_nothing(filled: Machine) -> None:
    done = filled.one("--agent", "trace", "prune", "--older-than", "1h", "--dry-run").document
    figures = {"deleted": 0, "kept": 1, "dryRun": True, "wouldDelete": 1}
    assert done == {"schema": "one-trace-prune/1", **figures}
    assert filled.one("trace", "prune", "--older-than", "1h", "--dry-run").out.startswith(b"1 run would be")
    assert ids(filled) == ["c", "b", "a"]


def test_prune_does_not_ask_without_a_terminal(filled: Machine) -> None:
    assert filled.one("trace", "prune", "--older-than", "1h").out.startswith(b"1 run deleted")
    assert ids(filled) == ["c", "a"]


@pytest.mark.parametrize(
    ("answer", "more", "left"),
    [
        (b"y\n", [], "ca"),
        (b"n\n", [], "cba"),
        (b"\n", [], "cba"),
        (b"\x04", [], "cba"),
        (b"", ["--yes"], "ca"),
    ],
)
def test_prune_asks_first_on_a_terminal(filled: Machine, answer: bytes, more: list[str], left: str) -> None:
    terminal, theirs = pty.openpty()
    argv = ["trace", "prune", "--older-than", "1h", *more]
    process = filled.start(*argv, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE)
    os.write(terminal, answer)
    process.communicate(timeout=120)
    os.close(theirs)
    asked = b""
    with suppress(OSError):  # EIO: all is read, and nobody has it open
        while chunk := os.read(terminal, 4096):
            asked += chunk
    os.close(terminal)
    assert (b"Nothing deleted." in asked) == (answer in (b"n\n", b"\n"))
    assert process.returncode == (0 if left == "ca" else 1)
    assert "".join(ids(filled)) == left


@pytest.mark.parametrize("slip", ["run", "purge", "prun", "runs", "log-out", "logou"])
def test_no_typo_is_answered_with_a_verb_that_deletes(machine: Machine, slip: str) -> None:
    done = machine.one("--agent", "trace", slip)
    assert done.code == 2
    assert not {"prune", "logout"} & set(done.document["error"]["hint"].replace("'", " ").split())


def test_a_run_that_is_pruned_and_imported_again_is_unchanged(machine: Machine) -> None:
    machine.player("02-linear-unicode")
    run = machine.one("--agent", "flow", "execute", "x", "--trace").saved["runId"]
    with Store(machine.data / "traces.db") as store:
        store.connection.execute("UPDATE runs SET executor_version = '1.52.1'")
        box = Outbox(store)
        box.again(run, "traces.com")
        box.sent(box.claim(["traces.com"]), "https://traces.com/s/x")
    before = machine.runs()
    assert machine.one("--agent", "trace", "prune", "--older-than", "0d", "--force").document["deleted"] == 1
    assert machine.runs() == []
    assert machine.one("--agent", "trace", "import").document["imported"] == 1
    assert before[0]["executor"]["version"] == "1.52.1"
    assert machine.runs() == before


def test_the_executor_version_of_a_foreign_record_is_unknown(machine: Machine) -> None:
    flows = machine.project / ".one" / "flows"
    for folder, to in (("flows", flows), ("logs", flows / ".logs"), ("runs", flows / ".runs")):
        shutil.copytree(RECORDINGS / "01-transform" / folder, to, dirs_exist_ok=True)
    machine.one("--agent", "trace", "import")
    assert machine.runs()[0]["executor"]["version"] is None
