"""The built program: runs sent by OTLP through a real collector, and read back with `--from`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from machine import Machine

from one_trace.assemble import assemble
from one_trace.cli import topics
from one_trace.model.trace import Assembly
from one_trace.record.reading import read
from one_trace.store import Store
from tests.assemble.recorded import lay_out
from tests.documents import check_document
from tests.fleet import engine as engines
from tests.fleet import many
from tests.fleet.alike import differences
from tests.fleet.engine import PASSWORD, Engine

pytestmark = pytest.mark.fleet
CASES = (
    "01-transform",
    "06-loop-seq",
    "12-parallel-containers",
    "14-subflow",
    "21-bash-envelope",
    "23-timeout-continue",
    "27-retry-third",
    "48-sigkill",
    "49-resume-failed",
    "97b-realistic-fails",
)
REPOSITORY = "https://example.com/team/flows"
LOST = frozenset(("cwd", "project", "uploads", "error", "at", "partial", "next"))
"""What is not sent: folders, error texts, places in files, sentences of `partial`, deliveries. The next
command names the history."""
COMMANDS = (
    ("list", "--full"),
    ("list", "--status", "error", "--sort", "duration", "--full"),
    ("show", "flow-1@failed", "--full"),
    ("stats", "--full"),
    ("insights", "flow-3", "--full"),
    ("insights", "--full"),
    ("cost", "--full"),
    ("diff", "flow-2@last", "flow-2@prev", "--full"),
)


def recorded(case: str, folder: Path) -> Iterator[Assembly]:
    for files in lay_out(case, folder):
        yield assemble(read(files))


@dataclass
class Team:
    """A machine whose runs are in the engine."""

    machine: Machine
    engine: Engine

    @property
    def place(self) -> str:
        return self.engine.url + "?secure=0"

    def ask(self, *argv: str, place: str | None = None) -> dict:
        done = self.machine.one("--agent", "trace", *argv, "--from", place or self.place)
        document = json.loads(done.out)
        check_document(document)
        assert done.code == 0, document
        return document

    def sync(self, *argv: str, **env: str) -> int:
        done = self.machine.one("--agent", "trace", "sync", "--since", "9999d", *argv, env=env)
        assert done.code == 0, done.out + done.err
        return done.document["sent"]


@pytest.fixture(scope="module")
def team(server: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    from dataclasses import replace

    engine = replace(server, database="one_trace_team", otel="otel_team")
    engine.make_tables()
    root = tmp_path_factory.mktemp("team")
    machine = Machine(root)
    for argv in (("init", "-q"), ("remote", "add", "origin", REPOSITORY)):
        subprocess.run(["git", *argv], cwd=machine.project, check=True)
    (machine.bin / "git").symlink_to(shutil.which("git") or "")
    machine.env |= {"ONE_TRACES_SINKS": "otlp", "ONE_TRACES_HISTORY_PASSWORD": PASSWORD, "TZ": "UTC"}
    made = [*many.runs(60)]
    for case in CASES:
        made += recorded(case, root / "records" / case)
    with Store(machine.data / "traces.db") as store:
        for assembly in made:
            assembly.trace.run.cwd = str(machine.project)
            store.save(assembly)
    with engines.collector(engine) as url:
        machine.env["ONE_TRACES_OTLP_ENDPOINT"] = url
        made_team = Team(machine, engine)
        assert made_team.sync() == len(made)
        _wait(engine, len(made))
        yield made_team
    engine.drop_tables()


def _wait(engine: Engine, runs: int, again: int = 1) -> None:
    sql = f"SELECT count() FROM {engine.otel}.otel_traces WHERE SpanAttributes['one.run.status'] != ''"
    engines.wait_for(lambda: engine.rows(sql) == [[runs * again]], "the runs to arrive")


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_an_answer_is_that_of_the_store(team: Team, argv: tuple[str, ...]) -> None:
    assert differences(team.ask(*argv), team.ask(*argv, place="local"), without=LOST)[:20] == []


def test_a_document_is_exported_from_there(team: Team) -> None:
    argv = ("trace", "export", "flow-0@last", "--format", "json", "--from")
    documents = [json.loads(team.machine.one(*argv, place).out) for place in (team.place, "local")]
    assert differences(*documents, without=LOST) == []
    assert documents[0]["spans"]


def test_a_project_is_its_repository(team: Team) -> None:
    here = team.ask("list", "--here", "--limit", "0")
    assert here["total"] == team.ask("list", "--limit", "0")["total"]
    (group,) = {each["value"] for each in team.ask("stats", "flow-1", "--by", "repository")["groups"]}
    assert group == REPOSITORY


@pytest.mark.parametrize(
    "words",
    [
        ("--flow", "o'brien\\"),
        ("--flow", "{flow:String}"),
        ("--flow", "x\ny\t☃\x1b[31m"),
        ("--session", "s' OR 1=1 --"),
        ("--tag", "env=p'rod\\"),
        ("--tag", "{x:String}=1"),
    ],
    ids=repr,
)
def test_a_filter_is_a_value(team: Team, words: tuple[str, str]) -> None:
    done = team.machine.one("--agent", "trace", "list", *words, "--from", team.place)
    assert (done.code, done.document.get("total", 0)) in ((0, 0), (2, 0))


@pytest.mark.parametrize("ref", ["nothing", "x'y", "{ref:String}", "%", "flow-1@quickest", "0" * 32])
def test_a_reference_to_no_run_ends_with_3(team: Team, ref: str) -> None:
    done = team.machine.one("--agent", "trace", "show", ref, "--from", team.place)
    assert done.code == 3
    assert done.document["error"]["code"] == "no-such-run"


def test_queries_of_dashboards(team: Team) -> None:
    """Those of the topic `otel`, over the collector's table."""
    blocks = [block.split("```")[0] for block in topics.page("otel").split("```sql\n")[1:]]
    assert len(blocks) == 3
    for block in blocks:
        sql = block.strip().rstrip(";").replace("otel_traces", f"{team.engine.otel}.otel_traces")
        assert team.engine.rows(sql), sql


def test_runs_that_are_sent_again_as_json_count_once(team: Team) -> None:
    before = team.ask("stats", "--full"), team.ask("cost", "--full")
    runs = team.ask("list", "--limit", "0")["total"]
    sent = team.sync("--again", OTEL_EXPORTER_OTLP_PROTOCOL="http/json")
    assert sent == runs
    _wait(team.engine, runs, again=2)
    assert differences((team.ask("stats", "--full"), team.ask("cost", "--full")), before) == []
    argv = ("show", "flow-4@worst", "--full")
    assert differences(team.ask(*argv), team.ask(*argv, place="local"), without=LOST) == []


def test_doctor_says_how_the_history_is(team: Team, bare: Engine) -> None:
    def check(place: str, **env: str) -> dict:
        document = team.machine.one(
            "--agent", "trace", "doctor", "--full", env={"ONE_TRACES_HISTORY": place, **env}
        ).document
        return next(each for each in document["checks"] if each["check"] == "history")

    there = check(team.place)
    assert there["state"] == "ok"
    assert "the newest of 20" in there["message"]
    bare.run(f"CREATE DATABASE {bare.database}")
    lacking = check(bare.url + "?secure=0")
    assert (lacking["state"], lacking["fix"]) == ("bad", "one trace history ddl")
    assert "one_trace_spans" in lacking["message"]
    refused = check(team.place, ONE_TRACES_HISTORY_PASSWORD="wrong")
    assert refused["state"] == "bad"
    assert "wrong" not in refused["message"]
    gone = check(f"clickhouse://127.0.0.1:{engines.free_port()}/x?secure=0")
    assert (gone["state"], "connection refused" in gone["message"]) == ("bad", True)


def test_a_run_that_has_not_arrived_is_said(team: Team, engine: Engine) -> None:
    env = {"ONE_TRACES_HISTORY": engine.url + "?secure=0"}
    for _ in range(3):  # doctor waits 5 s at most, which a busy disk may take
        document = team.machine.one("--agent", "trace", "doctor", "--full", env=env).document
        (found,) = (each for each in document["checks"] if each["check"] == "history")
        if found["state"] != "bad":
            break
    assert (found["state"], "has not arrived" in found["message"]) == ("note", True), found


@pytest.mark.parametrize(("password", "exit_code"), [("wrong", 4), (PASSWORD, 1)])
def test_a_history_that_refuses_ends_one_command(team: Team, password: str, exit_code: int) -> None:
    env = {"ONE_TRACES_HISTORY_PASSWORD": password}
    place = team.engine.url.replace(team.engine.database, "nothing_here") + "?secure=0"
    done = team.machine.one("--agent", "trace", "stats", "--from", place, env=env)
    assert done.code == exit_code
    assert done.document["error"]["hint"]
    assert team.machine.one("--agent", "trace", "list", "--from", "local", env=env).code == 0
