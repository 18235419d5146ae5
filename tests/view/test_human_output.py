"""What an executor prints while its run is drawn: spooled, split into events, shown as text."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from one_trace.capture import drawn as live_module
from one_trace.capture.drawn import Drawing
from one_trace.capture.human import HumanOutput
from one_trace.capture.spool import Spool
from one_trace.runner.command_line import parse
from one_trace.view.style import Style

START = {"event": "flow:start", "flowKey": "f", "totalSteps": 1}


@pytest.fixture
def spool():
    made = Spool()
    yield made
    made.close()


def human(*argv: str, spinner: bool = False) -> HumanOutput:
    asked = parse(["flow", *(argv or ("x", "f"))])
    return HumanOutput(asked, "/nowhere", Style(color=False, unicode=True), host=True, spinner=spinner)


def shown(output: HumanOutput, *documents: object) -> str:
    """What people see of a whole invocation."""
    lines = [words for document in documents for words in output.take(line(document), mixed=False)[1]]
    return "\n".join([*lines, *output.end(), ""])


def line(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def test_the_spool_returns_each_line_once(spool):
    os.write(spool.fd, b"a\nb\xe2\x80\xa8c\nrest")
    assert spool.lines() == [b"a", "b\u2028c".encode()]
    os.write(spool.fd, b" of it\n\n")
    assert spool.lines() == [b"rest of it", b""]
    assert spool.lines(last=True) == []


def test_a_prompt_is_returned_and_half_an_event_is_not(spool):
    os.write(spool.fd, b"your name? ")
    assert [spool.lines() for _ in range(5)].count([b"your name? "]) == 1
    os.write(spool.fd, b'{"event":"step:st')
    assert [spool.lines() for _ in range(9)] == [[]] * 9
    assert spool.lines(last=True) == [b'{"event":"step:st']


def test_a_truncated_spool_is_read_from_its_start(spool):
    os.write(spool.fd, b"a long line\n")
    assert spool.lines() == [b"a long line"]
    os.ftruncate(spool.fd, 0)
    assert spool.lines() == []
    os.write(spool.fd, b"new\n")
    assert spool.lines() == [b"new"]


def test_fifty_megabytes_without_a_line_end(spool):
    for _ in range(50):
        os.write(spool.fd, b"x" * (1 << 20))
        spool.lines()
    os.write(spool.fd, b"\n")
    assert len(b"".join(spool.lines())) >= 40 << 20


@pytest.mark.parametrize(
    ("printed", "event", "message"),
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
def test_a_line_is_an_event_or_is_shown(printed, event, message):
    assert human().take(printed) == (event, message)


def test_an_error_that_a_step_prints_is_shown_as_it_is():
    output = human()
    output.take(line(START))
    printed = line({"error": "of a step"})
    assert output.take(printed) == (None, [printed.decode()])
    assert not output.over


def test_validation_errors_are_listed():
    problems = [{"path": "steps[0].id", "message": "is missing"}, {"path": "key", "message": "no kebab"}]
    text = shown(human(), {"error": "Validation failed", "errors": problems})
    assert text == "└  Validation failed:\n  steps[0].id: is missing\n  key: no kebab\n\n"


RESULT = {"event": "workflow:result", "runId": "r", "logFile": "l", "status": "success", "steps": {}}


def test_the_counts_are_those_of_the_root_flow():
    ends = [
        {
            "event": "flow:complete",
            "flowKey": key,
            "stepsCompleted": done,
            "stepsFailed": 1,
            "stepsSkipped": 2,
        }
        for key, done in (("f", 3), ("sub", 99))
    ]
    text = shown(human(), START, *ends, RESULT)
    assert "✓ 3 succeeded  ✗ 1 failed  ○ 2 skipped\n  Run ID: r\n  Log: l\n" in text


def test_a_host_without_a_result_has_no_end():
    assert shown(human(), START) == ""


@pytest.mark.parametrize(
    ("argv", "documents", "expected"),
    [
        (("x", "f"), [START, RESULT], "◒  Executing workflow...\n◇  Workflow completed\n  Run ID: r\n"),
        (("x", "f", "-v"), [START, RESULT], "  Run ID: r\n"),
        (("resume", "r"), [START, RESULT], "◇  Workflow completed\n  ✓ Resumed and completed successfully\n"),
        (
            ("x", "f"),
            [RESULT | {"status": "failed", "error": "why"}],
            "◒  Executing workflow...\n◇  Workflow failed\n  Run ID: r\n  Log: l\n└  Workflow failed: why\n",
        ),
        (
            ("x", "f"),
            [{"event": "flow:dry-run", "steps": []}, RESULT | {"dryRun": True}],
            "◒  Executing workflow...\n◇  Dry run complete\n\n\n│\n◇  Dry Run\n",
        ),
        (
            ("resume", "r"),
            [START, RESULT | {"status": "failed", "error": "again"}],
            "◇  Resume failed\n└  Resume failed: again\n",
        ),
        (("list",), [{"workflows": []}], "│\n◇  Workflows\n│  No workflows found in .one/flows/\n"),
        (("validate", "f"), [{"valid": True, "key": "f"}], "◇  Workflow is valid\n│\n◇  Valid\n"),
        (
            ("validate", "f"),
            [{"valid": False, "errors": [{"path": "key", "message": "bad"}]}],
            "◇  Validation failed\n\n  ✗ key: bad\n\n└  1 validation error(s) found\n\n",
        ),
        (
            ("x", "f"),
            [{"event": "flow:warning", "message": "two\u001b[31m"}],
            "⚠ two\\x1b[31m\n",
        ),
    ],
    ids=range(10),
)
def test_the_words_of_human_mode_come_from_the_events(argv, documents, expected):
    assert shown(human(*argv, spinner=True), *documents).startswith(expected)


def test_an_event_with_half_a_surrogate_pair_is_an_event():
    event, _ = human().take(b'{"event":"step:start","stepName":"\\ud800","stepId":"a"}')
    assert event is not None
    assert event["stepId"] == "a"


def test_a_drawing_that_fails_passes_the_output_on(monkeypatch, tmp_path, capfd):
    """An error in drawing is one line, and the output of the run is still shown."""
    monkeypatch.setattr(live_module, "INTERVAL_S", 0.01)
    monkeypatch.setattr(HumanOutput, "take", lambda *_: 1 / 0)
    tracking = SimpleNamespace(project=str(tmp_path), program=None, token="t")
    picture = Drawing(parse(["flow", "x", "f"]), tracking)
    picture._open()
    os.write(picture.output, b"first\n")
    while not picture._broken:
        pass
    os.write(picture.output, b"second\n")
    picture.close()
    picture.end()
    err = capfd.readouterr().err
    assert "one-trace: cannot draw this run: ZeroDivisionError" in err
    assert err.endswith("first\nsecond\n")
