from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from array import array
from pathlib import Path

import msgspec
import pytest
from made import START_MS, USAGE, assembly, loop, span

from one_trace.errors import NoSuchRun, StoreError
from one_trace.model.trace import Assembly, Cause, Exit, Session, Usage
from one_trace.model.wanted import Wanted
from one_trace.store import Store
from one_trace.store.migrations import LAYOUT
from one_trace.store.prune import _batches, prune
from tests.bench.history import END_MS, one_run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "traces.db"


def rows(store: Store, sql: str) -> list[tuple[object, ...]]:
    return store.connection.execute(sql).fetchall()


def test_a_saved_run_is_read_back_whole(path: Path) -> None:
    box = span("box", type="parallel", duration_ms=30.5, attempts=2, retries=1, branch="then", late=True)
    llm = span(
        "llm",
        box,
        type="bash",
        usage=USAGE,
        error="boom",
        error_code="E",
        status="error",
        derived=["startedAt", "durationMs"],
        iteration=3,
        parent_attempt=2,
        input_bytes=1,
        output_bytes=2,
    )
    made = assembly(
        spans=[box, llm],
        status="error",
        usage=USAGE,
        session=Session(agent="codex", session_id="t-1"),
        parent_run_id="00000000000b",
        cause=Cause(span_id=llm.span_id, path=llm.path, error="boom", never_ran=["x"]),
        partial=["the log ends in mid-line"],
        other_events={"step:thought": 2},
        other_fields={"step:complete": ["gpuMs"]},
        exit=Exit(code=1, signal="SIGINT", duration_ms=31),
    )
    with Store(path) as store:
        assert store.save(made) == "new"
        read = store.trace("00000000000a")
        assert store.runs() == [read.run]
    assert msgspec.to_builtins(read) == msgspec.to_builtins(made.trace)


def test_saving_twice_changes_nothing_and_saving_anew_replaces_the_spans(path: Path) -> None:
    first, longer = assembly(), assembly(spans=[span("only")], duration_ms=99.0)
    with Store(path) as store:
        assert [store.save(first), store.save(first), store.save(longer)] == ["new", "unchanged", "updated"]
        assert [each.step_id for each in store.trace("00000000000a").spans] == ["only"]
        assert rows(store, "SELECT count(*) FROM runs") == [(1,)]
        assert rows(store, "SELECT count(*) FROM step_runs") == [(1,)]


def test_a_later_import_keeps_what_only_the_capture_knew(path: Path) -> None:
    live = assembly()
    later = msgspec.convert(msgspec.to_builtins(live), Assembly)
    later.trace.run.executor.version = None
    with Store(path) as store:
        store.save(live, sinks=["traces.com"], session=Session(session_id="s"), parent_run_id="00000000000c")
        assert store.save(later) == "unchanged"
        run = store.trace("00000000000a").run
    assert run.executor.version == "1.52.1"
    assert run.session == Session(session_id="s")
    assert run.parent_run_id == "00000000000c"
    assert [(upload.sink, upload.state) for upload in run.uploads] == [("traces.com", "queued")]


def test_the_summary_holds_what_statistics_need(path: Path) -> None:
    outer = span("outer", type="loop", duration_ms=100.0)
    inner = [
        span("step", outer, iteration=i, start_ms=at, duration_ms=took, output_bytes=size, usage=USAGE)
        for i, at, took, size in ((0, 10.0, 30.0, 5), (1, 20.0, 40.0, 7))
    ]
    inner[1].status = "error"
    with Store(path) as store:
        store.save(assembly(spans=[outer, *inner]))
        (found,) = rows(
            store,
            "SELECT durations, spans, success, step_runs.error, sum_ms, max_ms, self_ms, output_bytes, "
            "max_output_bytes, cost_usd, wasted_usd, input_tokens, models FROM step_runs "
            "JOIN steps ON steps.id = step WHERE path = 'my-flow > outer > step'",
        )
        (own,) = rows(
            store, "SELECT self_ms FROM step_runs JOIN steps ON steps.id = step WHERE type = 'loop'"
        )
    durations = array("d")
    assert found[0][:1] == b"d"
    durations.frombytes(found[0][1:])
    assert list(durations) == [30.0, 40.0]
    assert found[1:] == (2, 1, 1, 70.0, 40.0, 70.0, 12, 7, 0.5, 0.25, 20, '["claude-sonnet-4"]')
    assert own == (50.0,), "100 ms less the union (10..60) of the two that overlap"


def test_static_paths_are_made_of_step_ids(path: Path) -> None:
    odd = span("a[0]")
    with Store(path) as store:
        store.save(assembly(spans=[odd, span("b", odd)]))
        assert rows(store, "SELECT path FROM steps ORDER BY id") == [
            ("my-flow > a[0]",),
            ("my-flow > a[0] > b",),
        ]


@pytest.mark.parametrize(
    "odd",
    [
        span("x", output_bytes=10**30),
        span("x", usage=Usage(input_tokens=10**30)),
        span("half \ud800 of a pair"),
        span("x" * 2000),
        span("__proto__"),
        span("\x1b[31m\0\u2028"),
    ],
)
def test_odd_values_are_stored_as_well_as_they_can_be(path: Path, odd: object) -> None:
    with Store(path) as store:
        store.save(assembly(spans=[span("before"), odd]))
        assert len(store.trace("00000000000a").spans) == 2


def test_error_text_is_cut_at_four_kibibytes_between_characters(path: Path) -> None:
    failed = span("x", status="error", error="é" * 5000)
    with Store(path) as store:
        store.save(assembly(spans=[failed], cause=Cause(span_id="0", path="p", error="é" * 5000)))
        trace = store.trace("00000000000a")
    assert trace.spans[0].error == "é" * 2048
    assert trace.run.cause.error == "é" * 2048


@pytest.mark.parametrize(
    ("ref", "found"), [("last", "00000000000b"), ("00000000000a", "00000000000a"), ("ff", "ffff00000000")]
)
def test_a_run_is_found_by_id_prefix_and_last(path: Path, ref: str, found: str) -> None:
    with Store(path) as store:
        store.save(assembly("00000000000a"))
        store.save(assembly("00000000000b", start=START_MS + 5))
        store.save(assembly("ffff00000000", start=START_MS - 5))
        assert store.find(ref) == found


@pytest.mark.parametrize("ref", ["", "0000", "beef", "%", "last"])
def test_an_unknown_or_ambiguous_reference_is_no_such_run(path: Path, ref: str) -> None:
    with Store(path) as store:
        if ref != "last":
            store.save(assembly("00000000000a"))
            store.save(assembly("00000000000b"))
        with pytest.raises(NoSuchRun):
            store.find(ref)


def test_runs_are_filtered_counted_and_newest_first(path: Path) -> None:
    with Store(path) as store:
        store.save(assembly("00000000000a", flow_key="one"))
        store.save(assembly("00000000000b", start=START_MS + 5, status="error"))
        store.save(assembly("00000000000c", start=START_MS + 9))
        ids = [run.run_id for run in store.runs()]
        assert ids == ["00000000000c", "00000000000b", "00000000000a"]
        assert [run.run_id for run in store.runs(limit=1)] == ids[:1]
        assert [run.run_id for run in store.runs(Wanted(flow="one"))] == ids[2:]
        assert [run.run_id for run in store.runs(Wanted(status="error"))] == ids[1:2]
        assert store.count(Wanted(since=START_MS + 1)) == 2


def test_files_are_private_to_the_user(path: Path) -> None:
    with Store(path) as store:
        store.save(assembly())
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"traces.db": 0o600, "traces.db-wal": 0o600, "traces.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_store_readable_by_others_is_made_private(path: Path) -> None:
    Store(path).close()
    path.chmod(0o644)
    Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_reader_of_a_missing_store_sees_an_empty_one_and_creates_nothing(path: Path) -> None:
    with Store(path, readonly=True) as store:
        assert store.runs() == []
    assert not path.parent.exists()


def newer(path: Path) -> None:
    with Store(path) as store:
        store.save(assembly())
        store.connection.execute("INSERT INTO migrations (name) VALUES ('9999-from-the-future')")


def test_a_store_of_a_newer_layout_is_read_and_not_written(path: Path) -> None:
    newer(path)
    before = path.read_bytes()
    with Store(path, readonly=True) as store:
        assert len(store.runs()) == 1
    with Store(path) as store:
        assert store.path == path.with_name(f"traces-{LAYOUT}.db")
        store.save(assembly("00000000000f"))
    with Store(path, readonly=True) as store:
        assert [run.run_id for run in store.runs()] == ["00000000000f"], "the runs of this version"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "data", [b"this is not a database, however long it is" * 50, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_the_error_over_a_damaged_store_names_it_and_a_way_out(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(StoreError) as problem:
        Store(path)
    assert problem.value.code == "store-damaged"
    assert str(path) in problem.value.message


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreError):
        Store(path)


def test_the_error_over_an_unwritable_folder_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(StoreError) as problem:
        Store(tmp_path / "data" / "traces.db")
    assert problem.value.code == "store-unwritable"


def test_a_store_that_stays_locked_is_reported_as_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("one_trace.store.connection.BUSY_MS", 20)
    with Store(path) as holder, Store(path) as store:
        holder.connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as problem:
            store.save(assembly())
    assert problem.value.code == "store-busy"


def break_off(store: Store) -> None:
    with store.connection.writing() as connection:
        connection.execute("INSERT INTO namespaces VALUES ('o', 'k', '[]', 0)")
        raise RuntimeError


def test_a_transaction_that_fails_leaves_nothing(path: Path) -> None:
    with Store(path) as store:
        with pytest.raises(RuntimeError):
            break_off(store)
        assert rows(store, "SELECT * FROM namespaces") == []


def test_prune_deletes_what_is_old_and_delivered(path: Path) -> None:
    with Store(path) as store:
        store.save(assembly("00000000000a"))
        store.save(assembly("00000000000b"), sinks=["traces.com"])
        store.save(assembly("00000000000c", start=START_MS + 1000))
        kept = prune(store.connection, START_MS + 500)
        assert (kept.deleted, kept.kept) == (1, 1)
        assert [run.run_id for run in store.runs()] == ["00000000000c", "00000000000b"]
        assert prune(store.connection, START_MS + 5000, force=True).deleted == 2
        for table in ("runs", "spans", "step_runs", "steps", "flow_versions", "outbox"):
            assert rows(store, f"SELECT count(*) FROM {table}") == [(0,)], table


def test_prune_gives_the_space_back(path: Path) -> None:
    with Store(path) as store:
        store.save(assembly("00000000000a"))
        empty = rows(store, "PRAGMA page_count")
        for number in range(4):
            store.save(one_run(2_000, run_id=f"{number:012x}"))
        assert rows(store, "PRAGMA page_count") > empty
        assert prune(store.connection, END_MS, most=3).deleted == 3
        assert prune(store.connection, END_MS + 1).deleted == 2
        assert rows(store, "PRAGMA freelist_count") == [(0,)]
        assert rows(store, "PRAGMA page_count") <= empty


@pytest.mark.parametrize(
    ("spans", "together"),
    [
        ([], []),
        ([1, 1, 1], [3]),
        ([99_999, 1, 1], [1, 2]),
        ([1, 99_999, 1], [1, 1, 1]),
        ([0] * 300, [101, 101, 98]),
    ],
)
def test_prune_holds_the_lock_for_some_spans_at_a_time(spans: list[int], together: list[int]) -> None:
    batches = list(_batches(enumerate(spans)))
    assert [run for batch in batches for run in batch] == list(range(len(spans)))
    assert list(map(len, batches)) == together


def test_a_long_log_is_not_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("one_trace.store.connection._left", ended := {})
    monkeypatch.setattr("one_trace.store.connection._LONG_LOG", 10_000)
    with Store(path).until_the_end() as store:
        store.save(assembly())
    assert not ended
    assert not path.with_name("traces.db-wal").exists()


def test_a_process_leaves_one_connection(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("one_trace.store.connection._left", ended := {})
    for number in range(3):
        with Store(path).until_the_end() as store:
            store.save(assembly(f"{number:012x}"))
    assert len(ended) == 1
    ended.pop(path).close()


SAVER = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from made import assembly
from one_trace.store import Store
for number in range(5):
    with Store(Path(sys.argv[1])) as store:
        store.save(assembly(f"{int(sys.argv[2]):06x}{number:06x}"), sinks=["traces.com"])
"""


@pytest.mark.program
def test_what_a_process_leaves_in_the_log_is_read_by_others(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver = SAVER.replace("Store(Path(sys.argv[1]))", "Store(Path(sys.argv[1])).until_the_end()")
    for number in range(2):
        ends = f"{saver}\nimport os; os._exit(0)"
        subprocess.run(
            [sys.executable, "-c", ends, path, str(number), Path(__file__).parent.parent], check=True
        )
    log = path.with_name("traces.db-wal")
    assert log.stat().st_size
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda *_: False)  # as for another user
        with Store(path, readonly=True) as store:
            assert store.count() == 10
            with pytest.raises(StoreError):
                store.save(assembly("00000000000c"))
    with Store(path) as store:
        assert store.count() == 10
    assert not log.exists()


@pytest.mark.program
def test_eight_processes_create_and_fill_one_store_at_once(path: Path) -> None:
    tests = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", SAVER, str(path)]
    savers = [subprocess.Popen([*command, str(number), tests], stderr=subprocess.PIPE) for number in range(8)]
    errors = [saver.communicate()[1] for saver in savers]
    assert errors == [b""] * 8
    with Store(path, readonly=True) as store:
        assert store.count() == 40
        assert rows(store, "SELECT count(*) FROM outbox WHERE state = 'queued'") == [(40,)]


def test_a_long_loop_is_one_row_of_summary(path: Path) -> None:
    with Store(path) as store:
        store.save(loop(500))
        assert rows(store, "SELECT spans FROM step_runs ORDER BY spans") == [(1,), (500,)]
        assert [each.iteration for each in store.trace("00000000000a").spans[1:]] == list(range(500))


def test_an_import_keeps_how_the_process_ended_unless_the_run_has_gone_on_since(path: Path) -> None:
    """Its record does not tell: another process may have resumed it."""
    known, spans = Exit(signal="SIGINT", duration_ms=31), [span("first")]
    with Store(path) as store:
        store.save(assembly(spans=spans, status="incomplete", exit=known))
        assert store.save(assembly(spans=spans, status="incomplete"), source="record") == "unchanged"
        assert store.trace("00000000000a").run.exit == known
        assert store.save(assembly(spans=spans), source="record") == "updated"
        assert store.trace("00000000000a").run.exit is None
