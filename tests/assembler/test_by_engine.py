"""What the engine makes of records whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from one_trace.assembler import assemble
from one_trace.record.reading import read
from tests.assemble import score_fidelity
from tests.assemble.recorded import cases, lay_out
from tests.assemble.test_fidelity import truth_of
from tests.assembler.score import scored
from tests.oracle.hostile import hostile_run


@pytest.mark.parametrize("case", cases())
def test_every_span_of_a_recorded_run_is_right(case: str, tmp_path: Path) -> None:
    documents = {
        files.run_id: json.loads(msgspec.json.encode(assemble(read(files)).trace))
        for files in lay_out(case, tmp_path)
    }
    for run in truth_of(case)["runs"]:
        found = score_fidelity.Run(run, documents[run["runId"]])
        assert (found.wrong, found.missing, found.extra, found.run_wrong) == ([], [], [], [])


@pytest.mark.program
@pytest.mark.parametrize("kind", ["trouble", "wide", "killed"])
def test_random_runs_are_right(kind: str) -> None:
    for seed in range(93_000_000, 93_000_008):
        with hostile_run(kind, seed) as run:
            if run is not None:
                assert scored(run, "engine", f"{kind} {seed}")["right"] == 1
