"""No line of a page is wider than the terminal, down to 40 columns: see `trace help development`.

Every page is made by its command, in this process: three widths of eighty pages are too many children.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from made import USAGE, assembly, span

from one_trace.cli import help as added_help
from one_trace.cli import invoke, topics
from one_trace.cli.app import VERBS, trace
from one_trace.cli.config import config
from one_trace.cli.out import Out
from one_trace.model.trace import Assembly, Cause, Exit, Session, Upload
from one_trace.runner import usage
from one_trace.store import Store
from one_trace.view.cells import text_width
from one_trace.view.reflow import is_copied_whole, reflow

WIDTHS = (40, 60, 80)
HOUR_MS = 3_600_000
FLOW = "nightly-price-recalculation-of-everything"
STEP = "価格を計算する手順"
FAILED = "00000000000d"
LONG = "/home/somebody/in/a/folder/with/a/very/long/path/of/many/parts"
ERROR = "Command failed: curl -sS https://pricing.example.com/api/v1/quotes exited with 22 after many words"
PAGES = f"""
show {FAILED}
show {FAILED} --failed
show {FAILED} --all
show {FAILED} --depth 1
show {FAILED} --slow 5
show {FAILED} --events
show {FAILED} --step {STEP}
show 00000000000b
show 00000000000c
list
list --status success
list --flow none
list --since 1s
stats
stats {FLOW}
stats --since 1s
stats --by host
stats --by version
stats -o {{folder}}/a/history.json
insights
insights {FLOW}
insights --since 1s
diff {FAILED} 00000000001c
diff last last --fail-on slower:20
baseline {FLOW} -o {{folder}}/base.json
ci {FAILED} --fail-on failed
ci {FAILED} --baseline {{folder}}/base.json --fail-on slower:20 --junit {{folder}}/report.xml
cost
cost {FLOW}
cost --since 1s
export {FAILED} --format html -o {{folder}}/a/report.html
import
sync
prune --older-than 30d --dry-run
prune --older-than 2h --dry-run
help
schema
doctor --offline
logout
"""
SETTINGS = f"""
list
set traces.data_dir {{folder}}
set traces.host {LONG}
get traces.enabled
unset traces.host
"""
OTHERS = re.compile(r" +(?:→|->) ")
"""The mark before what fixes a finding."""


def commands() -> Iterator[tuple[str, str]]:
    """Group and arguments of every command with a page."""
    yield from (("trace", line) for line in PAGES.strip().splitlines())
    yield from (("trace", f"help {name}") for name in topics.NAMES)
    yield from (("trace", f"{verb} --help") for verb in ["", *VERBS])
    yield from (("config", line) for line in SETTINGS.strip().splitlines())
    yield from (("config", f"{verb} --help") for verb in ["", *config.commands])


def run(number: int, start: int) -> Assembly:
    """A run of a flow that became slower, with long names and sometimes an error."""
    took = 200.0 + number if number < 25 else 700.0
    each = span("each-of-the-many-orders", type="loop", duration_ms=took)
    calls = [
        span("call-the-pricing-service", each, iteration=i, start_ms=10.0 * i, type="bash", usage=USAGE)
        for i in range(8)
    ]
    bad = number % 7 == 3
    last = span(STEP, start_ms=took, status="error" if bad else "success", error=ERROR if bad else None)
    last.attempts, last.retries = (2, 1) if bad else (1, 0)
    made = assembly(
        f"{number + 10:012x}",
        [each, *calls, last],
        start=start,
        flow_key=FLOW,
        status="error" if bad else "success",
        cwd=f"/home/somebody/projects/{'shop' if number % 3 else 'warehouse-of-the-north'}",
        duration_ms=took + 40,
        usage=USAGE,
        session=Session(agent="claude-code", session_id="6f1c2d3e-aaaa-bbbb-cccc-000000000000"),
        uploads=[
            Upload(sink="traces.com", state="sent", url="https://traces.com/s/aaaaaaaaaaaaaaaaaaaaaaaa")
        ],
    )
    if bad:
        made.trace.run.cause = Cause(span_id=last.span_id, path=last.path, step_id=STEP, error=ERROR)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with many runs, and a project that is the working directory."""
    (tmp_path / "project" / ".one" / "flows").mkdir(parents=True)
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for name, value in {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "ONE_TRACES_DATA_DIR": str(tmp_path / "data"),
        "ONE_TRACE_HOST": "built-in",
        "TERM": "xterm",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("ONE_AGENT", "TRACES_API_KEY", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Out, "tty", True)
    monkeypatch.setattr(Out, "unicode", True)
    now = int(time.time() * 1000)
    interrupted, crashed = Exit(signal="SIGINT", duration_ms=3200), Exit(code=3, duration_ms=1100)
    with Store(tmp_path / "data" / "traces.db") as store:
        for number in range(40):
            store.save(run(number, now - (41 - number) * HOUR_MS), source="document")
        for run_id, exit in (("00000000000b", interrupted), ("00000000000c", crashed)):
            unfinished = {"status": "incomplete", "duration_ms": None, "ended_at": None, "exit": exit}
            partial = ["the log ends in the middle of a line, and there are many words about that"]
            store.save(assembly(run_id, start=now - HOUR_MS, partial=partial, **unfinished))
    return tmp_path


def too_wide(page: str, width: int) -> list[str]:
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in page.split("\n")]
    wide = [line for line in lines if text_width(line) > width]
    return [line for line in wide if not is_copied_whole(OTHERS.sub("", line, count=1))]


def test_no_line_of_a_page_is_wrapped(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for group, words in commands():
        args = words.format(folder=folder).split()
        for width in WIDTHS:
            monkeypatch.setenv("COLUMNS", str(width))
            monkeypatch.setattr("sys.argv", ["one", group, *args])
            command = trace if group == "trace" else config
            invoke.run(command, args, agent=False, name=f"one {group}")
            page, problems = capfd.readouterr()
            assert page.strip(), (words, problems)
            found[words, width] = too_wide(page, width)
    assert {page: lines for page, lines in found.items() if lines} == {}


@pytest.mark.parametrize("name", ["", "execute", "resume", "validate", "list"])
def test_no_line_of_the_built_in_runners_help_is_wrapped(name: str) -> None:
    pages = [usage.page(name), *added_help.ADDED.values(), added_help.ALONE]
    for width in WIDTHS:
        assert [too_wide(reflow(page, width), width) for page in pages] == [[]] * len(pages)


@pytest.mark.parametrize(
    ("text", "laid_out"),
    [
        ("short  text", "short  text"),
        ("  term  some words about it", "  term  some words\n        about it"),
        ("  a-longer-term  some words", "  a-longer-term\n      some words"),
        ("  term  some words\n        that go on", "  term  some words\n        that go on"),
        (
            "  term  some words,\n        that go on there",
            "  term  some words,\n        that go on\n        there",
        ),
        ("a sentence of many words", "a sentence of\n  many words"),
        ("  one trace show last --failed", "  one trace show last --failed"),
        ("Try it again: one trace sync --since 90d", "Try it again:\n  one trace sync --since 90d"),
        ("one trace login, and then some", "one trace login,\n  and then some"),
    ],
)
def test_reflow(text: str, laid_out: str) -> None:
    assert reflow(text, 20) == laid_out
