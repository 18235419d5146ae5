"""Every span of every recorded run, held against what really happened."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from one_trace.assemble import assemble
from one_trace.record.reading import read
from tests.assemble import score_fidelity
from tests.assemble.recorded import RECORDINGS, cases, lay_out


def truth_of(case: str) -> dict:
    path = RECORDINGS / case / "truth.json"
    data = (
        path.read_bytes() if path.exists() else gzip.decompress(path.with_name("truth.json.gz").read_bytes())
    )
    return json.loads(data)


@pytest.mark.parametrize("case", cases())
def test_every_span_is_right(case: str, tmp_path: Path) -> None:
    documents = {
        files.run_id: json.loads(msgspec.json.encode(assemble(read(files)).trace))
        for files in lay_out(case, tmp_path)
    }
    for run in truth_of(case)["runs"]:
        scored = score_fidelity.Run(run, documents[run["runId"]])
        assert scored.wrong == []
        assert scored.missing == []
        assert scored.extra == []
        assert scored.run_wrong == []


@pytest.mark.parametrize("case", cases())
def test_the_document_holds_together(case: str, tmp_path: Path) -> None:
    for files in lay_out(case, tmp_path):
        trace = assemble(read(files)).trace
        seen: set[str] = set()
        for span in trace.spans:
            assert span.span_id not in seen
            assert span.parent_span_id is None or span.parent_span_id in seen
            assert (span.parent_span_id is None) == (span.parent_attempt is None)
            assert span.retries == span.attempts - 1
            seen.add(span.span_id)
        starts = [span.start_ms for span in trace.spans]
        assert starts == sorted(starts)
        counts = trace.run.counts
        shown = (
            counts.success
            + counts.error
            + counts.timeout
            + counts.skipped
            + counts.stopped
            + counts.incomplete
        )
        assert counts.spans == len(trace.spans) == shown


@pytest.mark.parametrize("case", ["12-parallel-containers", "49-resume-failed", "76-conc-loop-instant"])
def test_a_record_gives_the_same_trace_every_time(case: str, tmp_path: Path) -> None:
    (files,) = lay_out(case, tmp_path)
    assert assemble(read(files)) == assemble(read(files))
