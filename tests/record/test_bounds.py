"""Records of any size and depth: memory is bounded, the limit is reported, and nothing recurses."""

from __future__ import annotations

import os
import resource

import pytest

from one_trace.record.tolerant import replace_surrogates
from tests.bench.records import RUN, write_loop, write_nested

COMMANDS = [
    ("trace", "show"),
    ("trace", "show", "--slow", "5"),
    ("trace", "show", "--events"),
    ("trace", "show", "--failed"),
    ("trace", "show", "--step", "s7"),
    ("trace", "stats"),
    ("trace", "stats", "f0"),
    ("trace", "insights", "f0"),
    ("trace", "diff", "last", "last"),
    *[("trace", "export", "last", "--format", form) for form in ("json", "events", "otlp", "perfetto")],
]


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


@pytest.fixture
def looped(machine):
    write_loop(machine.project, 10)
    flows = machine.project / ".one" / "flows"
    machine.state = flows / ".runs" / f"looped-{RUN}.state.json"
    machine.log = flows / ".logs" / f"looped-{RUN}.log"
    return machine


def imported(machine) -> tuple[dict, list[str]]:
    done = machine.one("--agent", "trace", "import", preexec_fn=limited)
    assert b"Traceback" not in done.err
    (run,) = done.document["runs"]
    return run, done.document["problems"]


@pytest.mark.parametrize("size", [1 << 30, 300 << 30])
def test_a_state_over_the_limit_is_not_read_and_partial_says_so(looped, size):
    os.truncate(looped.state, size)
    run, problems = imported(looped)
    assert (run["status"], run["spans"]) == ("success", 11)
    assert any("larger than 512 MiB" in problem and f"{size:,} bytes" in problem for problem in problems)
    # When it began is read from the start of the file: so it is the same trace as ever.
    assert looped.runs()[0]["startedAt"] == "2026-04-06T10:02:00.000Z"


def test_the_beginning_of_a_log_over_the_limit_is_read_and_partial_says_so(looped):
    whole = looped.log.read_bytes()
    cut = whole[: whole.index(b'"event": "step:complete"')]
    looped.log.write_bytes(cut[: cut.rfind(b"\n") + 1])
    os.truncate(looped.log, 300 << 30)
    run, problems = imported(looped)
    assert run["status"] in ("incomplete", "success")
    assert any(
        "only the beginning of the log" in problem and f"{300 << 30:,} bytes" in problem
        for problem in problems
    )


@pytest.mark.parametrize("end", ["success", "error", "killed"])
def test_sub_flows_may_nest_without_limit(machine, end):
    write_nested(machine.project, 1500, end)
    run, _ = imported(machine)
    assert (run["spans"], run["status"]) == (1500, {"killed": "incomplete"}.get(end, end))
    for argv in COMMANDS if end == "success" else COMMANDS[:3]:
        done = machine.one(*argv)
        assert (done.code, done.err) == (0, b""), argv


def test_a_page_shows_the_end_of_a_deep_path(machine):
    write_nested(machine.project, 1500)
    imported(machine)
    for argv in (("trace", "show", "--events"), ("trace", "stats", "f0")):
        assert b"s1400" in machine.one(*argv).out


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\ude00\ud83d"', rb'"\ufffd\ufffd"'),
        (rb'"\ud83d\\ude00"', rb'"\ufffd\\ude00"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\\\ud83d\ud83d\ude00\n"', rb'"\\\ufffd\ud83d\ude00\n"'),
    ],
)
def test_only_lone_surrogates_are_replaced(text: bytes, left: bytes) -> None:
    data = bytearray(text)
    assert replace_surrogates(data) is (text != left)
    assert bytes(data) == left


def test_many_backslashes_are_scanned_in_linear_time() -> None:
    data = bytearray(b"\\" * 2_000_000 + b"n" + b"\\\\ud800" * 200_000)
    assert not replace_surrogates(data)
