"""A run during which the clock is set back, through the whole program."""

from __future__ import annotations

import json
from typing import Any

import pytest
from machine import Machine

CASE = "06-loop-seq"
SET_BACK = """
import re, datetime
log = next(path for path in Path(".one/flows/.logs").iterdir() if new in path.name)
rows = log.read_text(encoding="utf-8").split("\\n")
def earlier(found):
    at = datetime.datetime.fromisoformat(found[2]) - datetime.timedelta(seconds=3)
    return found[1] + at.isoformat(timespec="milliseconds").replace("+00:00", "Z") + '"'
rows[6:] = [re.sub(r'("(?:ts|timestamp)":\\s*")([^"]+)"', earlier, row) for row in rows[6:]]
log.write_text("\\n".join(rows), encoding="utf-8")
"""


@pytest.fixture
def run_id(machine: Machine) -> str:
    machine.player(CASE, after=SET_BACK)
    done = machine.one("--agent", "flow", "execute", "x", "--trace")
    assert done.code == 0
    return done.saved["runId"]


def numbers(value: Any, name: str = "") -> list[tuple[str, float]]:
    """All numbers of a document with the names that they stand under."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in numbers(inner, key)]
    if isinstance(value, list):
        return [found for inner in value for found in numbers(inner, name)]
    return [(name, value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


@pytest.mark.parametrize(
    "argv",
    [
        ["export", "RUN", "--format", "json"],
        ["export", "RUN", "--format", "otlp"],
        ["export", "RUN", "--format", "perfetto"],
        ["show", "RUN"],
        ["show", "RUN", "--slow", "5"],
        ["stats"],
        ["list"],
        ["cost"],
    ],
    ids=lambda argv: " ".join(argv),
)
def test_no_document_has_a_negative_number(machine: Machine, run_id: str, argv: list[str]) -> None:
    done = machine.one("--agent", "trace", *(run_id if word == "RUN" else word for word in argv))
    assert done.code == 0, done
    assert [found for found in numbers(done.document) if found[1] < 0] == []


def test_the_trace_says_that_the_clock_went_back(machine: Machine, run_id: str) -> None:
    document = machine.one("--agent", "trace", "export", run_id, "--format", "json").document
    assert [fault for fault in document["run"]["partial"] if "clock went back by 3.0 s" in fault]
    starts = [span["startMs"] for span in document["spans"]]
    assert starts == sorted(starts)
    assert document["run"]["durationMs"] < 3000


def test_no_page_has_a_negative_figure(machine: Machine, run_id: str) -> None:
    for argv in (["show", run_id], ["show", run_id, "--slow", "5"], ["stats"], ["list"]):
        page = machine.one("trace", *argv).out.decode()
        assert " -" not in page.replace(" --", ""), page


def test_events_are_in_the_logs_order(machine: Machine, run_id: str) -> None:
    out = machine.one("--agent", "trace", "export", run_id, "--format", "events").out
    events = [json.loads(line) for line in out.splitlines()]
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    assert all((event.get("durationMs") or 0) >= 0 for event in events)


def test_a_run_whose_first_line_has_no_time_starts_when_the_next_was_written(machine: Machine) -> None:
    after = """
for log in Path(".one/flows/.logs").iterdir():
    first, rest = log.read_text(encoding="utf-8").split("\\n", 1)
    log.write_text(json.dumps({**json.loads(first), "ts": "soon"}) + "\\n" + rest, encoding="utf-8")
for state in Path(".one/flows/.runs").iterdir():
    state.write_text("{}")
"""
    machine.player(CASE, after=after)
    machine.one("--agent", "flow", "execute", "x", "--trace")
    assert machine.one("--agent", "trace", "import").code == 0
    (run,) = machine.runs()
    assert run["startedAt"].startswith("2026-11-22")
    assert run["durationMs"] < 60_000
