"""Many queued runs are sent at a steady pace, and no run waits for all of them at its end."""

from __future__ import annotations

import re

import pytest
from machine import Machine
from made import START_MS, assembly
from traces_server import FakeTracesServer, Handler

from one_trace.store import Store
from one_trace.store.outbox import Outbox
from one_trace.store.save import prepare, queue, write

SINK = "traces.com"


@pytest.fixture
def sending(sending: Machine) -> Machine:
    sending.env["ONE_TRACES_RETENTION"] = "forever"
    return sending


def enqueue(store: Store, count: int) -> None:
    with store.connection.writing() as connection:
        for number in range(count):
            prepared = prepare(assembly(f"{number + 1:012x}", start=START_MS + number), {})
            _, run = write(connection, prepared)
            queue(connection, run, [SINK])


def test_one_sync_sends_every_queued_run(sending: Machine, traces_server: FakeTracesServer) -> None:
    with Store(sending.data / "traces.db") as store:
        enqueue(store, 400)
    done = sending.one("--agent", "trace", "sync").document
    assert (done["sent"], done["queued"], len(traces_server.traces)) == (400, 0, 400)


def test_a_run_is_sent_before_some_of_the_queued_ones(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    with Store(sending.data / "traces.db") as store:
        enqueue(store, 2000)
    saved = sending.one("--agent", "flow", "execute", "x", "--trace").saved
    assert [upload["state"] for upload in saved["uploads"]] == ["sent"]
    first = next(iter(traces_server.traces))
    assert first.replace("-", "") == saved["traceId"]
    assert 1 < len(traces_server.traces) < 2000, "some of them, and not all"


def test_the_backlog_stops_at_the_first_run_that_is_not_delivered(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    with Store(sending.data / "traces.db") as store:
        enqueue(store, 50)
    asked: set[str] = set()

    def only_the_first(request: Handler) -> bool:
        asked.add(request.path.split("/")[3])
        return len(asked) > 1 and (request.refuse(400, "no more") or True)

    traces_server.fault = only_the_first
    saved = sending.one("--agent", "flow", "execute", "x", "--trace").saved
    assert saved["uploads"][0]["state"] == "sent"
    assert len(asked) == 2


@pytest.mark.parametrize("queued", [10, 1000])
def test_no_query_of_a_delivery_scans_the_queue(sending: Machine, queued: int) -> None:
    """SQLite's plans of the queries for each run look rows up and scan no table."""
    asked: list[str] = []
    with Store(sending.data / "traces.db") as store:
        enqueue(store, queued)
        store.connection._raw.set_trace_callback(asked.append)
        box = Outbox(store)
        job = box.claim([SINK], run_id="000000000005", early=True)
        store.trace(job.run_id)
        store.family(job.run_id, SINK)
        assert box.renew(job)
        box.sent(job, None)
        assert not box.is_queued(job.run_id, SINK)
        store.connection._raw.set_trace_callback(None)
        plans = [
            detail
            for sql in asked
            if sql.startswith(("SELECT", "UPDATE"))
            for *_, detail in store.connection.execute(f"EXPLAIN QUERY PLAN {sql}")
        ]
    scans = [plan for plan in plans if re.match(r"SCAN (?!json_each|CONSTANT)", plan)]
    assert any("outbox_leases" in plan for plan in plans)
    assert any("runs_by_parent" in plan for plan in plans)
    assert [plan for plan in scans if "outbox_leases" not in plan] == [], plans
