"""Damaged records: never an exception, a run that says what is wrong, earlier spans unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from one_trace.assemble import assemble
from one_trace.errors import RecordTrouble
from one_trace.model import Trace
from one_trace.record import RunFiles, read
from tests.assemble.recorded import MadeRun, code, lay_out

SMALL = [
    "06-loop-seq",
    "12-parallel-containers",
    "24b-timeout-ghost-after-result",
    "45-stop-after-subflow-id",
]
LARGE = [
    *SMALL,
    "18-three-level",
    "49-resume-failed",
    "55-parallel-fail-flow",
    "65-same-ids-across",
    "76-conc-loop-instant",
]


def assembled(files: RunFiles) -> Trace | None:
    try:
        return assemble(read(files)).trace
    except RecordTrouble:
        return None


def check(trace: Trace | None) -> None:
    """What holds of any trace, whatever it was made of."""
    if trace is None:
        return
    seen: set[str] = set()
    for span in trace.spans:
        assert span.span_id not in seen
        assert span.parent_span_id is None or span.parent_span_id in seen
        assert span.status != "incomplete" or span.duration_ms is None
        assert span.attempts >= 1
        seen.add(span.span_id)


@pytest.mark.parametrize("case", SMALL)
def test_a_log_cut_at_every_byte(case: str, tmp_path: Path) -> None:
    (files,) = lay_out(case, tmp_path)
    assert files.log is not None
    assert files.state is not None
    whole = files.log.read_bytes()
    files.state.unlink()
    files = RunFiles(project=files.project, flow_key=files.flow_key, run_id=files.run_id, log=files.log)
    for cut in range(len(whole) - 1, 0, -7):
        files.log.write_bytes(whole[:cut])
        trace = assembled(files)
        check(trace)
        if trace is not None and trace.run.ended_at is None and cut < len(whole) * 0.8:
            assert trace.run.partial is not UNSET


@pytest.mark.parametrize("case", ["06-loop-seq", "18-three-level", "21-bash-envelope"])
def test_a_state_cut_anywhere(case: str, tmp_path: Path) -> None:
    (files,) = lay_out(case, tmp_path)
    assert files.state is not None
    whole = files.state.read_bytes()
    spans = len(assemble(read(files)).trace.spans)
    for cut in range(0, len(whole) - 2, max(1, len(whole) // 60)):
        files.state.write_bytes(whole[:cut])
        trace = assembled(files)
        assert trace is not None
        check(trace)
        assert len(trace.spans) == spans
        assert any("state" in fault for fault in trace.run.partial or [])


def test_spans_before_the_damage_stay_as_they_are(tmp_path: Path) -> None:
    (files,) = lay_out("65-same-ids-across", tmp_path)
    assert files.log is not None
    before = {span.span_id: span for span in assemble(read(files)).trace.spans}
    lines = files.log.read_bytes().split(b"\n")
    files.log.write_bytes(b"\n".join(lines[:20]) + b'\n{"ts":"2026-11-22T15')
    trace = assembled(files)
    assert trace is not None
    same = [span for span in trace.spans if span.status not in ("incomplete",)]
    assert len(same) > 3
    for span in same:
        if span.parent_span_id is None or before[span.parent_span_id].type != "parallel":
            assert (span.path, span.status, span.start_ms, span.duration_ms) == (
                before[span.span_id].path,
                before[span.span_id].status,
                before[span.span_id].start_ms,
                before[span.span_id].duration_ms,
            )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), case=st.sampled_from(LARGE))
def test_lines_dropped_doubled_swapped_or_changed(
    data: st.DataObject, case: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (files,) = lay_out(case, tmp_path_factory.mktemp("damage"))
    assert files.log is not None
    lines = files.log.read_bytes().split(b"\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["drop", "double", "swap", "change", "text"]))
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
        elif kind == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == "change":
            lines[at] = changed(lines[at], data)
        else:
            lines[at] = data.draw(st.binary(max_size=60))
    files.log.write_bytes(b"\n".join(lines))
    check(assembled(files))


def changed(line: bytes, data: st.DataObject) -> bytes:
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict) or not fields:
        return line
    name = data.draw(st.sampled_from(sorted(fields)))
    fields[name] = data.draw(
        st.none() | st.text(max_size=8) | st.integers(-(2**70), 2**70) | st.floats() | st.just([[]])
    )
    return json.dumps(fields).encode()


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=400))
def test_any_bytes_for_log_and_state(junk: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = MadeRun(tmp_path_factory.mktemp("junk")).flow([code("a")])
    check(assembled(made.write(log=junk, state=junk)))
    made.start("a").after(5).end("a", 5)
    check(assembled(made.write(state=junk)))
    check(assembled(made.write(log=junk)))
