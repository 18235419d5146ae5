"""`trace list`, `trace import`, `trace prune` as programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from machine import RECORDINGS, ROOT, Machine
from made import USAGE, assembly, span

from one_trace.store import Store


def lay_out(machine: Machine, *cases: str) -> None:
    flows = machine.project / ".one" / "flows"
    for case in cases:
        for folder, to in (("flows", flows), ("logs", flows / ".logs"), ("runs", flows / ".runs")):
            shutil.copytree(RECORDINGS / case / folder, to, dirs_exist_ok=True)


def store(machine: Machine) -> Store:
    return Store(machine.data / "traces.db")


def test_past_runs_are_imported_once(machine: Machine) -> None:
    lay_out(machine, "01-transform", "14-subflow", "27-retry-third")
    first = machine.one("--agent", "trace", "import")
    assert (first.code, first.document["imported"], first.document["problems"]) == (0, 3, [])
    assert {run["state"] for run in first.document["runs"]} == {"new"}
    again = machine.one("--agent", "trace", "import").document
    assert (again["imported"], again["updated"], again["unchanged"]) == (0, 0, 3)
    assert len(machine.runs()) == 3
    assert b"3 already there" in machine.one("trace", "import").out


def test_unreadable_records_are_listed_and_the_rest_is_imported(machine: Machine) -> None:
    lay_out(machine, "01-transform")
    runs = machine.project / ".one/flows/.runs"
    (runs / "torn-0123456789ab.state.json").write_bytes(b'{"runId": "0123')
    done = machine.one("--agent", "trace", "import")
    assert done.code == 0
    assert "success" in {run["status"] for run in machine.runs()}
    assert any("torn-0123456789ab" in problem for problem in done.document["problems"])


def test_nothing_to_import_is_success_and_a_wrong_path_is_failure(machine: Machine) -> None:
    nothing = machine.one("--agent", "trace", "import")
    assert (nothing.code, nothing.document["runs"]) == (0, [])
    wrong = machine.one("--agent", "trace", "import", "nowhere")
    assert wrong.code == 1
    assert "nowhere" in wrong.document["problems"][0]


def test_a_record_that_was_damaged_later_does_not_replace_its_run(machine: Machine) -> None:
    lay_out(machine, "14-subflow")
    machine.one("trace", "import")
    before = machine.one("--agent", "trace", "show", "--full").out
    for log in (machine.project / ".one/flows/.logs").iterdir():
        log.write_bytes(log.read_bytes()[:200])
    machine.one("trace", "import")
    assert machine.one("--agent", "trace", "show", "--full").out == before


def test_list_filters_and_counts(machine: Machine) -> None:
    with store(machine) as open_store:
        for number in range(60):
            status = "error" if number % 10 == 0 else "success"
            open_store.save(assembly(f"{number + 1:012x}", flow_key=f"flow-{number % 2}", status=status))
    assert len(machine.runs()) == 60
    listed = machine.one("--agent", "trace", "list", "--status", "error", "--limit", "4").document
    assert (len(listed["runs"]), listed["total"]) == (4, 6)
    assert b"56 more" in machine.one("trace", "list", "--limit", "4").out
    assert machine.one("--agent", "trace", "list", "--flow", "flow-1").document["total"] == 30
    assert machine.one("--agent", "trace", "list", "--since", "1h").document["runs"] == []
    assert machine.one("--agent", "trace", "list", "--since", "yesterday").code == 2


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_table_fits_any_page(machine: Machine, columns: int) -> None:
    with store(machine) as open_store:
        open_store.save(assembly(flow_key="a-flow-with-a-name-that-does-not-end-" * 4, usage=USAGE))
        open_store.save(
            assembly("00000000000b", spans=[span("x", status="error", retries=3)], status="error")
        )
    page = machine.one("trace", "list", env={"COLUMNS": str(columns)}).out.decode()
    assert max(map(len, page.split("\n"))) <= columns
    assert "\x1b" not in page
    assert "00000000000b" in page


def test_prune_keeps_runs_that_are_not_delivered(machine: Machine) -> None:
    with store(machine) as open_store:
        open_store.save(assembly())
        open_store.save(assembly("00000000000b"), sinks=["traces.com"])
    done = machine.one("--agent", "trace", "prune", "--older-than", "1d").document
    assert done == {"schema": "one-trace-prune/1", "deleted": 1, "kept": 1}
    assert machine.one("--agent", "trace", "prune", "--older-than", "1d", "--force").document["deleted"] == 1
    assert machine.runs() == []


def test_an_unusable_store_is_one_error_document(machine: Machine) -> None:
    (machine.data / "traces.db").write_bytes(b"no database " * 100)
    for verb in (["list"], ["show"], ["sync"], ["prune", "--older-than", "1d"]):
        done = machine.one("--agent", "trace", *verb)
        assert (done.code, done.document["error"]["code"]) == (1, "store-damaged"), verb


@pytest.mark.program
def test_list_imports_nothing_that_is_slow(tmp_path: Path) -> None:
    code = (
        "import sys; from one_trace.main import main; sys.argv[1:] = ['--agent', 'trace', 'list']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('rich', 'pydantic', 'httpx', 'tomlkit', 'platformdirs') if m in sys.modules])"
    )
    env = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": ""}
    out = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout
    assert out.split("\n")[1] == "[]"
