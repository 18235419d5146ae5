"""Every recorded run of the real host, through every page: odd names, no end, no flow file, fallen
attempts.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from machine import RECORDINGS

from one_trace.analyse import cost, diff, stats
from one_trace.assemble import assemble
from one_trace.errors import RecordError
from one_trace.history import profiles
from one_trace.history.local import LocalHistory
from one_trace.model.wanted import Wanted
from one_trace.record.files import discover
from one_trace.record.reading import read
from one_trace.store import Store
from one_trace.view import cost_page, diff_page, insights_page, stats_page
from one_trace.view.cells import text_width
from one_trace.view.page import Page
from one_trace.view.style import Style

PLAIN, RICH = Style(color=False, unicode=False), Style(color=False, unicode=True)
SMALL = 200_000
"""Bytes of a log: the largest recordings say nothing here that the others do not."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("recorded") / "traces.db"
    with Store(path) as opened:
        for case in sorted(RECORDINGS.iterdir()):
            project = tmp_path_factory.mktemp(case.name)
            (project / ".one").mkdir()
            if (case / "flows").is_dir():
                _lay_out(case, project / ".one" / "flows")
                for files in discover([project / ".one" / "flows"])[0]:
                    try:
                        opened.save(assemble(read(files)))
                    except RecordError:
                        continue
        yield opened


def _lay_out(case: Path, flows: Path) -> None:
    flows.symlink_to(case / "flows") if not (case / "logs").is_dir() else flows.mkdir()
    for name, place in (("flows", ""), ("logs", ".logs"), ("runs", ".runs")):
        if not (case / name).is_dir() or flows.is_symlink():
            continue
        target = flows / place
        target.mkdir(exist_ok=True)
        for entry in (case / name).iterdir():
            if entry.is_dir() or entry.stat().st_size < SMALL:
                (target / entry.name).symlink_to(entry)


def fits(page: str, room: int) -> None:
    assert max(text_width(line) for line in page.split("\n")) <= room, page


def test_most_recordings_are_there(store: Store) -> None:
    assert len(LocalHistory(store).flow_keys()) > 40


@pytest.mark.parametrize("room", [60, 100])
def test_stats_and_cost_of_all(store: Store, room: int) -> None:
    scope = Wanted()
    reported = stats.document(LocalHistory(store).histories(scope), flow=None, since=None)
    assert reported.runs == store.connection.execute("SELECT count(*) FROM runs").fetchone()[0]
    spans = store.connection.execute("SELECT count(*) FROM spans").fetchone()[0]
    assert sum(step.count for flow in reported.flows for step in flow.steps) == spans
    msgspec.json.encode(reported)
    fits(stats_page.render(reported, Page(room, RICH)), room)
    calls = LocalHistory(store).calls(scope)
    spent = cost.document(calls.usages, runs=calls.runs, flow=None, since=None)
    fits(cost_page.render(spent, Page(room, PLAIN)), room)


def test_each_flow_has_its_pages(store: Store) -> None:
    for key in LocalHistory(store).flow_keys():
        scope = Wanted(key)
        reported = stats.document(LocalHistory(store).histories(scope), flow=key, since=None)
        fits(stats_page.render(reported, Page(60, RICH)), 60)
        found = profiles.findings(LocalHistory(store), scope, since=None)
        msgspec.json.encode(found)
        fits(insights_page.render(found, Page(60, PLAIN)), 60)


def test_each_run_is_the_same_as_itself(store: Store) -> None:
    for run in store.runs():
        trace = store.trace(run.run_id)
        same = diff.of_runs(trace, trace, LocalHistory(store).past(run))
        assert (same.counts, len(same.steps) > 0) == ({}, run.counts.spans > 0)
        fits(diff_page.render(same, Page(60, RICH), everything=True), 60)
