"""Runs that are not simple, made at random: resumed, one beside the other, stopped, dry."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from one_trace.assemble import assemble
from one_trace.engine.call import RunOptions
from one_trace.record.files import RunFiles, discover
from one_trace.record.reading import read
from tests.assemble.compare import differences
from tests.assemble.generated import Made, Maker, ids, run
from tests.assemble.test_generated import FOUND, node
from tests.effort import effort
from tests.truth import Behaviour, Truth, resume_for_truth, run_for_truth

pytestmark = [pytest.mark.program, node]


def resumed(made: Made, project: Path, random: Random) -> tuple[Truth, list[str]]:
    """Run it, and resume it until it has succeeded, three times at most; each time less goes wrong."""
    files, truth, _ = run(made, project)
    steps = sorted(made.bodies)

    while truth["status"] == "error" and truth["resumes"] < 3:
        fixed = {step for step in steps if random.random() < 0.5}

        def behaviour(step: dict[str, Any], before: int, attempt: int, fixed=fixed) -> Behaviour | None:
            found = made.behaviour(step, before, attempt)
            if found is not None and step["id"] in fixed:
                return Behaviour(duration_ms=found.duration_ms, output=found.output)
            return found

        truth = resume_for_truth(files, truth, behaviour=behaviour)
    return truth, differences(truth, assemble(read(files)).trace)


@pytest.mark.parametrize("wide", [False, True])
def test_resumed_runs(wide: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What stays open is what stays open of runs that are not resumed: see the method's README."""
    wrong = []
    goes: Counter[int] = Counter()
    for seed in range(effort(40, 150)):
        made = Maker(Random(seed), problem=True, wide=wide).make(2)
        truth, differ = resumed(made, tmp_path_factory.mktemp("made"), Random(seed))
        goes[truth["resumes"]] += 1
        if differ:
            wrong.append((seed, differ[0]))
    assert goes[1] + goes[2] + goes[3] > effort(4, 20)
    assert len(wrong) <= 2, wrong


@pytest.mark.parametrize("case", sorted(FOUND.glob("resumed/*.json")), ids=lambda case: case.stem)
def test_what_resumed_runs_have_found_stays_right(case: Path, tmp_path: Path) -> None:
    truth, differ = resumed(Made.from_json(case.read_text()), tmp_path, Random(5))
    assert truth["resumes"] > 0
    assert differ == []


def stopped_everywhere(
    seed: int, project: Path, options: dict[str, bool]
) -> list[tuple[str, str, list[str]]]:
    """The run with each of its steps, at any depth, as the one to stop after: how it ended, what differs."""
    made = Maker(Random(seed), problem=False, wide=True).make(2)
    shown = []
    for number, step in enumerate(sorted(ids(made.flows["main"]["steps"]))):
        folder = project / str(number)
        folder.mkdir()
        files, truth = run_for_truth(
            folder,
            made.flows,
            "main",
            behaviour=made.behaviour,
            options=RunOptions(stop_after=step, **options),
        )
        trace = assemble(read(files)).trace
        differ = differences(truth, trace)
        if trace.run.status != truth["status"]:
            differ.append(f"the run is {trace.run.status} for {truth['status']}")
        shown.append((step, truth["status"], differ))
    return shown


@pytest.mark.parametrize("options", [{}, {"mock": True}, {"dry_run": True}, {"dry_run": True, "mock": True}])
def test_runs_stopped_after_each_of_their_steps(
    options: dict[str, bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Beside the step, in a concurrent loop or a block, what goes on is stopped when it comes there."""
    ended: Counter[str] = Counter()
    for seed in range(effort(6, 20)):
        for step, status, differ in stopped_everywhere(seed, tmp_path_factory.mktemp("made"), options):
            assert differ == [], (seed, step)
            ended[status] += 1
    assert ended["stopped"] > effort(15, 50)
    assert ended["success"] > effort(1, 5)  # of a block's own children none is ever stopped after


@pytest.mark.parametrize("seed", range(5))
def test_a_dry_run_has_no_spans(seed: int, tmp_path: Path) -> None:
    made = Maker(Random(seed), problem=True, wide=True).make(2)
    files, truth = run_for_truth(tmp_path, made.flows, "main", options=RunOptions(dry_run=True))
    trace = assemble(read(files)).trace
    assert (truth["spans"], trace.spans) == ([], [])
    assert trace.run.status == truth["status"] == "success"
    assert not trace.run.partial


def two_runs(seed: int, project: Path) -> list[tuple[RunFiles, Truth]]:
    """Two runs of the same flows in one folder, at the same time by their clocks; steps take other times."""
    made = Maker(Random(seed), problem=False, wide=True).make(2)
    first = run_for_truth(project, made.flows, "main", behaviour=made.behaviour)
    slower = {
        step: [Behaviour(duration_ms=each.duration_ms + 3, output=each.output) for each in bodies]
        for step, bodies in made.bodies.items()
    }
    made.bodies = slower
    return [first, run_for_truth(project, made.flows, "main", behaviour=made.behaviour)]


def _log(files: RunFiles) -> Path:
    assert files.log is not None
    return files.log


@pytest.mark.parametrize("seed", range(effort(4, 12)))
def test_two_runs_interleaved_in_one_folder(seed: int, tmp_path: Path) -> None:
    runs = two_runs(seed, tmp_path)
    logs = {}
    for files, _ in runs:
        assert files.log is not None
        logs[files.log] = files.log.read_bytes().splitlines(keepends=True)
        files.log.write_bytes(b"")
    for turn in range(max(map(len, logs.values()))):
        for log, lines in logs.items():  # the two write in turns
            with log.open("ab") as file:
                file.write(b"".join(lines[turn : turn + 1]))
        for files in discover([tmp_path])[0]:  # and while they do, each is what its own lines say
            started = sum(b'"msg":"step:start"' in line for line in logs[_log(files)][: turn + 1])
            trace = assemble(read(files)).trace
            assert sum("startMs" not in span.derived for span in trace.spans) == started
    found = {files.run_id: files for files in discover([tmp_path])[0]}
    assert set(found) == {files.run_id for files, _ in runs}
    for files, truth in runs:
        trace = assemble(read(found[files.run_id])).trace
        assert trace.run.run_id == files.run_id
        assert differences(truth, trace) == []


def test_a_folder_of_two_runs_is_imported_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    project.mkdir()
    runs = two_runs(1, project)
    monkeypatch.setenv("ONE_TRACES_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    words = subprocess.run(
        [sys.executable, "-m", "one_trace", "--agent", "trace", "import", str(project)],
        capture_output=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    ).stdout
    document = json.loads(words)
    assert (document["imported"], document["problems"]) == (2, [])
    shown = {run["runId"]: (run["status"], run["spans"]) for run in document["runs"]}
    assert shown == {files.run_id: (truth["status"], len(truth["spans"])) for files, truth in runs}
