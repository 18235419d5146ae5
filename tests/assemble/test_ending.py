"""A traced run that has ended: its process ends soon, and gives no memory back before."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from one_trace.assemble import assemble
from one_trace.capture import finish
from one_trace.capture.lineage import Origin
from one_trace.model.gc import held_back
from one_trace.model.trace import Assembly
from one_trace.record.reading import Record, read
from one_trace.record.search import Match
from one_trace.settings.sources import load
from one_trace.store import Store
from tests.assemble.recorded import lay_out


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """As Python starts it: it is lazier in the tests."""
    lazy = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*lazy)
    gc.enable()


def test_no_memory_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files,) = lay_out("12-parallel-containers", tmp_path)
    record = read(files)
    expected = assemble(record).trace
    more = blocks_left_by(record, ending=True) - blocks_left_by(record, ending=False)
    assert more > len(expected.spans)
    asked: list[bool] = []

    def spied(record: Record, *, ending: bool) -> Assembly:
        asked.append(ending)
        return assemble(record, ending=ending)

    monkeypatch.setattr("one_trace.assemble.assemble", spied)
    monkeypatch.setenv("ONE_TRACES_DATA_DIR", str(tmp_path / "data"))
    collections = sum(each["collections"] for each in gc.get_stats())
    ended = finish.EndedRun(None, Origin(), agent=True, at_ms=0.0)
    assert finish.trace(lambda: Match(files, 1), load(), ended)
    assert asked == [True]
    assert sum(each["collections"] for each in gc.get_stats()) - collections <= 1, "before the record is read"
    with Store(tmp_path / "data" / "traces.db", readonly=True) as store:
        assert store.trace(files.run_id).spans == expected.spans


def blocks_left_by(record: Record, *, ending: bool) -> int:
    """How many blocks of memory are in use afterwards that were not before."""
    with held_back():
        before = sys.getallocatedblocks()
        made = assemble(record, ending=ending)
        after = sys.getallocatedblocks()
    assert made.trace.spans
    return after - before
