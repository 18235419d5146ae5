"""Each part of the soak at a tenth of its size: ``pytest -m soak``; all of it: ``python -m tests.soak``."""

from __future__ import annotations

import importlib

import pytest

from tests.soak.run import PARTS
from tests.soak.scene import Options
from tests.soak.tally import Tally


@pytest.mark.soak
@pytest.mark.parametrize("part", PARTS)
def test_no_fault_loses_a_run_or_changes_what_the_host_does(part: str) -> None:
    tally = Tally(part)
    importlib.import_module(f"tests.soak.{part}").play(Options(seed=1, scale=0.1, workers=2), tally)
    assert tally.runs > 0
    assert tally.unexplained == []
