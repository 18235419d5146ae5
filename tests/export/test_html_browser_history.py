"""The history page of a flow in a real browser, made of a store by the program's own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from flow_runs import fill
from made import assembly

from one_trace.cli.flow_history import page_of
from one_trace.export.flow_page import MOST_RUNS
from one_trace.history.local import LocalHistory
from one_trace.model.wanted import Wanted
from one_trace.store import Store

CHROMIUM = browser.find()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">\u202e"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    assert CHROMIUM
    with browser.Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium


def show(page: browser.Browser, folder: Path, flow: str = "my-flow") -> bytes:
    with Store(folder / "traces.db", readonly=True) as store:
        data = page_of(LocalHistory(store), Wanted(flow))
    (folder / "history.html").write_bytes(data)
    page.errors.clear()
    page.size(1280, 900)
    page.open(folder / "history.html")
    page.wait("document.querySelector('#durations svg')")
    assert page.errors == []
    return data


def text(page: browser.Browser, of: str) -> str:
    return page.run(f"document.querySelector({json.dumps(of)}).innerText")


def test_it_shows_outcomes_steps_findings_and_cost(page: browser.Browser, tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", 60)
    assert len(show(page, tmp_path)) < 110_000
    assert "54 success" in text(page, "#legend")
    assert "6 error" in text(page, "#legend")
    assert "90 %" in text(page, "#facts")
    assert text(page, "#slow tbody tr").startswith("ask")
    assert "6 of 60" in text(page, "#flaky")
    assert "flaky · ask" in text(page, "#finding-list")
    assert "claude-sonnet-4\t60" in text(page, "#models")
    assert page.run("document.querySelectorAll('#days rect').length") > 10
    assert page.run("document.querySelectorAll('#last tbody tr').length") == 20
    page.run("document.getElementById('more').click()")
    assert page.run("document.querySelectorAll('#last tbody tr').length") == 60
    assert page.requests == [(tmp_path / "history.html").as_uri()]


def test_runs_are_chosen_by_keyboard(page: browser.Browser, tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", 12)
    show(page, tmp_path)
    page.run("document.getElementById('durations').focus()")
    page.wait("document.getElementById('chosen').innerText")
    assert text(page, "#chosen").startswith("00000000000c · success")
    for _ in range(4):
        page.key("ArrowLeft")
    assert text(page, "#chosen").startswith("000000000008 · error")
    page.key("Home")
    assert text(page, "#chosen").startswith("000000000001")


def test_one_run_without_cost_is_enough(page: browser.Browser, tmp_path: Path) -> None:
    with Store(tmp_path / "traces.db") as store:
        store.save(assembly(status="incomplete", duration_ms=None, ended_at=None))
    show(page, tmp_path)
    assert text(page, "#findings").endswith("Nothing to report.")
    assert page.run("document.getElementById('cost-section').hidden") is True
    assert page.run("document.getElementById('flaky-section').hidden") is True


def test_hostile_names_stay_text(page: browser.Browser, tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", 12, step=HOSTILE, flow=HOSTILE)
    show(page, tmp_path, HOSTILE)
    assert page.run("document.querySelectorAll('img, iframe, object').length") == 0
    assert "\\u202e" in text(page, "#slow")
    assert "onerror" in text(page, "h1")
    assert page.run("document.scripts.length") == 2


def test_the_newest_runs_are_drawn_and_all_are_counted(page: browser.Browser, tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", MOST_RUNS + 5)
    assert len(show(page, tmp_path)) < 110_000
    assert "2,005 (charts: the last 2,000)" in text(page, "#facts")


@pytest.mark.parametrize("width", [420, 800, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_to_the_right(
    page: browser.Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    fill(tmp_path / "traces.db", 12, step="a-step-with-a-name-that-is-rather-long" * 3)
    page.scheme(scheme)
    show(page, tmp_path)
    page.size(width, 900)
    page.wait(f"innerWidth === {width}")
    assert page.run("document.documentElement.scrollWidth") <= width


def test_a_screen_reader_finds_named_charts_and_tables(page: browser.Browser, tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", 12)
    show(page, tmp_path)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value"))
        for node in nodes
        if not node.get("ignored") and node.get("role", {}).get("value") in ("image", "table", "region")
    ]
    assert ("image", "Durations of 12 runs. Arrow keys choose a run.") in named
    assert ("table", "Slowest steps") in named
    assert all(name for _, name in named)
