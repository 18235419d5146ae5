"""`trace import` reads a record once: then only if one of its files, its flow or the store has changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from machine import RECORDINGS, Machine

from one_trace.store import Store

CASE = "14-subflow"
HOUR_AGO = 1_700_000_000.5


@pytest.fixture
def known(machine: Machine) -> Machine:
    """A machine with one recorded run that has been imported."""
    for folder, to in (("flows", ""), ("logs", ".logs"), ("runs", ".runs")):
        shutil.copytree(RECORDINGS / CASE / folder, flows(machine) / to, dirs_exist_ok=True)
    for path in flows(machine).rglob("*"):
        os.utime(path, (HOUR_AGO, HOUR_AGO))
    assert imported(machine) == ["new"]
    return machine


def flows(machine: Machine) -> Path:
    return machine.project / ".one" / "flows"


def log(machine: Machine) -> Path:
    return next((flows(machine) / ".logs").iterdir())


def imported(machine: Machine) -> list[str]:
    return [run["state"] for run in machine.one("--agent", "trace", "import").document["runs"]]


def make_unreadable(path: Path) -> None:
    """Other content, with nothing in names, size and times that shows it."""
    path.write_bytes(b" " * path.stat().st_size)
    os.utime(path, (HOUR_AGO, HOUR_AGO))


def test_a_record_that_has_not_changed_is_not_read_again(known: Machine) -> None:
    first = known.one("--agent", "trace", "import").document
    for path in [*(flows(known) / ".logs").iterdir(), *(flows(known) / ".runs").iterdir()]:
        make_unreadable(path)
    assert known.one("--agent", "trace", "import").document == first


def test_a_file_that_was_written_to_is_read_again(known: Machine) -> None:
    log(known).write_bytes(log(known).read_bytes() + b"{damaged\n")
    document = known.one("--agent", "trace", "import").document
    assert any("log" in problem for problem in document["problems"])


def test_a_flow_that_was_edited_is_reported(known: Machine) -> None:
    for path in flows(known).rglob("*.json"):
        if path.parent.name != ".runs":
            path.write_text(path.read_text().replace('"name"', '"description": "x", "name"', 1))
    assert known.one("--agent", "trace", "import").document["changedFlows"]


def test_a_run_that_was_pruned_is_imported_again(known: Machine) -> None:
    with Store(known.data / "traces.db") as store:
        keys = [run.run_id for run in store.runs()]
    assert known.one("--agent", "trace", "prune", "--older-than", "1h", "--yes").code == 0
    assert imported(known) == ["new"] * len(keys)


def test_a_record_that_could_not_be_read_is_reported_again(known: Machine) -> None:
    torn = flows(known) / ".runs" / "torn-0123456789ab.state.json"
    torn.write_bytes(b"{}\n")
    os.utime(torn, (HOUR_AGO, HOUR_AGO))
    first = known.one("--agent", "trace", "import").document
    assert any("torn-0123456789ab" in problem for problem in first["problems"])
    assert known.one("--agent", "trace", "import").document == first
