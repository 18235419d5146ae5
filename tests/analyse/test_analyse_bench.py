"""What the figures are measured on is what it is said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from one_trace.assemble import assemble
from one_trace.record.files import discover
from one_trace.record.reading import read
from tests.bench import history, records


def test_a_made_run_has_100_spans_of_25_steps() -> None:
    made = list(history.runs(40, flows=3))
    assert {len(one.trace.spans) for one in made} == {history.SPANS}
    assert {len(set(one.static_paths)) for one in made} == {25 + 1}, "one of them never runs"
    assert len({one.trace.run.run_id for one in made}) == 40
    assert {one.trace.run.flow_key for one in made} == {"flow-00", "flow-01", "flow-02"}


def test_the_same_seed_makes_the_same_runs() -> None:
    assert list(history.runs(3)) == list(history.runs(3))


@pytest.mark.parametrize("spans", [20, 100, 1000])
def test_one_run_has_as_many_spans_as_wanted(spans: int) -> None:
    assert history.one_run(spans).trace.run.counts.spans == spans


@pytest.mark.parametrize("iterations", [0, 3])
def test_a_made_record_is_read_as_it_was_meant(tmp_path: Path, iterations: int) -> None:
    events = records.write_loop(tmp_path, iterations)
    (files,), problems = discover([tmp_path / ".one" / "flows"])
    trace = assemble(read(files)).trace
    assert (problems, events) == ([], 6 + 2 * iterations)
    assert (trace.run.status, len(trace.spans)) == ("success", 1 + iterations)
    assert [span.output_bytes for span in trace.spans[1:]] == [1] * iterations
