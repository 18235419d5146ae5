"""ClickHouse answers what the store answers, on the same runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from one_trace.analyse import cost, stats
from one_trace.guard.urls import Url
from one_trace.history import profiles
from one_trace.history.clickhouse.client import Client
from one_trace.history.clickhouse.history import ClickHouseHistory
from one_trace.history.local import LocalHistory
from one_trace.history.protocol import History
from one_trace.model.wanted import ALL, ORDERS, Wanted
from one_trace.store import Store
from tests.fleet import many, sent
from tests.fleet.alike import differences
from tests.fleet.engine import PASSWORD, USER, Engine

pytestmark = pytest.mark.fleet
RUNS = 2000
MIDDLE = many.START_MS + RUNS * many.MINUTE // 4
ELSEWHERE = frozenset(("project", "cwd", "number", "key", "trace_id", "run"))
"""A project is a repository there and a folder here; runs have other numbers."""


class Both(NamedTuple):
    """The same runs in ClickHouse and in a store."""

    fleet: History
    local: History

    def differences(self, ask: Callable[[History], Any]) -> list[str]:
        return differences(ask(self.fleet), ask(self.local), without=ELSEWHERE)[:20]


def clickhouse(engine: Engine) -> ClickHouseHistory:
    at = Url("http", "127.0.0.1", engine.port, "/")
    client = Client(at, engine.database, user=USER, password=PASSWORD)
    return ClickHouseHistory(client, "the engine", lambda folder: sent.REPOSITORY)


@pytest.fixture(scope="module")
def both(server: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    engine = replace(server, database="one_trace_same", otel="otel_same")
    engine.make_tables()
    path = tmp_path_factory.mktemp("store") / "traces.db"
    made = list(many.runs(RUNS))
    with Store(path) as store:
        store.connection.execute("PRAGMA synchronous = OFF")
        for each in made:
            store.save(each)
    for at in range(0, RUNS, 500):
        sent.send(engine, made[at : at + 500])
    with Store(path, readonly=True) as store:
        yield Both(clickhouse(engine), LocalHistory(store))
    engine.drop_tables()


WANTED = {
    "all": ALL,
    "a flow": Wanted("flow-3"),
    "since": Wanted(since=MIDDLE),
    "between": Wanted("flow-1", since=MIDDLE, until=MIDDLE + 100 * many.MINUTE),
    "failed": Wanted(status="error"),
    "tagged": Wanted("flow-2", tags=(("env", "prod"),)),
    "a session": Wanted(session="s-3"),
    "nothing": Wanted("flow-9"),
    "the last": Wanted(last=7, status="error"),
}


@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED)
def test_statistics(both: Both, wanted: Wanted) -> None:
    def ask(history: History) -> Any:
        return stats.document(history.histories(wanted), flow=None, since=None)

    assert both.differences(ask) == []


@pytest.mark.parametrize("wanted", [ALL, WANTED["between"]], ids=["all", "between"])
def test_findings(both: Both, wanted: Wanted) -> None:
    for flow in [wanted.flow] if wanted.flow else both.local.flow_keys():
        of_flow = wanted._replace(flow=flow)
        assert (
            both.differences(lambda history, one=of_flow: profiles.findings(history, one, since=None)) == []
        )
    assert both.differences(lambda history: profiles.overview(history, wanted, since=None)) == []


@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED)
def test_costs(both: Both, wanted: Wanted) -> None:
    def ask(history: History) -> Any:
        calls = history.calls(wanted)
        return cost.document(calls.usages, runs=calls.runs, flow=None, since=None), calls.uncounted

    assert both.differences(ask) == []


@pytest.mark.parametrize("order", ORDERS)
def test_lists(both: Both, order: str) -> None:
    for wanted in WANTED.values():
        assert both.differences(lambda history, one=wanted: history.runs(one, limit=30, order=order)) == []
        assert both.differences(lambda history, one=wanted: history.count(one)) == []
    assert len(both.fleet.runs(WANTED["failed"])) == both.local.count(WANTED["failed"])


def test_pages_of_a_list(both: Both) -> None:
    last = both.local.runs(ALL, limit=10)[-1]
    after = (float(many.START_MS + (RUNS - 10) * many.MINUTE // 2), last.run_id)
    assert both.differences(lambda history: history.runs(ALL, limit=10, after=after)) == []
    assert both.differences(lambda history: history.count(ALL, after=after)) == []


@pytest.mark.parametrize("by", ["version", "model", "executor", "tag:env", "tag:no'ne\\"])
def test_groups(both: Both, by: str) -> None:
    assert both.differences(lambda history: history.groups(WANTED["since"], by)) == []


def test_sessions_flows_and_projects(both: Both) -> None:
    assert both.differences(lambda history: history.sessions(ALL)) == []
    assert both.differences(lambda history: history.flow_keys()) == []
    assert both.fleet.projects("flow-1") == [sent.REPOSITORY]
    assert both.fleet.groups(Wanted("flow-1"), "host")[0].value == "laptop"
    assert both.fleet.groups(Wanted("flow-1"), "repository")[0].value == sent.REPOSITORY
    assert both.fleet.count(Wanted(project=sent.REPOSITORY)) == RUNS
    assert both.fleet.count(Wanted(project="https://example.com/other")) == 0


@pytest.mark.parametrize(
    "ref",
    ["last", *(f"flow-2@{name}" for name in ("last", "prev", "failed", "best", "worst")), "00000000012a"],
)
def test_references(both: Both, ref: str) -> None:
    def ask(history: History) -> str:
        return history.trace(history.find(ref)).run.trace_id

    assert both.differences(ask) == []


def test_the_past_of_a_run(both: Both) -> None:
    local = both.local.runs(ALL, limit=3)[2]
    fleet = both.fleet.trace(local.trace_id).run
    other = both.local.runs(ALL, limit=9)[-1]
    assert differences(both.fleet.past(fleet, exclude=[other]), both.local.past(local, exclude=[other])) == []


def test_documents_and_rows_of_spans(both: Both) -> None:
    wanted = WANTED["between"]
    lost = frozenset(("cwd", "parts", "at"))
    for run in both.local.runs(wanted, limit=40):
        fleet = both.fleet.trace(run.trace_id)
        assert differences(fleet, both.local.trace(run.trace_id), without=lost) == []
        assert (
            differences(both.fleet.planned(run.trace_id), both.local.planned(run.trace_id), without=lost)
            == []
        )
    rows = [[row[:-8] + row[-7:] for row in history.span_rows(wanted)] for history in both]
    assert differences(*rows)[:20] == []
