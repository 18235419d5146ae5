"""`trace show`, `export` and `open` as programs."""

from __future__ import annotations

import json
import os
import pty
import re
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from truths import big, recorded

from one_trace.export.formats import FORMATS
from one_trace.model.trace import Assembly, Trace
from one_trace.store import Store


@pytest.fixture
def filled(machine):
    """A store with one run that failed."""
    keep(machine, recorded("97b-realistic-fails"))
    return machine


def keep(machine, trace: Trace) -> None:
    machine.data.chmod(0o700)
    with Store(machine.data / "traces.db") as store:
        store.save(Assembly(trace=trace))


def test_show_for_agents_is_the_trace_document(filled) -> None:
    done = filled.one("--agent", "trace", "show", "--full", "d4de")
    assert done.code == 0
    assert msgspec.json.decode(done.out, type=Trace) == recorded("97b-realistic-fails")
    assert done.out.count(b"\n") == 1


def test_show_piped_has_neither_colour_nor_box_drawing(filled) -> None:
    done = filled.one("trace", "show")
    assert done.code == 0
    assert done.out.isascii()
    assert b"\x1b" not in done.out
    assert b"FAIL store" in done.out


def on_a_terminal(machine, *argv: str, **env: str) -> str:
    """What our program writes to a terminal of its own."""
    leader, follower = pty.openpty()
    process = machine.start(
        *argv, stdout=follower, stderr=follower, env={"TERM": "xterm", "COLUMNS": "80", **env}
    )
    os.close(follower)
    data = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # how Linux says that the other side has gone
            break
        if not part:
            break
        data += part
    process.wait(30)
    os.close(leader)
    return data.decode()


def test_show_on_a_terminal_has_both(filled) -> None:
    text = on_a_terminal(filled, "trace", "show")
    assert "├─" in text
    assert "\x1b[31m" in text


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(filled, env: dict[str, str]) -> None:
    text = on_a_terminal(filled, "trace", "show", **env)
    assert "├─" in text
    assert "\x1b" not in text


def test_failed_step_depth_and_slow_for_agents(filled) -> None:
    failed = filled.one("--agent", "trace", "show", "--failed").document
    assert failed["schema"] == "one-trace-run/1"
    assert failed["filter"] == {"failed": True}
    assert {row["status"] for row in failed["steps"]} == {"success", "error"}
    assert len(failed["steps"]) == 4
    assert failed["cause"]["path"] == "daily-digest > store"
    step = filled.one("--agent", "trace", "show", "--step", "daily-digest > store").document
    assert [row["path"] for row in step["steps"]] == ["daily-digest > store"]
    depth = filled.one("--agent", "trace", "show", "--depth", "1").document
    assert len(depth["steps"]) == 4
    slow = filled.one("--agent", "trace", "show", "--slow", "2").document
    assert slow["slowest"][0]["path"] == "daily-digest > fetch"
    events = filled.one("--agent", "trace", "show", "--events", "--full").document["events"]
    assert events[0]["event"] == "flow:start"
    assert len(events) == 32


def test_a_filter_hides_and_changes_no_figure(filled) -> None:
    whole = filled.one("--agent", "trace", "show").document
    failed = filled.one("--agent", "trace", "show", "--failed").document
    figures = {row["path"]: row["selfMs"] for row in whole["slowest"]}
    for row in failed["slowest"]:
        assert figures.get(row["path"], row["selfMs"]) == row["selfMs"]
    assert failed["run"] == whole["run"]


@pytest.mark.parametrize("argv", [[], ["--failed"], ["--depth", "1"], ["--slow", "50"], ["--events"]])
def test_an_answer_fits_and_the_whole_is_one_flag_away(filled, argv: list[str]) -> None:
    done = filled.one("--agent", "trace", "show", *argv)
    assert len(done.out.decode()) <= 8000
    assert filled.one("--agent", "trace", "show", *argv, "--full").code == 0
    assert len(filled.one("--agent", "trace", "show", "--limit", "1").document["steps"]) == 1


@pytest.mark.parametrize(
    ("argv", "code", "word"),
    [
        (["show", "nope"], 3, "no-such-run"),
        (["show", "--step", "nope"], 1, "no-such-step"),
        (["show", "--depth", "0"], 2, "wrong-usage"),
        (["show", "--slow", "3", "--events"], 2, "wrong-usage"),
        (["export", "nope"], 3, "no-such-run"),
        (["export", "--format", "xml"], 2, "wrong-usage"),
        (["export", "-o", "no/such/folder/x.json"], 1, "os-error"),
        (["open", "nope"], 3, "no-such-run"),
    ],
)
def test_errors_are_one_document_with_an_exit_code(filled, argv: list[str], code: int, word: str) -> None:
    done = filled.one("--agent", "trace", *argv)
    assert (done.code, done.document["error"]["code"]) == (code, word)


def test_failed_of_a_run_that_went_well(machine) -> None:
    keep(machine, recorded("01-transform"))
    assert b"nothing failed" in machine.one("trace", "show", "--failed").out


def test_show_without_a_store_says_what_to_do(machine) -> None:
    done = machine.one("trace", "show")
    assert done.code == 3
    assert done.err.count(b"\n") <= 2


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_export_prints_or_writes_the_same_bytes(filled, form: str) -> None:
    printed = filled.one("trace", "export", "last", "--format", form)
    done = filled.one("--agent", "trace", "export", "last", "--format", form, "-o", "out.file")
    file = filled.project / "out.file"
    assert printed.out == file.read_bytes()
    assert _anywhere(printed.out) == _anywhere(FORMATS[form](recorded("97b-realistic-fails")))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert done.document == {
        "schema": "one-trace-file/1",
        "path": str(file),
        "format": form,
        "bytes": len(printed.out),
        "runId": "d4de414f31f8",
        "flowKey": None,
    }


def _anywhere(exported: bytes) -> bytes:
    """An export without the resource of OTLP, which names this machine."""
    return re.sub(rb'"resource":.*?\]\}', b"", exported)


def test_a_page_is_not_poured_over_a_terminal(filled) -> None:
    assert "-o run.html" in on_a_terminal(filled, "trace", "export", "--format", "html")


def test_open_for_agents_names_a_private_file_and_starts_nothing(filled) -> None:
    filled.env["BROWSER"] = "false"
    path = Path(filled.one("--agent", "trace", "open").document["path"])
    assert path.read_bytes() == FORMATS["html"](recorded("97b-realistic-fails"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = Path(filled.one("--agent", "trace", "open").document["path"])
    assert again == path
    assert len(list(path.parent.iterdir())) == 1


def test_open_starts_the_browser(filled) -> None:
    seen = filled.root / "seen"
    program = filled.script(filled.root / "browser", f'#!/bin/sh\necho "$1" > {seen}\n')
    filled.env |= {
        "BROWSER": f"{program} %s",
        "PATH": f"{filled.env['PATH']}{os.pathsep}/bin{os.pathsep}/usr/bin",
    }
    done = filled.one("trace", "open")
    assert done.code == 0
    assert seen.read_text().strip() == Path(done.out.decode().strip()).as_uri()


def test_open_without_a_browser_says_where_the_file_is(filled) -> None:
    done = filled.one("trace", "open")
    assert done.code == 0
    assert Path(done.out.decode().strip()).is_file()
    assert b"No browser" in done.err


HEAVY = (
    "rich",
    "pydantic",
    "pydantic_settings",
    "httpx",
    "one_trace.view",
    "one_trace.export",
    "one_trace.assemble",
)


def test_an_agent_waits_for_nothing_that_its_answer_does_not_need(filled) -> None:
    script = (
        "import sys; sys.argv = ['one', '--agent', 'trace', 'show', 'last']\n"
        "from one_trace.main import main\n"
        "code = main()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=filled.env, capture_output=True, cwd=filled.project
    )
    assert done.returncode == 0
    assert done.stderr.decode().strip() == "[]"


def test_ten_thousand_spans_come_back_whole(machine) -> None:
    trace = big()
    keep(machine, trace)
    document = json.loads(machine.one("--agent", "trace", "show", "--full").out)
    assert len(document["spans"]) == 10_000
    assert len(machine.one("trace", "show").out) < 3_000


def test_help_fits_one_screen_and_ends_with_examples(machine) -> None:
    for verb in ("show", "export", "open"):
        text = machine.one("trace", verb, "--help").out.decode()
        assert text.count("\n") <= 30
        assert "Examples:" in text
