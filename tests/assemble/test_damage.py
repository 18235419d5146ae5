"""Damaged records: never an exception, never without end, a run that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from one_trace.assemble import assemble
from one_trace.assemble.reading.drive import Drive
from one_trace.assemble.search.search import MODES, RUNS
from one_trace.model.trace import Run
from one_trace.record.files import RunFiles
from one_trace.record.reading import read
from tests.assemble.damage import assembled, check
from tests.assemble.generated import Maker
from tests.assemble.generated import run as run_made
from tests.assemble.recorded import MadeRun, code, lay_out
from tests.effort import effort

SMALL = ["02-linear-unicode", "55-parallel-fail-flow"]
MADE = [1, 8, 14, 23, 36]
"""Seeds of small runs: a sub-flow, a while and a loop that fail, iterations and a block timed out."""
LARGE = [
    *SMALL,
    "12-parallel-containers",
    "24b-timeout-ghost-after-result",
    "31b-default-retry",
    "45-stop-after-subflow-id",
    "18-three-level",
    "49-resume-failed",
    "65-same-ids-across",
    "76-conc-loop-instant",
]
EVERY = effort(7, 1)
"""Bytes from one cut to the next."""
OUTCOMES = {"flow:complete": "success", "flow:error": "error", "flow:stopped": "stopped"}


def outcome(log: bytes, key: str) -> str:
    """What the lines that can be read say of the run's end, by the contract's words alone: the last `flow:*`
    event of the root flow, else a line ``Flow failed``."""
    shown = "incomplete"
    for row in log.split(b"\n"):
        try:
            line = json.loads(row)
        except ValueError:
            continue
        if line["msg"] == "Flow resumed":
            shown = "incomplete"
        elif line.get("event") in OUTCOMES and line["flowKey"] == key:
            shown = OUTCOMES[line["event"]]
        elif line["msg"].startswith("Flow failed"):
            shown = "error"
    return shown


def check_cut(run: Run, log: bytes, state: str | None) -> None:
    """Of a log cut short: does the run say so? `state`: the status in the state, which counts where the log
    does not tell the run's end."""
    shown = outcome(log, run.flow_key)
    if shown == "incomplete":
        shown = {"completed": "success", "failed": "error"}.get(state or "", "incomplete")
    assert run.status == shown
    if not log.endswith(b"\n") and not _whole(log.split(b"\n")[-1]):
        assert any("cut" in fault or "empty" in fault for fault in run.partial or [])
    if state is None:
        assert "the state is missing" in (run.partial or [])


def _whole(row: bytes) -> bool:
    try:
        json.loads(row)
    except ValueError:
        return False
    return True


def cut_anywhere(files: RunFiles) -> None:
    assert files.log is not None
    assert files.state is not None
    whole = files.log.read_bytes()
    status = json.loads(files.state.read_bytes())["status"]
    for state in (None, status):
        run = files if state else msgspec.structs.replace(files, state=None)
        for cut in range(0, len(whole) + 1, EVERY):
            files.log.write_bytes(whole[:cut])
            trace = assembled(run)
            check(trace)
            if trace is None:
                assert state is None
                assert not any(_whole(row) for row in whole[:cut].split(b"\n"))
            else:
                check_cut(trace.run, whole[:cut], state)


@pytest.mark.parametrize("case", SMALL)
def test_a_log_cut_anywhere(case: str, tmp_path: Path) -> None:
    cut_anywhere(lay_out(case, tmp_path)[0])


@pytest.mark.parametrize("seed", MADE)
@pytest.mark.program
def test_a_log_of_a_made_run_cut_anywhere(seed: int, tmp_path: Path) -> None:
    files, _, _ = run_made(Maker(Random(seed), problem=True, wide=True).make(1), tmp_path)
    cut_anywhere(files)


@pytest.mark.parametrize("case", ["06-loop-seq", "45-stop-after-subflow-id", "64-console-log"])
def test_a_state_cut_anywhere(case: str, tmp_path: Path) -> None:
    (files,) = lay_out(case, tmp_path)
    assert files.state is not None
    whole = files.state.read_bytes()
    before = assemble(read(files)).trace
    for cut in range(0, len(whole), EVERY):
        files.state.write_bytes(whole[:cut])
        trace = assembled(files)
        assert trace is not None
        check(trace)
        assert trace.run.status == before.run.status  # the log tells it
        if whole[cut:].strip():
            assert any("state" in fault for fault in trace.run.partial or [])
        else:
            assert trace == before
        assert [(span.path, span.attempts) for span in trace.spans] == [
            (span.path, span.attempts) for span in before.spans
        ]


def test_a_state_alone_tells_how_a_run_ended(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")]).start("a").after(3).end("a", 3)
    for status, shown in {"completed": "success", "failed": "error", "running": "incomplete"}.items():
        made.status = status
        assert made.assembled().trace.run.status == shown
        run = made.assembled(log=b"").trace.run
        assert (run.status, run.partial) == (shown, ["the log is empty"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), case=st.sampled_from(LARGE), state=st.booleans())
def test_lines_dropped_doubled_swapped_or_changed(
    data: st.DataObject, case: str, state: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = lay_out(case, tmp_path_factory.mktemp("damage"))[0]
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
    check(assembled(files if state else msgspec.structs.replace(files, state=None)))


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


@given(junk=st.binary(max_size=400))
def test_any_bytes_for_log_and_state(junk: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = MadeRun(tmp_path_factory.mktemp("junk")).flow([code("a")])
    check(assembled(made.write(log=junk, state=junk)))
    made.start("a").after(5).end("a", 5)
    check(assembled(made.write(state=junk)))
    check(assembled(made.write(log=junk)))


def test_lines_replayed_are_bounded_for_a_log_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replays = 0
    run = Drive.run

    def counted(self: Drive) -> None:
        nonlocal replays
        replays += 1
        run(self)

    monkeypatch.setattr(Drive, "run", counted)
    (files,) = lay_out("65-same-ids-across", tmp_path)
    assert files.log is not None
    lines: list[Any] = files.log.read_bytes().split(b"\n")[:-1]
    most = 0
    for seed in range(effort(2, 60)):
        random = Random(seed)
        mixed = lines * random.randint(1, 3)
        random.shuffle(mixed)
        files.log.write_bytes(b"\n".join(mixed))
        replays = 0
        check(assembled(files))
        most = max(most, replays)
        assert replays <= len(MODES) * RUNS
    assert most > 2
