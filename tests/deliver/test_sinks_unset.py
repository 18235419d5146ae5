"""Runs queued for a sink that cannot be used any more: `sync` and `doctor` name it, and how to go on."""

from __future__ import annotations

import pytest
from machine import Machine
from made import assembly

from one_trace.store import Store

FIX = "one config set traces.sinks traces.com,otlp, then: one trace sync"


@pytest.fixture
def queued(machine: Machine) -> Machine:
    with Store(machine.data / "traces.db") as store:
        store.save(assembly("00000000000f"), sinks=["otlp"])
    return machine


def queue(machine: Machine) -> list[dict[str, str]]:
    document = machine.one("--agent", "trace", "doctor", "--offline").document
    return [check for check in document["checks"] if check["check"] == "queue"]


@pytest.mark.parametrize("key", [None, "trk_x"])
def test_a_run_for_a_sink_that_was_unset_is_reported(queued: Machine, key: str | None) -> None:
    queued.env |= {"TRACES_API_KEY": key} if key else {}
    message = "1 run queued for otlp: otlp is not among traces.sinks now"
    done = queued.one("trace", "sync")
    assert (done.code, done.out.decode()) == (
        1,
        "0 runs sent, 1 left.\n  00000000000f → otlp: otlp is not among traces.sinks now\n",
    )
    assert done.err.decode() == f"one-trace: {message}\nhint: {FIX}\n"
    answer = queued.one("--agent", "trace", "sync")
    assert (answer.code, answer.document["queued"]) == (1, 1)
    assert answer.document["error"] == {"code": "sink-not-set", "message": message, "hint": FIX}
    assert queue(queued) == [{"check": "queue", "state": "note", "message": message, "fix": FIX}]


def test_a_sink_without_an_endpoint_is_named_too(queued: Machine) -> None:
    queued.env |= {"ONE_TRACES_SINKS": "traces.com,otlp", "TRACES_API_KEY": "trk_x"}
    done = queued.one("trace", "sync")
    assert done.code == 1
    assert b"1 run queued for otlp: the sink otlp has no endpoint" in done.err
    assert "the sink otlp has no endpoint" in queue(queued)[0]["message"]


def test_the_variable_is_named_if_it_sets_the_sinks(queued: Machine) -> None:
    queued.env["ONE_TRACES_SINKS"] = "traces.com"
    assert b"hint: ONE_TRACES_SINKS=traces.com,otlp, then" in queued.one("trace", "sync").err
