"""Several versions of one-trace with one store: none locks another out, and no run is lost."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from machine import Machine
from made import assembly

from one_trace.model.trace import Session
from one_trace.store import Store
from one_trace.store.migrations import LAYOUT, MIGRATIONS

OLD = Path(__file__).parent / "stores" / "traces-0.1.0.db"
"""Three runs stored by 0.1.0: one sent, one queued with usage and a cause, one partial."""
RUN = ["--agent", "flow", "execute", "x", "--trace"]
KNOWN_TO_0_1_0 = {
    "0001-runs-spans-outbox",
    "0002-spans-with-usage",
    "0003-trace-context",
    "0004-other-events",
    "0005-other-fields",
}


@pytest.fixture
def old(machine: Machine) -> Machine:
    """A machine with the store of 0.1.0."""
    machine.player("02-linear-unicode")
    machine.env["ONE_TRACES_RETENTION"] = "forever"
    shutil.copy(OLD, machine.data / "traces.db")
    return machine


def checks(machine: Machine) -> list[dict]:
    """The checks of the store that doctor prints."""
    found = machine.one("--agent", "trace", "doctor", "--offline").document["checks"]
    return [check for check in found if check["check"] == "store"]


def test_a_store_of_0_1_0_is_read_and_added_to(old: Machine) -> None:
    runs = {run["runId"]: run for run in old.runs()}
    assert list(runs) == ["00000000000c", "00000000000b", "00000000000a"]
    assert runs["00000000000a"]["uploads"][0]["state"] == "sent"
    trace = old.one("--agent", "trace", "export", "00000000000b", "--format", "json").document
    assert [span["stepId"] for span in trace["spans"]] == ["each", "call", "call", "call"]
    assert trace["run"]["session"] == {"agent": "codex", "sessionId": "t-1"}
    assert trace["run"]["cause"]["error"] == "exit 1"
    assert old.one(*RUN).saved
    assert len(old.runs()) == 4
    assert [check["state"] for check in checks(old)] == ["ok"]


def test_the_ledger_that_0_1_0_reads_has_only_names_it_knows(old: Machine) -> None:
    """It refuses a store with any name in `migrations` that it does not know."""
    old.one(*RUN)
    with sqlite3.connect(old.data / "traces.db") as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM migrations")}
        # Its own statements name their columns: what was added must do without a value.
        for table in ("runs", "spans", "steps", "step_runs", "outbox", "flow_versions"):
            added = connection.execute(f"PRAGMA table_info({table})").fetchall()
            known = sqlite3.connect(OLD).execute(f"PRAGMA table_info({table})").fetchall()
            assert [each[1] for each in added if each[3] and each[4] is None] == [
                each[1] for each in known if each[3] and each[4] is None
            ]
    assert names == KNOWN_TO_0_1_0


@pytest.mark.parametrize("count", range(1, 6))
def test_a_store_with_only_the_first_migrations_is_brought_up_to_date(machine: Machine, count: int) -> None:
    with sqlite3.connect(machine.data / "traces.db") as connection:
        connection.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT DEFAULT '')")
        for name, sql, _ in MIGRATIONS[:count]:
            connection.executescript(sql)
            connection.execute("INSERT INTO migrations (name) VALUES (?)", (name,))
    machine.player("02-linear-unicode")
    assert machine.runs() == []
    assert machine.one(*RUN).saved
    assert len(machine.runs()) == 1


def test_additive_migrations_of_a_newer_version_are_ignored(old: Machine) -> None:
    old.one(*RUN)
    with sqlite3.connect(old.data / "traces.db") as connection:
        connection.execute("ALTER TABLE runs ADD COLUMN mood TEXT")
        connection.execute("INSERT INTO additions (name) VALUES ('0042-mood')")
    assert old.one(*RUN).saved
    assert len(old.runs()) == 5
    assert [check["state"] for check in checks(old)] == ["ok"]


def of_a_newer_copy(machine: Machine) -> None:
    machine.one(*RUN)
    with sqlite3.connect(machine.data / "traces.db") as connection:
        connection.execute("ALTER TABLE runs RENAME COLUMN flow_key TO flow")
        connection.execute("INSERT INTO migrations (name) VALUES ('0099-renamed')")


def test_a_version_that_cannot_write_a_newer_store_has_its_own_beside_it(old: Machine) -> None:
    of_a_newer_copy(old)
    refused = old.one("--agent", "trace", "list")
    assert (refused.code, refused.document["error"]["code"]) == (1, "store-newer")
    saved = old.one(*RUN).saved
    assert [run["runId"] for run in old.runs()] == [saved["runId"]]
    assert (old.data / f"traces-{LAYOUT}.db").exists()
    assert old.one("--agent", "trace", "show", "last").code == 0


def test_doctor_names_a_newer_store_and_the_way_out(old: Machine) -> None:
    of_a_newer_copy(old)
    before = sorted(file.name for file in old.data.glob("*.db"))
    (store,) = checks(old)
    assert (store["state"], store["fix"]) == ("bad", "pip install -U one-trace")
    assert sorted(file.name for file in old.data.glob("*.db")) == before


def test_the_store_of_an_older_version_beside_is_adopted_once(machine: Machine) -> None:
    machine.player("02-linear-unicode")
    machine.env["ONE_TRACES_RETENTION"] = "forever"
    first = machine.one(*RUN).saved["runId"]
    with Store(machine.data / "traces-0004.db") as older:
        older.save(
            assembly("00000000000b"),
            sinks=["traces.com"],
            session=Session(agent="codex", session_id="t-1"),
            parent_run_id="00000000000a",
            traceparent="00-1-2-01",
        )
    second = machine.one(*RUN).saved["runId"]
    runs = {run["runId"]: run for run in machine.runs()}
    assert set(runs) == {first, second, "00000000000b"}
    assert runs["00000000000b"]["uploads"][0]["state"] == "queued"
    assert runs["00000000000b"]["session"] == {"agent": "codex", "sessionId": "t-1"}
    with Store(machine.data / "traces-0004.db", readonly=True) as older:
        assert older.count() == 0, "that version may go on using it"
    with Store(machine.data / "traces.db", readonly=True) as store:
        assert store.family("00000000000b", "traces.com").traceparent == "00-1-2-01"
    assert [check["state"] for check in checks(machine)] == ["ok"]


def test_a_store_that_cannot_be_adopted_is_listed_by_doctor(machine: Machine) -> None:
    machine.player("02-linear-unicode")
    (machine.data / "traces-0004.db").write_bytes(b"no database" * 500)
    assert machine.one(*RUN).saved
    well, left = checks(machine)
    assert (well["state"], left["state"]) == ("ok", "note")
    assert "traces-0004.db" in left["message"]


@pytest.mark.program
def test_a_store_on_a_read_only_medium_is_read(tmp_path: Path) -> None:
    shutil.copy(OLD, tmp_path / "traces.db")
    code = (
        "import os, sys; from pathlib import Path\nos.access = lambda *args, **options: False\n"
        "from one_trace.store import Store\n"
        "with Store(Path(sys.argv[1]), readonly=True) as store: print(len(store.runs()))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "traces.db")]
    before = OLD.read_bytes()
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "3\n"
    assert (tmp_path / "traces.db").read_bytes() == before
