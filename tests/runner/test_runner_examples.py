"""The sample flows: they can be copied, are valid, and show what they promise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from flows import ROOT, Project

from one_trace.examples import COMMAND, FLOWS, TOUR, copy_to


def test_the_tour_shows_what_it_promises(project: Project) -> None:
    copy_to(project.root)
    ran = project.one("--agent", "flow", "execute", TOUR, "--allow-bash")
    assert ran.code == 0, ran.stdout
    assert ran.steps["publish"] == {"status": "skipped"}
    assert (ran.steps["fetch"]["status"], ran.steps["fetch"]["retries"]) == ("success", 2)
    branches = {branch["status"] for branch in ran.steps["lookups"]["output"]}
    assert branches == {"success", "timeout"}
    assert ran.steps_logged.count("+greet") == 3
    assert ran.steps["system"]["output"]["greeted"] == 3
    assert ran.result["status"] == "success"


def test_every_sample_is_a_valid_flow(project: Project) -> None:
    copy_to(project.root)
    for folder in FLOWS.iterdir():
        assert project.one("--agent", "flow", "validate", folder.name).lines == [
            {"valid": True, "key": folder.name}
        ]


def test_a_flow_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    first = copy_to(tmp_path)
    assert {file.name for file in first} == {"flow.json"}
    mine = tmp_path / ".one" / "flows" / TOUR / "flow.json"
    mine.write_text("{}")
    assert copy_to(tmp_path) == []
    assert json.loads(mine.read_text()) == {}


def test_the_command_says_what_to_type_next(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "one_trace.examples", str(tmp_path / "my dir")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True
    )
    assert done.stdout.endswith(f"Next: cd '{tmp_path}/my dir' && {COMMAND}\n")
    (tmp_path / "file").write_text("")
    command[-1] = str(tmp_path / "file")
    failed = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}, check=False
    )
    assert failed.returncode == 1
    assert "cannot write the sample flows" in failed.stderr
    assert "Traceback" not in failed.stderr
