"""`trace import` of exported documents: lossless, idempotent, and never sent unless asked."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from machine import RECORDINGS, Machine
from made import START_MS, assembly, span
from msgspec.structs import replace

from one_trace.answers.bounds import LIMIT
from one_trace.assemble import assemble
from one_trace.export.document import documents
from one_trace.export.formats import to_json
from one_trace.model.times import to_iso
from one_trace.model.trace import Assembly, Trace, Upload
from one_trace.record.files import RunFiles, discover
from one_trace.record.reading import read
from one_trace.store import Store

RUN = "00000000000a"
CASES = sorted({path.parents[1].name for path in RECORDINGS.glob("*/runs/*.state.json")})


def recorded(case: str, folder: Path) -> list[RunFiles]:
    """The runs of a recording, laid out as the host leaves them."""
    flows = folder / ".one" / "flows"
    flows.mkdir(parents=True)
    for file in (RECORDINGS / case / "flows").iterdir() if (RECORDINGS / case / "flows").is_dir() else ():
        (flows / file.name).symlink_to(file)
    for name in ("logs", "runs"):
        if (RECORDINGS / case / name).is_dir():
            (flows / f".{name}").symlink_to(RECORDINGS / case / name)
    return discover([folder])[0]


def exported(store: Store, key: str = RUN) -> bytes:
    return to_json(store.trace(key))


def imported(store: Store, path: Path) -> list[str]:
    """What the store has done with each document of a file."""
    return [store.save(Assembly(trace=document.trace()), source="document") for document in documents(path)]


@pytest.mark.parametrize("case", CASES)
def test_export_import_export_is_byte_for_byte(tmp_path: Path, case: str) -> None:
    files = recorded(case, tmp_path / "project")
    path = tmp_path / "runs.jsonl"
    with Store(tmp_path / "a.db") as ours, Store(tmp_path / "b.db") as theirs:
        traces = [assemble(read(each)).trace for each in files]
        for trace in traces:
            ours.save(Assembly(trace=trace))
        path.write_bytes(b"".join(exported(ours, trace.run.trace_id) for trace in traces))
        assert imported(theirs, path) == ["new"] * len(traces)
        assert imported(theirs, path) == ["unchanged"] * len(traces)
        again = b"".join(exported(theirs, trace.run.trace_id) for trace in traces)
    assert again == path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.json"


@pytest.fixture
def store(machine: Machine) -> Store:
    return Store(machine.data / "traces.db")


def document(path: Path, trace: Trace | None = None, **fields: object) -> Path:
    """A file with the document of a run made by hand, as another store exports it."""
    with TemporaryDirectory() as folder, Store(Path(folder, "other.db")) as other:
        trace = trace or assembly(**fields).trace
        other.save(Assembly(trace=trace), source="document")
        path.write_bytes(exported(other, trace.run.trace_id))
    return path


def test_a_file_is_imported_once_and_queued_for_nothing(machine: Machine, path: Path) -> None:
    machine.env["TRACES_API_KEY"] = "trc_test"
    uploads = [Upload(sink="traces.com", state="queued", attempts=2)]
    document(path, uploads=uploads)
    first = machine.one("--agent", "trace", "import", str(path)).document
    assert (first["imported"], first["problems"], first["next"]) == (1, [], "one trace sync --since 90d")
    again = machine.one("--agent", "trace", "import", str(path)).document
    assert (again["imported"], again["updated"], again["unchanged"]) == (0, 0, 1)
    assert machine.one("--agent", "trace", "export", RUN).out == path.read_bytes()
    with Store(machine.data / "traces.db", readonly=True) as store:
        assert store.connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    assert machine.one("--agent", "trace", "sync").document["sent"] == 0


def test_a_cause_of_null_is_no_cause(machine: Machine, path: Path) -> None:
    document(path)
    plain = json.loads(path.read_bytes())
    plain["run"]["cause"] = None
    path.write_text(json.dumps(plain))
    assert machine.one("--agent", "trace", "import", str(path)).document["imported"] == 1
    for verb in (["show"], ["show", "--agent"], ["list", "--agent"], ["diff", "last", str(path), "--agent"]):
        assert machine.one("trace", *verb).code == 0


RESERVED_IDS = ["last", "running", "my-flow@last", "--help", "-x"]
HOSTILE_IDS = ["$(touch pwned)", "a b", "x\ny\x1b[2J", "../a", "x" * 9999]


@pytest.mark.parametrize("run_id", RESERVED_IDS + HOSTILE_IDS)
def test_commands_in_an_answer_mean_the_run_whatever_its_id(machine: Machine, run_id: str) -> None:
    many = [span(f"{number}-{run_id}", start_ms=float(number)) for number in range(300)]
    named = assembly("1" * 12, many, flow_key=run_id, status="error")
    named.trace.run.run_id = run_id
    with Store(machine.data / "traces.db") as store:
        for each in (named, assembly("0" * 12, start=START_MS + 1)):
            store.save(each)
    trace_id = named.trace.run.trace_id
    shown = machine.one("--agent", "trace", "show", trace_id)
    assert len(shown.out.decode()) <= LIMIT
    for command in (*shown.document["next"], shown.document["omitted"]["how"]):
        assert machine.one(*shlex.split(command)[1:]).document["run"]["traceId"] == trace_id
    assert not (machine.project / "pwned").exists()


def test_bad_documents_are_listed_and_the_others_imported(machine: Machine, path: Path) -> None:
    document(path)
    path.write_bytes(path.read_bytes() + b'{"schema": "one-trace/1", "run": 5}\n{"broken\n')
    done = machine.one("--agent", "trace", "import", str(path))
    assert (done.code, done.document["imported"]) == (0, 1)
    places = [problem.removeprefix(str(path)).split(":")[0] for problem in done.document["problems"]]
    assert places == [", line 2", ", line 3"]
    path.write_bytes(b"{}")
    assert machine.one("--agent", "trace", "import", str(path)).code == 1


def test_a_document_nested_deeper_than_its_paths_is_refused(machine: Machine, path: Path) -> None:
    """The paths of its steps would take gigabytes."""
    spans = [span("s")]
    for number in range(1, 20_000):
        spans.append(replace(spans[0], span_id=f"{number:016x}", parent_span_id=spans[-1].span_id))
    path.write_bytes(to_json(assembly(spans=spans).trace))
    done = machine.one("--agent", "trace", "import", str(path))
    assert (done.code, done.document["problems"]) == (1, [f"{path}: spans: nested too deeply"])


def test_a_file_of_many_invalid_documents_is_not_read_to_its_end(machine: Machine, path: Path) -> None:
    path.write_bytes(b"{}\n" * 100_000)
    done = machine.one("--agent", "trace", "import", str(path))
    assert (done.code, len(done.document["problems"])) == (1, 21)


def test_hostile_names_reach_no_terminal(machine: Machine, path: Path) -> None:
    document(path, flow_key="\x1b]0;owned\x07\u202e", cwd="/\x1b[2J", spans=[span("\x1b[31mred")])
    for verb in (["import", str(path)], ["list"], ["show"], ["show", "--agent"], ["list", "--agent"]):
        done = machine.one("trace", *verb)
        assert done.code == 0
        assert b"\x1b" not in done.out + done.err
        assert "\u202e" not in done.out.decode()
    assert machine.one("--agent", "trace", "export", RUN).out == path.read_bytes()


def test_secrets_are_redacted_on_the_way_in(store: Store, path: Path) -> None:
    secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    upload = Upload(sink="otlp", state="failed", error=f"refused {secret}")
    failed = span("x", status="error", error=f"curl -H 'Authorization: Bearer {secret}'")
    document(path, spans=[failed], uploads=[upload])
    with store:
        imported(store, path)
        assert secret.encode() not in exported(store)


def namesakes(store: Store, path: Path) -> list[str]:
    """Two runs with one id in two projects; their trace ids."""
    for number in (1, 2):
        run = assembly(
            start=START_MS + number, cwd=f"/project-{number}", trace_id=f"{number:032x}", duration_ms=number
        )
        imported(store, document(path.with_name(f"{number}.json"), run.trace))
    return [f"{1:032x}", f"{2:032x}"]


def test_runs_with_one_id_are_told_apart_by_trace_id(machine: Machine, store: Store, path: Path) -> None:
    with store:
        first, second = namesakes(store, path)
    assert [(run["runId"], run["traceId"]) for run in machine.runs()] == [(RUN, second), (RUN, first)]
    for ref in (RUN, RUN[:11]):
        refused = machine.one("--agent", "trace", "show", ref)
        assert refused.code == 3
        error = refused.document["error"]
        assert all(each in error["message"] for each in (first, second, "/project-1", "/project-2"))
        assert "trace id" in error["hint"]
    for number, trace_id in ((1, first), (2, second)):
        found = machine.one("--agent", "trace", "export", trace_id).out
        assert found == path.with_name(f"{number}.json").read_bytes()
    assert machine.one("--agent", "trace", "diff", first, second).code == 0


def test_import_notes_a_second_run_with_the_same_id(machine: Machine, store: Store, path: Path) -> None:
    with store:
        store.save(assembly())
    document(path, trace_id="f" * 32, cwd="/elsewhere")
    note = machine.one("--agent", "trace", "import", str(path)).document["notes"]
    assert note == [f"another run has the id {RUN} too; this one is shown by: one trace show {'f' * 32}"]


def test_each_of_two_runs_with_one_id_is_delivered_and_deleted_by_itself(store: Store, path: Path) -> None:
    from one_trace.store.outbox import Outbox
    from one_trace.store.prune import prune

    with store:
        first, second = namesakes(store, path)
        box = Outbox(store)
        assert box.queue_since(START_MS + 2, ["otlp"])
        job = box.claim(["otlp"])
        assert store.trace(job.run_id).run.trace_id == second
        box.sent(job, None)
        assert [len(store.uploads(each)) for each in (first, second)] == [0, 1]
        prune(store.connection, START_MS + 2)
        assert [run.trace_id for run in store.runs()] == [second]
        assert store.find(RUN) == second
        assert store.trace(second).run.run_id == RUN


def test_a_child_belongs_to_the_parent_of_its_project(store: Store, path: Path) -> None:
    with store:
        first, second = namesakes(store, path)
        for number, cwd in ((3, "/project-1"), (4, "/project-2"), (5, "/elsewhere")):
            run = assembly(f"{number:012x}", start=START_MS + 10, cwd=cwd, parent_run_id=RUN)
            imported(store, document(path, run.trace))
        parents = [store.family(f"{number:012x}", "otlp").parent_trace_id for number in (3, 4, 5)]
        assert parents == [first, second, second]
        children = [len(store.family(each, "otlp").children) for each in (first, second)]
        assert children == [1, 2]


def test_a_document_replaces_no_run_of_this_machine(store: Store, path: Path) -> None:
    with store:
        store.save(assembly())
        before = exported(store)
        forged = assembly(spans=[span(str(number)) for number in range(9)], status="error")
        assert imported(store, document(path, forged.trace)) == ["unchanged"]
        assert exported(store) == before


def test_a_fuller_document_replaces_one_and_a_record_replaces_both(store: Store, path: Path) -> None:
    with store:
        begun = assembly(spans=[], status="incomplete")
        assert imported(store, document(path, begun.trace)) == ["new"]
        ended = assembly(uploads=[Upload(sink="otlp", state="sent")])
        assert imported(store, document(path, ended.trace)) == ["updated"]
        assert imported(store, document(path, begun.trace)) == ["unchanged"]
        assert store.save(assembly(duration_ms=21.0), source="record") == "updated"
        assert store.trace(RUN).run.uploads == []


def test_a_trace_id_belongs_to_one_run(machine: Machine, store: Store, path: Path) -> None:
    with store:
        store.save(assembly())
    document(path, assembly("00000000000b", trace_id=f"{10:032x}").trace)
    done = machine.one("--agent", "trace", "import", str(path))
    assert (done.code, done.document["problems"]) == (1, [f"{path}: run.traceId: is that of run {RUN}"])


def test_a_run_id_that_is_a_trace_id_hides_no_run(store: Store, path: Path) -> None:
    with store:
        store.save(assembly())
        odd = assembly().trace
        odd.run.run_id, odd.run.trace_id = f"{10:032x}", "e" * 32
        imported(store, document(path, odd))
        assert store.trace(f"{10:032x}").run.run_id == RUN
        assert store.trace("e" * 32).run.run_id == f"{10:032x}"
        assert store.find(RUN) == RUN


def test_diff_reads_documents(machine: Machine, store: Store, path: Path) -> None:
    with store:
        store.save(assembly(duration_ms=500.0))
    document(path, duration_ms=100.0)
    reported: dict[str, Any] = machine.one("--agent", "trace", "diff", str(path), "last").document
    assert (reported["a"]["durationMs"], reported["b"]["durationMs"]) == (100, 500)
    assert machine.one("--agent", "trace", "diff", "last", str(path)).document["b"]["durationMs"] == 100
    path.write_text(json.dumps({"schema": "one-trace-stats/1"}))
    refused = machine.one("--agent", "trace", "diff", str(path), "last")
    assert (refused.code, refused.document["error"]["code"]) == (1, "invalid-document")
    missing = machine.one("--agent", "trace", "diff", "missing.json", "last")
    assert (missing.code, "missing.json" in missing.document["error"]["message"]) == (1, True)


def test_a_run_is_looked_up_by_indexes(store: Store) -> None:
    from one_trace.store import reader

    with store:
        for sql, values in (
            (reader._FIND, ("a", "b")),
            (f"SELECT {reader.number_sql('?1')}", ("a",)),
            (f"{reader._KEPT} WHERE trace_id = ?1 OR run_id = ?2 OR host_run_id = ?2", ("a", "b")),
        ):
            steps = store.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
            assert not [step for *_, step in steps if step.startswith("SCAN runs")]


def test_a_run_of_another_time_zone_is_imported(store: Store, path: Path) -> None:
    with store:
        trace = assembly().trace
        trace.run.started_at = to_iso(START_MS).replace("Z", "+02:00")
        assert imported(store, document(path, trace)) == ["new"]
        assert exported(store) == path.read_bytes()
