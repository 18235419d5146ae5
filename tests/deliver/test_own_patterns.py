"""`traces.redact`: the user's own patterns are applied to all that leaves."""

from __future__ import annotations

import json

import pytest
from machine import Machine
from traces_server import FakeTracesServer

from one_trace.deliver.pattern_worker import replaced
from one_trace.deliver.patterns import masked
from one_trace.errors import CliError

LONG = "a" * 40


def test_what_a_pattern_matches_is_replaced_and_nothing_is_no_match() -> None:
    assert replaced(["acme-[0-9]+", r"\b", "(?i)X y"], ["acme-1 x Y", "a"], "*") == ["* *", "a"]


@pytest.mark.program
def test_patterns_are_applied_in_a_program_that_can_be_stopped() -> None:
    assert masked(lambda mask: [mask("a1"), mask("b\udcff")], ["[0-9]"]) == ["a[REDACTED]", "b\\xff"]
    with pytest.raises(CliError, match=r"take longer than 2 s"):
        masked(lambda mask: mask(LONG), ["(a+)+b"])


@pytest.fixture
def failing(machine: Machine) -> Machine:
    """A traced run whose names, ids and error text have a word in them that is not to leave."""
    steps = [
        {"id": "load-acme", "name": LONG, "type": "transform", "transform": {"expression": "1"}},
        {"id": "acme", "name": "Fail", "type": "bash", "bash": {"command": "echo oh acme >&2; exit 3"}},
    ]
    inside = {"expression": "true", "then": steps}
    each = {"id": "if-acme", "name": "If", "type": "condition", "condition": inside}
    flow = {"key": "acme-flow", "name": "Acme", "version": "1", "inputs": {}, "steps": [each]}
    machine.write(machine.project / ".one/flows/acme-flow/flow.json", json.dumps(flow))
    machine.with_node("sh").env["ONE_TRACE_HOST"] = "built-in"
    machine.env["CODEX_THREAD_ID"] = "acme-thread"
    return machine


def redact(machine: Machine, patterns: list[str]) -> None:
    machine.write(machine.user_file, f'[traces]\nerrors = "full"\nredact = {json.dumps(patterns)}\n')


def execute(machine: Machine) -> list[dict]:
    run = ["--agent", "flow", "execute", "acme-flow", "--allow-bash", "--trace", "--trace-tag", "team=acme"]
    return machine.one(*run).notes


def test_no_sink_gets_what_is_redacted_and_the_export_shows_it(
    failing: Machine, traces_server: FakeTracesServer
) -> None:
    redact(failing, ["(?i)acme"])
    failing.env["OTEL_RESOURCE_ATTRIBUTES"] = "team=acme"
    failing.deliver_to(traces_server)
    (saved,) = execute(failing)
    assert saved["uploads"][0]["state"] == "sent"
    assert b"acme" not in traces_server.everything().lower()
    assert b"[REDACTED]-flow > if-[REDACTED] > load-[REDACTED]" in traces_server.everything()
    for command in (["export", "--format", "events"], ["export", "--format", "otlp"]):
        shown = failing.one("trace", command[0], "last", *command[1:]).out
        assert b"acme" not in shown.lower()
        assert b"load-[REDACTED]" in shown
    events = failing.one("--agent", "trace", "show", "last", "--events", "--full").document["events"]
    assert "acme" not in json.dumps(events).lower()
    assert "acme" in json.dumps(failing.one("--agent", "trace", "show", "last").document), "here it stays"


@pytest.mark.parametrize("pattern", ["(", "(a+)+b"])
def test_a_bad_pattern_holds_back_delivery_and_says_so(
    failing: Machine, traces_server: FakeTracesServer, pattern: str
) -> None:
    redact(failing, [pattern])
    failing.deliver_to(traces_server)
    notes = execute(failing)
    assert [note["event"] for note in notes if note["event"] == "trace:saved"] == ["trace:saved"]
    assert traces_server.seen == []
    synced = failing.one("--agent", "trace", "sync")
    exported = failing.one("--agent", "trace", "export", "last", "--format", "events")
    assert synced.code != 0
    assert "traces.redact" in exported.document["error"]["message"]
    assert b"Traceback" not in synced.err + exported.err
    assert traces_server.seen == []
    redact(failing, ["acme"])
    assert failing.one("--agent", "trace", "sync").document["sent"] == 1
