"""What an executor prints while it is drawn: kept, taken apart, told in words."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from one_trace.capture import drawn as live_module
from one_trace.capture.drawn import Live
from one_trace.capture.human import HumanOutput
from one_trace.capture.spool import Spool
from one_trace.runner.console import Console
from one_trace.runner.options import parse

START = {"event": "flow:start", "flowKey": "f", "totalSteps": 1}


class Kept(Console):
    """A console that keeps what is said."""

    def __init__(self) -> None:
        super().__init__(agent=False)
        self.said = ""

    def write(self, data: bytes) -> None:
        self.said += data.decode()


@pytest.fixture
def spool():
    made = Spool()
    yield made
    made.close()


def human(**given: bool) -> HumanOutput:
    return HumanOutput(Kept(), **({"host": True, "resume": False, "verbose": False} | given))


def line(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def test_lines_come_once_and_whole(spool):
    os.write(spool.fd, b"a\nb\xe2\x80\xa8c\nrest")
    assert spool.lines() == [b"a", "b\u2028c".encode()]
    os.write(spool.fd, b" of it\n\n")
    assert spool.lines() == [b"rest of it", b""]
    assert spool.lines(last=True) == []


def test_a_prompt_is_shown_and_half_an_event_is_waited_for(spool):
    os.write(spool.fd, b"your name? ")
    assert [spool.lines() for _ in range(5)].count([b"your name? "]) == 1
    os.write(spool.fd, b'{"event":"step:st')
    assert [spool.lines() for _ in range(9)] == [[]] * 9
    assert spool.lines(last=True) == [b'{"event":"step:st']


def test_a_spool_that_somebody_cuts_is_read_on(spool):
    os.write(spool.fd, b"a long line\n")
    assert spool.lines() == [b"a long line"]
    os.ftruncate(spool.fd, 0)
    assert spool.lines() == []
    os.write(spool.fd, b"new\n")
    assert spool.lines() == [b"new"]


def test_fifty_megabytes_without_an_end(spool):
    for _ in range(50):
        os.write(spool.fd, b"x" * (1 << 20))
        spool.lines()
    os.write(spool.fd, b"\n")
    assert len(b"".join(spool.lines())) >= 40 << 20


@pytest.mark.parametrize(
    ("printed", "event", "said"),
    [
        (line(START), START, []),
        (b"plain \x1b[1mtext\x1b[0m", None, ["plain \x1b[1mtext\x1b[0m"]),
        (b"", None, [""]),
        (b"glued" + line(START), START, ["glued"]),
        (b'{"a":1}', None, ['{"a":1}']),
        (b'{"event":"mine"}', None, ['{"event":"mine"}']),
        (b'{"event":5}', None, ['{"event":5}']),
        (b"[1,2]", None, ["[1,2]"]),
        (b'{"event":"step:start"', None, ['{"event":"step:start"']),
        (b'{"event":"workflow:result","nonsense":1}', None, ['{"event":"workflow:result","nonsense":1}']),
        (b"\xff\xfe", None, ["\ufffd\ufffd"]),
        (b"{" * 100_000, None, ["{" * 100_000]),
    ],
    ids=range(12),
)
def test_a_line_is_an_event_or_is_said(printed, event, said):
    assert human().take(printed) == (event, said)


def test_an_error_that_a_step_prints_is_its_own_affair():
    told = human()
    told.take(line(START))
    noise = line({"error": "of a step"})
    assert told.take(noise) == (None, [noise.decode()])


def test_validation_errors_are_worded_as_for_people():
    told = human()
    problems = [{"path": "steps[0].id", "message": "is missing"}, {"path": "key", "message": "no kebab"}]
    told.take(line({"error": "Validation failed", "errors": problems}))
    told.end()
    assert told._console.said == ("└  Validation failed:\n  steps[0].id: is missing\n  key: no kebab\n\n")


def test_the_counts_are_those_of_the_root_flow():
    told = human()
    told.take(line(START))
    for key, done in (("f", 3), ("sub", 99)):
        event = {"event": "flow:complete", "flowKey": key, "stepsCompleted": done}
        told.take(line({**event, "stepsFailed": 1, "stepsSkipped": 2}))
    told.take(
        line({"event": "workflow:result", "runId": "r", "logFile": "l", "status": "success", "steps": {}})
    )
    told.end()
    said = told._console.said
    assert "✓ 3 succeeded  ✗ 1 failed  ○ 2 skipped\n  Run ID: r\n  Log: l\n" in said


def test_nothing_is_made_up_where_the_host_was_killed():
    told = human()
    told.take(line(START))
    told.end()
    assert told._console.said == ""


def test_a_picture_that_breaks_lets_the_executor_speak_itself(monkeypatch, tmp_path, capfd):
    """Whatever goes wrong in drawing: one line says so, and what the run prints is still to be read."""
    monkeypatch.setattr(live_module, "LOOK_S", 0.01)
    monkeypatch.setattr(HumanOutput, "take", lambda *_: 1 / 0)
    picture = Live(parse(["flow", "x", "f"]), SimpleNamespace(project=str(tmp_path)), host=True)
    picture.begin()
    os.write(picture.output, b"first\n")
    while not picture._broken:
        pass
    os.write(picture.output, b"second\n")
    picture.close()
    picture.end()
    err = capfd.readouterr().err
    assert "one-trace: cannot draw this run: ZeroDivisionError" in err
    assert err.endswith("first\nsecond\n")
