"""Commands that read a history elsewhere: `--from`, `traces.history`, and what cannot be asked there."""

from __future__ import annotations

import gc
import io
import json
import socket
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from documents import check_document
from made import START_MS, assembly, span

from one_trace.agents.tools import TOOLS, command_line
from one_trace.answers.saved import saved_line
from one_trace.cli import invoke, mcp_server
from one_trace.cli.app import trace
from one_trace.cli.checks.history import history
from one_trace.cli.out import Out
from one_trace.errors import CliError, NetworkError, NoSuchRun, NotAuthorised
from one_trace.history import clickhouse
from one_trace.history.local import LocalHistory
from one_trace.model.trace import Run, Trace
from one_trace.settings import credentials, sources
from one_trace.settings.credentials import HISTORY_PASSWORD
from one_trace.store import Store

URL = "clickhouse://ann@ch.example/runs"
SHOWN = "clickhouse://ch.example:8443/runs"
REPOSITORY = "https://git.example/team/flows"
THERE, HERE = "7e4e5a1d9c3a", "b6d2f0c8e57b"


class Elsewhere(LocalHistory):
    """A team's history, as commands see it: runs have no folder, a project is a repository. Kept in a store
    whose runs have the repository as their folder."""

    shown = SHOWN
    fails: CliError | None = None

    def __init__(self, store: Store, repository_of: Callable[[str], str | None]) -> None:
        super().__init__(store)
        self.repository_of = repository_of

    def project(self, folder: str) -> str:
        found = self.repository_of(folder)
        if found is None:
            raise CliError("this folder is in no repository with a remote", hint="ask without --here.")
        return found

    def find(self, ref: str, project: str | None = None) -> str:
        if self.fails is not None:
            raise self.fails
        return super().find(ref, project)

    def flow_keys(self) -> list[str]:
        if self.fails is not None:
            raise self.fails
        return super().flow_keys()

    def runs(self, *wanted: Any, **bounds: Any) -> list[Run]:
        return [without_folder(run) for run in super().runs(*wanted, **bounds)]

    def trace(self, key: str) -> Trace:
        found = super().trace(key)
        return Trace(run=without_folder(found.run), spans=found.spans)


def without_folder(run: Run) -> Run:
    run.cwd = None
    return run


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.out)
        check_document(document)
        return document


def ask(*line: str, agent: bool = True) -> Answer:
    """A command of `one trace` in this process, as the program runs it."""
    into, beside = io.BytesIO(), io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    speaker = Out(agent=agent, line=["--agent", "trace", *line], into=into)
    with redirect_stderr(beside):
        code = invoke.exit_code(trace, list(line), speaker, "one trace")
    gc.enable()
    return Answer(code, into.getvalue().decode(), beside.buffer.getvalue().decode())


def failing(run_id: str, cwd: str) -> Any:
    return assembly(run_id, [span("s", status="error", error_code="E1")], status="error", cwd=cwd)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the store of a machine that has one run of its own, and with the team's runs."""
    folder = tmp_path_factory.mktemp("stores")
    with Store(folder / "data" / "traces.db") as store:
        store.save(failing(HERE, "/home/somebody/elsewhere"))
    with Store(folder / "team.db") as store:
        store.save(failing(THERE, REPOSITORY))
        store.save(assembly("00000000000c", flow_key="other", start=START_MS + 1000, cwd=REPOSITORY))
    return folder


@pytest.fixture(autouse=True)
def home(stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That machine, in a project that is no repository."""
    project = tmp_path / "project"
    (project / ".one" / "flows").mkdir(parents=True)
    monkeypatch.chdir(project)
    for name, value in {"HOME": tmp_path, "ONE_TRACES_DATA_DIR": stores / "data"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


@pytest.fixture
def elsewhere(stores: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The history at URL. `asked`: with which address and password it was opened."""
    place = SimpleNamespace(asked=[], fails=None, repository=None)

    def open_(url: object, password: str | None, repository_of: object) -> Elsewhere:
        place.asked.append((url, password))
        found = Elsewhere(Store(stores / "team.db", readonly=True), lambda folder: place.repository)
        found.fails = place.fails
        return found

    monkeypatch.setattr(clickhouse, "history_at", open_)
    return place


READING = (
    ["list"],
    ["list", "--by", "session"],
    ["list", "--by", "version"],
    ["show", THERE],
    ["show", "last"],
    ["show", THERE, "--events"],
    ["stats"],
    ["stats", "my-flow", "--by", "host"],
    ["insights"],
    ["insights", "my-flow"],
    ["diff", THERE, "other@last"],
    ["cost"],
    ["export", THERE],
    ["open", "my-flow"],
    ["open", THERE],
)


@pytest.mark.parametrize("line", READING, ids=" ".join)
def test_a_history_elsewhere_answers_instead_of_the_store(
    elsewhere: SimpleNamespace, line: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ask(*line, "--from", URL)
    assert given.code == 0, given.out
    assert HERE not in given.out, "the run of this machine is not in it"
    monkeypatch.setenv("ONE_TRACES_HISTORY", URL)
    by_setting = ask(*line)
    assert by_setting.out == given.out.replace(f" --from {elsewhere.asked[0][0].text}", "")
    assert elsewhere.asked[0][0].user == "ann"


def test_commands_of_the_answer_read_the_same_history(elsewhere: SimpleNamespace) -> None:
    document = ask("list", "--from", URL).document
    assert document["next"] == [
        f"one --agent trace show {THERE} --from clickhouse://ann@ch.example:8443/runs"
    ]
    assert [row["runId"] for row in document["runs"]] == ["00000000000c", THERE]
    assert ask("list", "--full", "--from", URL).document["next"] == document["next"]
    shown = ask("show", THERE, "--from", URL).document["next"]
    assert shown == [f"one --agent trace show {THERE} --failed --from clickhouse://ann@ch.example:8443/runs"]


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        (["show", "--follow"], 2, "a run that is under way is not in clickhouse://ch.example:8443/runs"),
        (["show", "running"], 2, "--from local"),
        (["show", THERE, "--step", "s", "--with-output"], 2, "an output is not in clickhouse://"),
        (["export", "--format", "events"], 2, "'--format events'"),
        (["export", "--format", "markdown"], 2, "'--format markdown'"),
        (["insights", "my-flow", "--patch"], 1, f"Run it in a clone of {REPOSITORY}."),
        (["list", "--here"], 1, "no repository with a remote"),
        (["show", HERE], 3, "add --from local"),
        (["stats", "no-flow"], 3, "no run of a flow 'no-flow' in clickhouse://"),
        (["list", "--from", "clickhouse://ann:secret-word@ch.example/x"], 2, "login --history"),
        (["list", "--from", "https://ch.example/x"], 2, "must be local, or a URL like clickhouse://"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_there_is_said(
    elsewhere: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, line: list[str], code: int, says: str
) -> None:
    monkeypatch.setenv("ONE_TRACES_HISTORY", URL)
    refused = ask(*line)
    assert refused.code == code
    assert says in json.dumps(json.loads(refused.out)["error"], ensure_ascii=False)
    assert "secret-word" not in refused.out + refused.err


@pytest.mark.parametrize(
    ("fails", "code"),
    [
        (NotAuthorised("refused"), 4),
        (NetworkError("gone"), 5),
        (CliError("no tables"), 1),
        (NoSuchRun("no"), 3),
    ],
    ids=lambda value: str(value),
)
def test_a_history_that_does_not_answer_ends_the_command_and_the_store_still_answers(
    elsewhere: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, fails: CliError, code: int
) -> None:
    monkeypatch.setenv("ONE_TRACES_HISTORY", URL)
    elsewhere.fails = fails
    assert [ask(*line).code for line in (["show"], ["stats", "my-flow"])] == [code, code]
    assert ask("show", "--from", "local").document["run"]["runId"] == HERE


def test_the_tools_of_mcp_read_it_by_the_setting(
    elsewhere: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_TRACES_HISTORY", URL)
    text, failed = mcp_server._run(command_line(TOOLS["run"], {"run": THERE}))
    assert (failed, json.loads(text)["run"]["runId"]) == (False, THERE)
    assert not any(each.option == "--from" for tool in TOOLS.values() for each in tool.arguments)


def test_here_is_a_filter_by_the_repository(elsewhere: SimpleNamespace) -> None:
    elsewhere.repository = REPOSITORY
    found = ask("list", "--here", "--from", URL).document
    assert (found["filter"]["project"], found["total"]) == (REPOSITORY, 2)
    elsewhere.repository = "https://git.example/another"
    assert ask("list", "--here", "--from", URL).document["total"] == 0


def test_the_saved_password_goes_to_its_server_and_user_alone(
    elsewhere: SimpleNamespace, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(url: str) -> str | None:
        ask("list", "--from", url)
        return str(elsewhere.asked[-1][1])

    assert given(URL) == "None"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO('pa"ss\\wörd '.encode() + b"\n")))
    assert ask("login", "--history").code == 2, "no history is set"
    monkeypatch.setenv("ONE_TRACES_HISTORY", URL)
    saved = ask("login", "--history")
    assert saved.document["history"] == SHOWN
    assert "wörd" not in saved.out + saved.err
    kept = home / ".config" / "one-trace" / "history-credentials.toml"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert given(URL) == 'pa"ss\\wörd '
    others = (
        "clickhouse://ch.example/runs",
        "clickhouse://ann@ch.example:9/runs",
        "clickhouse://ann@x.example/runs",
    )
    assert {given(url) for url in others} == {"None"}
    monkeypatch.setenv(HISTORY_PASSWORD, "of the environment")
    assert given(others[0]) == "of the environment"
    assert not any("HISTORY_PASSWORD" in line for line in ask("list", "--from", "local").err.split("\n"))
    monkeypatch.delenv(HISTORY_PASSWORD)
    assert ask("logout", "--history").document["removed"] is True
    assert given(URL) == "None"


def test_doctor_says_who_else_can_read_the_password(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_TRACES_HISTORY", URL)
    assert [check.check for check in history(offline=True)] == ["history"]
    kept = credentials.history_path()
    kept.parent.mkdir(parents=True)
    kept.write_text("")
    kept.chmod(0o644)
    monkeypatch.setenv(HISTORY_PASSWORD, "word")
    found = {check.state: check for check in history(offline=True) if check.check == "history password"}
    assert found["bad"].fix == f"chmod 600 {kept}"
    assert "state files" in found["note"].message


@pytest.mark.parametrize("line", [["list"], ["list", "--from", "local"]], ids=str)
def test_a_wrong_setting_is_no_reason_to_ask_another_history(
    monkeypatch: pytest.MonkeyPatch, line: list[str]
) -> None:
    monkeypatch.setenv("ONE_TRACES_HISTORY", "clickhouse://a:b@c")
    assert ask(*line).code == (0 if "--from" in line else 2)


def test_without_the_setting_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", denied)
    monkeypatch.setattr(socket, "getaddrinfo", denied)
    for line in (["list"], ["show"], ["stats"], ["insights"], ["cost"], ["export"], ["diff", HERE, HERE]):
        assert ask(*line).code == 0


def test_runs_by_a_value_of_all_flows(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_TRACES_DATA_DIR", str(home / "data"))
    with Store(home / "data" / "traces.db") as store:
        store.save(failing(HERE, "/p"))
        for number, tags in ((1, [("env", "ci")]), (2, [("env", "ci")]), (3, [])):
            store.save(
                assembly(f"{number:012x}", flow_key=f"flow-{number}", start=START_MS + number), tags=tags
            )
    by_tag = ask("list", "--by", "tag:env").document
    assert [(each.get("value"), each["runs"]) for each in by_tag["groups"]] == [(None, 2), ("ci", 2)]
    assert by_tag["groups"][1]["flows"] == ["flow-1", "flow-2"]
    by_host = ask("list", "--by", "host", "--flow", "my-flow").document
    assert by_host["groups"][0] | {"firstRunAt": 0, "lastRunAt": 0} == {
        "by": "host", "means": "executor", "value": "one-cli 1.52.1", "runs": 1, "succeeded": 0, "failed": 1,
        "flows": ["my-flow"], "firstRunAt": 0, "lastRunAt": 0, "costUsd": None,
    }  # fmt: skip
    assert "HOST (EXECUTOR)" in ask("list", "--by", "host", agent=False).out
    place = '{"host.name":"laptop","vcs.repository.url.full":"https://git.example/x"}'
    with Store(home / "data" / "traces.db") as store, store.connection.writing() as connection:
        connection.execute("UPDATE runs SET place = ? WHERE flow_key = 'flow-3'", (place,))
    for by, value in (("machine", "laptop"), ("repository", "https://git.example/x")):
        found = ask("list", "--by", by).document["groups"]
        assert {each.get("value"): each["runs"] for each in found} == {value: 1, None: 3}
    assert ask("list", "--by", "weather").code == 2


def test_after_a_run_the_next_command_reads_the_store_that_has_it() -> None:
    settings = sources.load(env={"ONE_TRACES_HISTORY": URL})
    line = saved_line(failing(HERE, "/p").trace, [], settings.from_store)
    assert line["next"] == f"one --agent trace show {HERE} --failed --from local"
    assert sources.load(env={"ONE_TRACES_HISTORY": "local"}).from_store == ""
