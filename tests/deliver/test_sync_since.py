"""`trace sync --since`: older and imported runs are queued once and counted; again only with --again."""

from __future__ import annotations

import pytest
from machine import Machine
from made import START_MS, assembly
from traces_server import KEY, FakeTracesServer

from one_trace.store import Store

AGES = ("--since", "9999d")


@pytest.fixture
def sending(sending: Machine) -> Machine:
    """Has three runs that were stored while no key was set."""
    with Store(sending.data / "traces.db") as store:
        for number in range(3):
            store.save(assembly(f"{number + 1:012x}", start=START_MS + number))
    return sending


def sync(machine: Machine, *argv: str) -> tuple[int, int, int]:
    done = machine.one("--agent", "trace", "sync", *argv)
    assert done.code == 0, done.out
    return done.document["newlyQueued"], done.document["sent"], done.document["queued"]


def test_older_runs_are_queued_counted_and_sent_once(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    assert sync(sending) == (0, 0, 0)
    assert sync(sending, *AGES) == (3, 3, 0)
    assert len(traces_server.traces) == 3
    requests = len(traces_server.seen)
    assert sync(sending, *AGES) == (0, 0, 0)
    assert len(traces_server.seen) == requests
    assert sending.one("trace", "sync", *AGES).out == b"0 runs newly queued. 0 runs sent.\n"


def test_only_runs_since_that_time_are_queued(sending: Machine) -> None:
    with Store(sending.data / "traces.db") as store:
        store.save(assembly("00000000000f", start=START_MS + 86_400_000))
    assert sync(sending, "--since", "2026-04-07") == (1, 1, 0)


def test_sent_runs_are_sent_again_only_on_request(sending: Machine, traces_server: FakeTracesServer) -> None:
    sync(sending, *AGES)
    traces_server.messages.clear()
    assert sync(sending, *AGES, "--again") == (3, 3, 0)
    assert len(traces_server.messages) == 3
    assert sync(sending, "--again") == (3, 3, 0)
    assert sync(sending) == (0, 0, 0)


def test_again_sends_only_runs_that_were_sent_before(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    assert sync(sending, "--again") == (0, 0, 0)
    assert traces_server.seen == []


def test_runs_queued_while_the_server_is_down_are_counted(sending: Machine) -> None:
    nobody = {"ONE_TRACES_ENDPOINT": "https://nobody.invalid"}
    done = sending.one("--agent", "trace", "sync", *AGES, env=nobody)
    assert (done.code, done.document["newlyQueued"], done.document["queued"]) == (5, 3, 3)
    assert sync(sending, *AGES) == (0, 3, 0)


def test_a_run_that_could_not_be_stored_is_imported_and_delivered(
    machine: Machine, traces_server: FakeTracesServer
) -> None:
    machine.player("22-skips")
    with Store(machine.data / "traces.db") as store:
        store.connection.execute("BEGIN IMMEDIATE")
        done = machine.one("--agent", "flow", "execute", "x", "--trace")
    assert done.code == 0
    (note,) = done.notes
    assert (note["code"], note["hint"]) == ("store-busy", "one trace import")
    machine.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": traces_server.url}
    imported = machine.one("--agent", "trace", "import").document
    assert (imported["imported"], imported["next"]) == (1, "one trace sync --since 90d")
    assert sync(machine, *AGES) == (1, 1, 0)
    assert len(traces_server.traces) == 1


def test_a_query_of_a_locked_store_suggests_a_retry(sending: Machine) -> None:
    with Store(sending.data / "traces.db") as store:
        store.connection.execute("BEGIN IMMEDIATE")
        error = sending.one("--agent", "trace", "sync", *AGES).document["error"]
    assert (error["code"], error["hint"]) == ("store-busy", "Try again in a moment.")
