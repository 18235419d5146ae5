"""The four commands as a user starts them: on an empty store, on one run, on many, in a pipe, at any
width.
"""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path

import pytest
from machine import Machine
from made import START_MS, USAGE, assembly, span

from one_trace.store import Store

COMMANDS = ("stats", "insights", "diff", "cost")


def fill(machine: Machine, count: int) -> None:
    """`count` runs of one flow, the last one failed and slow."""
    with Store(machine.data / "traces.db") as store:
        for number in range(count):
            last = number == count - 1 > 0
            ms = 900.0 if last else 100.0 + number % 3
            ask = span("ask", type="bash", duration_ms=ms, usage=USAGE, output_bytes=2000)
            send = span("send", status="error" if last else "success", start_ms=ms, duration_ms=5.0)
            store.save(
                assembly(
                    f"{number:011x}a",
                    [ask, send],
                    start=START_MS + number * 60_000,
                    duration_ms=ms + 5,
                    status="error" if last else "success",
                    usage=USAGE,
                )
            )


def test_an_empty_store_is_said_to_be_empty(machine: Machine) -> None:
    for verb in ("stats", "cost"):
        assert machine.one("--agent", "trace", verb).document["runs"] == 0
        assert b"No run has been traced yet" in machine.one("trace", verb).out
    for argv in (("insights", "my-flow"), ("diff", "a", "b"), ("stats", "my-flow"), ("cost", "my-flow")):
        done = machine.one("--agent", "trace", *argv)
        assert (done.code, done.document["error"]["code"]) == (3, "no-such-run")
    assert not (machine.data / "traces.db").exists()


def test_one_run_is_enough_for_an_answer(machine: Machine) -> None:
    fill(machine, 1)
    stats = machine.one("--agent", "trace", "stats").document["flows"][0]
    assert (stats["runs"], stats["p50Ms"], stats["trend"]["change"]) == (1, 105, None)
    insights = machine.one("--agent", "trace", "insights", "my-flow").document
    assert {finding["rule"] for finding in insights["findings"]} == {"slow", "expensive"}
    assert machine.one("--agent", "trace", "cost").document["total"]["costUsd"] == 0.25
    same = machine.one("--agent", "trace", "diff", "last", "last", "--fail-on", "slower:1%")
    assert (same.code, same.document["counts"]) == (0, {})
    alone = machine.one("--agent", "trace", "diff", "last", "--baseline", "p50")
    assert (alone.code, alone.document["error"]["code"]) == (3, "no-such-run")


def test_many_runs(machine: Machine) -> None:
    fill(machine, 30)
    steps = machine.one("--agent", "trace", "stats", "my-flow").document["flows"][0]["steps"]
    assert [(step["stepId"], step["count"], step["flags"]) for step in steps] == [
        ("first", 0, ["never-ran"]),
        ("second", 0, ["never-ran"]),
        ("ask", 30, []),
        ("send", 30, []),
    ]
    findings = machine.one("--agent", "trace", "insights", "my-flow").document["findings"]
    assert [finding["rank"] for finding in findings] == list(range(1, len(findings) + 1))
    assert {"slow", "expensive", "dead-step"} <= {finding["rule"] for finding in findings}
    by_day = machine.one("--agent", "trace", "cost", "my-flow").document["days"]
    assert [(day["calls"], day["costUsd"]) for day in by_day] == [(30, 7.5)]


def test_diff_ends_a_script(machine: Machine) -> None:
    fill(machine, 30)
    argv = ("--agent", "trace", "diff", "my-flow@best", "my-flow@last")
    assert machine.one(*argv).code == 0
    done = machine.one(*argv, "--fail-on", "failed", "--fail-on", "slower:20%", "--fail-on", "cost:10%")
    assert done.code == 1
    assert [verdict["met"] for verdict in done.document["failOn"]] == [True, True, False]
    quiet = machine.one(
        "--agent", "trace", "diff", "my-flow@prev", "--baseline", "p50", "--fail-on", "slower:1%"
    )
    assert (quiet.code, quiet.document["baseline"]) == (0, "p50")


@pytest.mark.parametrize(
    "argv",
    [
        ("diff", "last"),
        ("diff", "last", "last", "--fail-on", "slow"),
        ("stats", "--since", "soon"),
        ("stats", "--format", "parquet"),
        ("stats", "--by", "weather"),
        ("diff", "a", "b", "--baseline", "p50"),
    ],
)
def test_wrong_usage(machine: Machine, argv: tuple[str, ...]) -> None:
    done = machine.one("--agent", "trace", *argv)
    assert (done.code, done.document["error"]["code"]) == (2, "wrong-usage")


def test_a_flow_that_is_not_there_is_told_its_neighbour(machine: Machine) -> None:
    fill(machine, 1)
    done = machine.one("trace", "stats", "my-folw")
    assert done.code == 3
    assert b"Did you mean my-flow?" in done.err


def test_since_may_leave_nothing(machine: Machine) -> None:
    fill(machine, 1)
    for verb in ("stats", "insights", "cost"):
        assert b"since" in machine.one("trace", verb, "my-flow", "--since", "1h").out


def pages(machine: Machine, width: int) -> list[str]:
    argv = (
        ("stats",),
        ("stats", "my-flow"),
        ("insights", "my-flow"),
        ("cost",),
        ("diff", "my-flow@best", "last"),
    )
    return [machine.one("trace", *one, env={"COLUMNS": str(width)}).out.decode() for one in argv]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_in_a_pipe_pages_are_plain_and_fit(machine: Machine, width: int) -> None:
    fill(machine, 30)
    for page in pages(machine, width):
        assert page.isascii()
        assert "\x1b" not in page
        assert max(map(len, page.split("\n"))) <= width, page


@pytest.mark.parametrize(("env", "colour"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(machine: Machine, env: dict[str, str], colour: bool) -> None:
    fill(machine, 30)
    ours, theirs = pty.openpty()
    process = machine.start(
        "trace", "stats", "my-flow", stdout=theirs, env={"TERM": "xterm", "COLUMNS": "120", **env}
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.close(ours)
    process.communicate(timeout=120)
    assert (b"\x1b[" in shown) is colour
    assert "█".encode() in shown


def test_names_cannot_draw(machine: Machine) -> None:
    odd = "\x1b[2Jred\u202e"
    with Store(machine.data / "traces.db") as store:
        store.save(assembly("00000000000a", [span(odd, usage=USAGE, duration_ms=900.0)], duration_ms=900.0))
        store.save(assembly("00000000000b", [span(odd, usage=USAGE)], duration_ms=10.0))
    for argv in (
        ("stats", "my-flow"),
        ("insights", "my-flow"),
        ("cost",),
        ("diff", "00000000000a", "00000000000b"),
    ):
        out = machine.one("trace", *argv).out.decode()
        assert "\\x1b[2Jred" in out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_the_history_leaves_as_csv(machine: Machine, tmp_path: Path) -> None:
    fill(machine, 3)
    target = tmp_path / "history.csv"
    done = machine.one("--agent", "trace", "stats", "-o", str(target))
    assert done.document == {
        "schema": "one-trace-stats-file/1",
        "file": str(target),
        "format": "csv",
        "rows": 6,
    }
    lines = target.read_text().split("\n")
    assert (len(lines), lines[0].split(",")[:3]) == (8, ["flow", "flow_version", "run_id"])
    assert machine.one("trace", "stats", "--format", "csv").out.decode() == target.read_text()


def test_a_reader_that_has_seen_enough_may_go(machine: Machine) -> None:
    fill(machine, 600)
    process = machine.start("trace", "stats", "--format", "csv")
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"flow,")
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(30)) == (b"", 0)
    process.stderr.close()


def test_the_figures_leave_as_json(machine: Machine, tmp_path: Path) -> None:
    fill(machine, 3)
    target = tmp_path / "stats.json"
    machine.one("trace", "stats", "--format", "json", "-o", str(target))
    document = machine.one("trace", "stats", "--format", "json").document
    assert json.loads(target.read_text()) == document == machine.one("--agent", "trace", "stats").document


@pytest.mark.parametrize("verb", COMMANDS)
def test_help_fits_a_screen_and_ends_with_two_examples(machine: Machine, verb: str) -> None:
    page = machine.one("trace", verb, "--help", env={"COLUMNS": "80"}).out.decode().rstrip("\n").split("\n")
    assert len(page) <= 26
    assert page[-3].strip() == "Examples:"
    assert all(line.strip().startswith("one ") for line in page[-2:])
