"""The last frame of the live tree, in terminals of several sizes, against the finished tree."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator

import pytest
from live_claims import contradictions, rows
from machine import Machine
from terminal import Terminal

from one_trace.view.cells import text_width

SAVED = r"^traced ([0-9a-f]{12}): "
FRAME = re.compile(r"\x1b\[\?2026h(.*?)\x1b\[\?2026l", re.DOTALL)
CONTROL = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]|\r")
HEAD = re.compile(r"^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] ", re.MULTILINE)
RETRY = {"strategy": "retry", "retries": 2, "retryDelayMs": 10}
CONTINUE = {"strategy": "continue"}
WAITS = "await new Promise((r) => setTimeout(r, {ms})); return 1"


def code(name: str, source: str = "return 1", **more: object) -> dict:
    return {"id": name, "name": name, "type": "code", "code": {"source": source}, **more}


def block(kind: str, name: str, body: dict, **more: object) -> dict:
    return {"id": name, "name": name, "type": kind, kind: body, **more}


def second_time(name: str) -> str:
    return f"if((globalThis.{name}=(globalThis.{name}??0)+1)<2) throw Error('once'); return 1"


def loop(name: str, steps: list[dict], at_once: int = 1, **more: object) -> dict:
    body = {"over": "$.steps.list.output", "as": "n", "maxConcurrency": at_once, "steps": steps}
    return block("loop", name, body, **more)


LIST = code("list", "return [1,2,3]")
SUB = {"key": "sub", "inputs": {"n": "$.loop.item"}}
SIDE_BY_SIDE = [
    code("fast"),
    code("slow", WAITS.format(ms=400), timeoutMs=60, onError=CONTINUE),
    code("flaky", second_time("flaky"), onError=RETRY),
    block("flow", "call", {"key": "sub", "inputs": {}}),
    {**code("never"), "if": "$.input.n"},
]
PARTS = [
    LIST,
    code("again", second_time("again"), onError=RETRY),
    code("late", WAITS.format(ms=300), timeoutMs=60, onError=CONTINUE),
    block("parallel", "both", {"steps": SIDE_BY_SIDE}),
    loop(
        "each",
        [code("work", WAITS.format(ms=20)), block("flow", "sub", {"key": "sub", "inputs": {}})],
        at_once=2,
    ),
    block("condition", "if", {"expression": "false", "then": [code("yes")], "else": [code("no")]}),
    {**code("skip"), "if": "$.input.n"},
    block(
        "parallel", "worst", {"steps": [code("bad", "throw Error('lost')"), code("good")]}, onError=CONTINUE
    ),
    code("store", "throw Error('no luck')"),
]
DEEP = [LIST, loop("each", [block("flow", "sub", SUB)], at_once=3)]
IN_SUB = [code("in"), code("odd", "if($.input.n===2) throw Error('no luck'); " + WAITS.format(ms=20))]


def flow(key: str, steps: list[dict]) -> dict:
    inputs = {"n": {"type": "number", "required": False}}
    return {"key": key, "name": key, "version": "1", "inputs": inputs, "steps": steps}


FLOWS = [flow("parts", PARTS), flow("deep", DEEP), flow("sub", IN_SUB)]
RUNS = [("parts", 120, 40), ("parts", 80, 24), ("parts", 80, 12), ("parts", 40, 24), ("deep", 40, 12)]


@pytest.fixture(params=["built-in", "One CLI"])
def project(request: pytest.FixtureRequest, machine: Machine) -> Machine:
    if request.param == "One CLI":
        request.getfixturevalue("real_one")
    else:
        machine.with_node().env["ONE_TRACE_HOST"] = "built-in"
    machine.env["PATH"] += os.pathsep + os.defpath
    for one in FLOWS:
        machine.write(machine.project / f".one/flows/{one['key']}/flow.json", json.dumps(one))
    return machine


@pytest.fixture
def terminal(project: Machine) -> Iterator[Terminal]:
    opened = Terminal(project, 80, 24)
    yield opened
    opened.close()


def test_the_last_frame_agrees_with_the_finished_tree(project, terminal):
    for key, columns, height in RUNS:
        about = f"{key}, {columns}x{height}"
        frame, shown = drawn(project, terminal, key, columns, height)
        assert len(frame) < height, about
        assert [line for line in frame if text_width(line) > columns] == [], about
        spans = finished(project, re.search(SAVED, shown, re.MULTILINE)[1])
        found = rows(frame)
        assert len(found) >= min(height - 3, 5), about
        assert contradictions(found, spans, over=False) == [], about
        assert contradictions([row for row in found if "…" not in row.note], spans, over=True) == [], about
        assert len(re.findall("Code step .(?:store|odd). failed", shown)) == 1, f"{about}:\n{shown}"
        assert not HEAD.search(shown), f"{about}:\n{shown}"


def drawn(project: Machine, terminal: Terminal, key: str, columns: int, height: int) -> tuple[list[str], str]:
    """The lines of the last frame, and the whole scrollback after the run."""
    terminal.resize(columns, height)
    terminal.clear()
    terminal.forget()
    record = project.root / f"{key}-{columns}-{height}"
    terminal.record(record)
    terminal.type(f"one flow x {key} --trace; echo ended", "Enter")
    terminal.wait_for("^ended")
    terminal.stop_recording()
    frames = [CONTROL.sub("", frame) for frame in FRAME.findall(record.read_bytes().decode())]
    last = next(frame for frame in reversed(frames) if HEAD.search(frame))
    return last[HEAD.search(last).start() :].rstrip("\n").split("\n"), terminal.scrollback()


def finished(project: Machine, run_id: str) -> list[dict]:
    """The steps of the finished tree."""
    spans = project.one("--agent", "trace", "export", run_id).document["spans"]
    number = {span["spanId"]: at for at, span in enumerate(spans)}
    return [
        {**span, "span": number[span["spanId"]], "parent": number.get(span["parentSpanId"])} for span in spans
    ]


def lines_of_frames(terminal: Terminal) -> list[str]:
    """The lines of the frame on the screen, and of older ones if they were not erased."""
    return [line for line in terminal.screen().splitlines() if re.search("^. (first|second|wide) ", line)]


def test_a_terminal_that_changes_its_width_keeps_no_part_of_an_older_frame(machine):
    machine.with_node().env |= {"ONE_TRACE_HOST": "built-in"}
    machine.env["PATH"] += os.pathsep + os.defpath
    wait = {"command": "while [ ! -e go ]; do sleep 0.02; done"}
    steps = [code("first"), block("bash", "second", wait)]
    machine.write(machine.project / ".one/flows/wide/flow.json", json.dumps(flow("wide", steps)))
    terminal = Terminal(machine, 80, 24)
    try:
        terminal.type("one flow x wide --allow-bash --trace", "Enter")
        terminal.wait_for("second")
        for columns in (40, 120):
            terminal.resize(columns, 24)
            until = time.monotonic() + 120
            while len(lines := lines_of_frames(terminal)) != 3 or max(map(len, lines)) < min(columns, 80) - 9:
                assert time.monotonic() < until, terminal.screen()
                time.sleep(0.05)
        machine.write(machine.project / "go", "")
        terminal.wait_for(SAVED)
    finally:
        terminal.close()
