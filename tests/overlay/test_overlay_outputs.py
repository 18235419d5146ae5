"""Files that we write, and modules that we import: nothing that a project has put there is used."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest
from machine import ROOT

from tests.assemble.recorded import MadeRun, code

OUTPUTS = (
    *((("stats", "-o"), form) for form in ("csv", "json", "parquet")),
    *(
        (("export", "last", "--format", form, "-o"), form)
        for form in ("json", "events", "otlp", "perfetto", "html")
    ),
)
EACH = pytest.mark.parametrize(
    ("argv", "form"), OUTPUTS, ids=lambda each: each if isinstance(each, str) else each[0]
)


@pytest.fixture
def traced(machine):
    machine.player("02-linear-unicode")
    assert machine.one("--agent", "flow", "execute", "k", "--trace").code == 0
    return machine


def write(machine, argv, target, umask=0o022):
    if target.suffix == ".parquet":
        pytest.importorskip("pyarrow")
    return machine.one("--agent", "trace", *argv, str(target), umask=umask)


@EACH
@pytest.mark.parametrize("umask", [0, 0o022])
def test_what_is_written_is_the_users_alone(traced, argv, form, umask):
    target = traced.project / f"out.{form}"
    assert write(traced, argv, target, umask).code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    target.chmod(0o644)
    assert write(traced, argv, target, umask).code == 0
    assert target.stat().st_mode & 0o777 == 0o600, "an older file is closed"


@EACH
def test_nothing_is_written_through_a_link(traced, argv, form):
    victim = traced.write(traced.root / "victim", "precious")
    target = traced.project / f"out.{form}"
    target.symlink_to(victim)
    done = write(traced, argv, target)
    assert (done.code, done.document["error"]["code"]) == (1, "os-error")
    assert victim.read_text() == "precious"
    target.unlink()
    target.symlink_to(traced.root / "nowhere")
    assert write(traced, argv, target).code == 1
    assert not (traced.root / "nowhere").exists()


def test_standard_output_can_be_named_as_a_file(traced):
    by_name = traced.one("trace", "export", "last", "-o", "/dev/stderr")
    assert json.loads(by_name.err)["schema"] == "one-trace/1"
    assert traced.one("trace", "stats", "--format", "csv", "-o", "-").out.startswith(b"flow,")


def test_a_file_that_cannot_be_finished_is_not_left_behind(traced):
    target = traced.project / "missing" / "out.csv"
    assert write(traced, ("stats", "-o"), target).document["error"]["code"] == "os-error"
    assert not target.exists()


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|'/C calc'!A0", "safe", "a=b", "1")


def test_a_name_in_csv_is_never_a_formula(machine):
    made = MadeRun(machine.project).flow([code(name) for name in FORMULAS])
    for name in FORMULAS:
        made.start(name).after(1).end(name, 1)
    made.write()
    assert machine.one("trace", "import").code == 0
    rows = list(csv.DictReader(machine.one("trace", "stats", "--format", "csv").out.decode().splitlines()))
    cells = [row["step_id"] for row in rows]
    assert cells == [
        "'=1+1",
        "'+1",
        "'-1",
        "'@SUM(A1)",
        "' =1",
        "' =1",
        "'=cmd|'/C calc'!A0",
        "safe",
        "a=b",
        "1",
    ]
    assert rows[0]["duration_ms"] == "1"
    assert "spreadsheet" in machine.one("trace", "stats", "--help").out.decode()


MODULES = (
    "click",
    "msgspec",
    "sqlite3",
    "json",
    "re",
    "signal",
    "select",
    "shutil",
    "pathlib",
    "tomllib",
    "httpx",
    "rich",
)


@pytest.mark.parametrize(
    "argv",
    [
        ["-m", "one_trace", "trace", "list"],
        ["-m", "one_trace", "trace", "nope"],
        ["-m", "one_trace", "--agent", "trace", "stats"],
        ["-m", "one_trace", "flow", "list"],
        ["-m", "one_trace", "config", "list"],
        ["-m", "one_trace.examples", "samples"],
    ],
    ids=" ".join,
)
def test_python_m_imports_nothing_of_the_folder_it_is_started_in(machine, argv):
    for name in MODULES:
        machine.write(machine.project / f"{name}.py", f"import os\nos.mkdir({str(machine.root / 'ran')!r})\n")
    done = subprocess.run(
        [sys.executable, *argv],
        cwd=machine.project,
        env=machine.env,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    assert not (machine.root / "ran").exists()


def test_a_checkout_can_be_started_in_its_own_folder(machine):
    env = {name: value for name, value in machine.env.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "one_trace", "trace", "--help"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        check=False,
    )
    assert done.stdout.startswith(b"Usage: one trace"), done.stderr
