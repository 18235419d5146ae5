"""`traces.retention`: old runs go by themselves once a day, and by `trace prune`."""

import os
import time

from made import assembly, span

from one_trace.store import Store

DAY_MS = 86_400_000
RUN = ["--agent", "flow", "execute", "k", "--trace"]


def fill(machine, *ages, sinks=()):
    """A run of each age, in days."""
    with Store(machine.data / "traces.db") as store:
        for number, days in enumerate(ages):
            start = int(time.time() * 1000) - days * DAY_MS
            store.save(assembly(f"{number:011x}a", [span("s")], start=start, duration_ms=5), sinks=sinks)


def test_a_traced_run_forgets_what_is_too_old_once_a_day(machine):
    machine.player("02-linear-unicode")
    fill(machine, 100, 89, 1)
    saved = machine.one(*RUN).saved["runId"]
    assert {run["runId"] for run in machine.runs()} == {"00000000001a", "00000000002a", saved}
    fill(machine, 100)
    machine.one(*RUN)
    assert len(machine.runs()) == 5, "not again on the same day"
    os.utime(machine.data / "pruned", (0, 0))
    machine.one(*RUN)
    assert len(machine.runs()) == 5, "one gone, one new"


def test_forever_is_forever(machine):
    machine.player("02-linear-unicode")
    machine.env["ONE_TRACES_RETENTION"] = "forever"
    fill(machine, 5000)
    machine.one(*RUN)
    assert len(machine.runs()) == 2
    assert machine.one("--agent", "trace", "prune").document == {
        "schema": "one-trace-prune/1",
        "deleted": 0,
        "kept": 0,
    }


def test_prune_takes_the_setting_where_no_age_is_given(machine):
    fill(machine, 100, 20, 5)
    assert machine.one("--agent", "trace", "prune").document["deleted"] == 1
    machine.one("config", "set", "traces.retention", "2w")
    assert machine.one("--agent", "trace", "prune").document["deleted"] == 1
    assert machine.one("trace", "prune", "--older-than", "1d").out == b"1 run deleted.\n"


def test_what_is_not_delivered_stays(machine):
    machine.player("02-linear-unicode")
    fill(machine, 100, sinks=["traces.com"])
    machine.one(*RUN)
    assert len(machine.runs()) == 2
    assert machine.one("--agent", "trace", "prune").document == {
        "schema": "one-trace-prune/1",
        "deleted": 0,
        "kept": 1,
    }


def test_an_age_that_is_none_is_refused(machine):
    for word in ("90", "d", "1.5d", "0d", "90y", "٣d"):
        done = machine.one("--agent", "config", "set", "traces.retention", word)
        assert done.code != 0, word
        assert "an age like 90d" in done.document["error"]["message"]


def test_a_stamp_of_a_clock_that_was_set_back_holds_nothing_up(machine):
    machine.player("02-linear-unicode")
    fill(machine, 100)
    machine.one(*RUN)
    fill(machine, 100)
    ahead = time.time() + 365 * 86_400
    os.utime(machine.data / "pruned", (ahead, ahead))
    machine.one(*RUN)
    assert "00000000000a" not in {run["runId"] for run in machine.runs()}
