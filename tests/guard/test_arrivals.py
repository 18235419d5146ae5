"""What is added to a folder is known without listing it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from one_trace.guard.arrivals import Arrivals

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux reports these")


def test_names_are_reported_once_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    arrivals = Arrivals(tmp_path)
    for name in ("b", "a\nb", "\udcff", "x" * 255):
        (tmp_path / name).touch()
        (tmp_path / name).write_text("written to again")
    (tmp_path / "b").rename(tmp_path / "c")
    assert arrivals.names() == ["b", "a\nb", "\udcff", "x" * 255, "c"] == arrivals.names()


def test_a_folder_that_cannot_be_watched_reports_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "missing", tmp_path / "file"):
        assert Arrivals(path).names() == []


def test_what_is_closed_reports_no_more(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    arrivals.close()
    (tmp_path / "late").touch()
    assert arrivals.names() == []
    arrivals.close()
