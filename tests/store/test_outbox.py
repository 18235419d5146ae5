from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made import START_MS, assembly

from one_trace.store import Store, outbox
from one_trace.store.outbox import Outbox
from one_trace.store.reader import Child

SINKS = ["traces.com"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "traces.db") as store:
        yield store


def saved(store: Store, *runs: str, sinks: list[str] = SINKS) -> None:
    for number, run in enumerate(runs):
        store.save(assembly(run, start=START_MS + number), sinks=sinks)


def test_the_oldest_goes_first_and_each_once(store: Store) -> None:
    saved(store, "00000000000b", "00000000000a")
    box = Outbox(store)
    jobs = [box.claim(SINKS), box.claim(SINKS), box.claim(SINKS)]
    assert [job and job.run_id for job in jobs] == ["00000000000b", "00000000000a", None]
    box.sent(jobs[0], "https://traces.com/s/x")
    assert store.uploads("00000000000b")[0].state == "sent"
    assert [run_id for run_id, _ in box.queued(SINKS)] == ["00000000000a"]


def test_two_senders_never_hold_one_job(store: Store, tmp_path: Path) -> None:
    saved(store, "00000000000a")
    with Store(tmp_path / "traces.db") as other:
        assert Outbox(store).claim(SINKS) is not None
        assert Outbox(other).claim(SINKS, early=True) is None


def test_a_lease_runs_out_and_is_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(store, "00000000000a")
    slow, quick = Outbox(store), Outbox(store)
    job = slow.claim(SINKS)
    now = outbox._now()
    monkeypatch.setattr(outbox, "_now", lambda: now + outbox.LEASE_MS + 1)
    taken = quick.claim(SINKS)
    assert taken is not None
    assert taken.attempts == 2
    assert not slow.renew(job)
    slow.sent(job, None)
    assert store.uploads("00000000000a")[0].state == "queued", "only the lease's holder reports the result"
    assert quick.renew(taken)


@pytest.mark.program
def test_the_lease_of_a_process_that_died_is_void(store: Store, tmp_path: Path) -> None:
    saved(store, "00000000000a")
    claim = (
        "import sys, os, signal; from pathlib import Path; from one_trace.store import Store; "
        "from one_trace.store.outbox import Outbox; "
        "assert Outbox(Store(Path(sys.argv[1]))).claim(['traces.com']); os.kill(os.getpid(), signal.SIGKILL)"
    )
    dead = subprocess.Popen([sys.executable, "-c", claim, str(tmp_path / "traces.db")])
    assert os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT).si_status == 9
    assert Outbox(store).claim(SINKS) is not None, "killed, and not even waited for"
    dead.wait()


def test_a_run_that_changes_while_it_is_sent_stays_queued(store: Store) -> None:
    saved(store, "00000000000a")
    box = Outbox(store)
    job = box.claim(SINKS)
    store.save(assembly("00000000000a", duration_ms=99.0), sinks=SINKS)
    box.sent(job, "https://traces.com/s/x")
    assert store.uploads("00000000000a")[0].state == "queued"
    again = box.claim(SINKS)
    box.sent(again, None)
    upload = store.uploads("00000000000a")[0]
    assert (upload.state, upload.url) == ("sent", "https://traces.com/s/x")


def test_a_waiting_run_is_claimed_early_only_on_request(store: Store) -> None:
    saved(store, "00000000000a")
    box = Outbox(store)
    box.later(box.claim(SINKS), "it answered 503", 60.0)
    assert box.claim(SINKS) is None
    assert box.claim(SINKS, early=True) is not None


def test_other_content_is_queued_later_also_where_the_clock_was_set_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, queued = Outbox(store), []
    for status, now in (("incomplete", 5000.0), ("success", 4000.0), ("success", 3000.0)):
        monkeypatch.setattr("time.time", lambda now=now: now)
        store.save(assembly(status=status), sinks=SINKS)
        if len(queued) == 2:
            box.queue_again(None, SINKS)
        monkeypatch.undo()
        job = box.claim(SINKS)
        queued.append(job.queued_ms)
        box.later(job, "no answer", 0, accepted=2)
        job = box.claim(SINKS)
        assert (job.queued_ms, job.accepted) == (queued[-1], 2), "content that stays is not another"
        box.sent(job, None)
    assert queued == [5_000_000, 5_000_001, 5_000_002]


def test_what_was_accepted_of_other_content_counts_no_more(store: Store) -> None:
    box = Outbox(store)
    store.save(assembly(status="incomplete"), sinks=SINKS)
    box.failed(box.claim(SINKS), "no", accepted=2)
    store.save(assembly(), sinks=SINKS)
    store.save(assembly(status="incomplete"), sinks=SINKS)
    assert box.claim(SINKS).accepted == 0


def test_a_refused_run_is_queued_again_only_on_request(store: Store) -> None:
    refused = assembly()
    store.save(refused, sinks=SINKS)
    box = Outbox(store)
    box.failed(box.claim(SINKS), "it answered 403")
    store.save(refused, sinks=SINKS)
    assert box.claim(SINKS, early=True) is None
    assert len(box.retry_failed(SINKS)) == 1
    assert box.claim(SINKS) is not None


def test_sharing_queues_anew_with_its_own_visibility(store: Store) -> None:
    saved(store, "00000000000a", sinks=[])
    box = Outbox(store)
    assert box.claim(SINKS) is None
    box.again("00000000000a", "traces.com", "direct")
    job = box.claim(SINKS)
    box.sent(job, None)
    assert job.visibility == "direct"
    box.again("00000000000a", "traces.com")
    assert box.claim(SINKS).visibility == "direct", "kept until it is changed"


def test_a_run_and_the_run_that_started_it_know_each_other(store: Store) -> None:
    store.save(assembly("00000000000a"))
    store.save(assembly("00000000000b"), parent_run_id="00000000000a", sinks=SINKS)
    assert store.family("00000000000b", "traces.com").parent_trace_id == f"{10:032x}"
    (child,) = store.family("00000000000a", "traces.com").children
    assert not child.sent
    box = Outbox(store)
    box.sent(box.claim(SINKS), None)
    assert store.family("00000000000a", "traces.com").children == [
        Child(f"{11:032x}", "/home/somebody/project", None, sent=True)
    ]


def test_a_run_that_was_tried_many_times_goes_last(store: Store) -> None:
    saved(store, "00000000000a", "00000000000b")
    box = Outbox(store)
    for _ in range(10):
        box.later(box.claim(SINKS), "it answered 500", 0)
    assert [run_id for run_id, _ in box.queued(SINKS)] == ["00000000000b", "00000000000a"]
    assert [box.claim(SINKS).run_id for _ in range(2)] == ["00000000000b", "00000000000a"]


def test_leases_and_waits_end_after_the_clock_was_set_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(store, "00000000000a", "00000000000b")
    box, other = Outbox(store), Outbox(store)
    now = outbox._now()
    year_ms = 365 * 86_400_000
    monkeypatch.setattr(outbox, "_now", lambda: now + year_ms)
    box.later(box.claim(SINKS), "it answered 503", 60.0)
    assert box.claim(SINKS).run_id == "00000000000b"
    monkeypatch.setattr(outbox, "_now", lambda: now)
    assert other.due(SINKS[0], 9) == ["00000000000a", "00000000000b"]
    assert [other.claim(SINKS).run_id for _ in range(2)] == ["00000000000a", "00000000000b"]


def test_a_held_run_is_sent_only_on_request_whatever_the_clock_says(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(assembly("00000000000a"), sinks=SINKS, hold=True)
    for now in (0, outbox._now(), 2**60):
        monkeypatch.setattr(outbox, "_now", lambda now=now: now)
        assert Outbox(store).claim(SINKS) is None
    assert Outbox(store).claim(SINKS, early=True) is not None


def test_a_wait_of_a_day_that_a_server_asks_for_is_kept(store: Store) -> None:
    saved(store, "00000000000a")
    box = Outbox(store)
    box.later(box.claim(SINKS), "it answered 429", 86_400)
    assert box.claim(SINKS) is None
