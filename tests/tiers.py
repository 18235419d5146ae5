"""Which tier a test belongs to, and which modules have no unit test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TIERS = ("unit", "program", "host", "fleet", "browser", "soak")
STARTERS = frozenset({"machine", "real_one", "sending", "store_of", "long_history"})
"""Fixtures of a `conftest.py` that start processes."""
PROGRAMS = "runner"
"""The folder whose tests all start Node."""

_WHOLE = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.(?:program|host|fleet|browser|soak)\b", re.MULTILINE)
_FIXTURE = re.compile(r"^@pytest\.fixture(?:\(.*\))?\ndef (\w+)\(([^)]*)\)", re.MULTILINE)
_TEST = re.compile(r"^\s*(?:async )?def test_\w+\(([^)]*)\)", re.MULTILINE)
_NAME = re.compile(r"\w+")


def tier(item: pytest.Item) -> str:
    """The tier of a test that does not name one: derived from the fixtures that it uses."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if "real_one" in fixtures:
        return "host"
    return "program" if "machine" in fixtures or item.path.parent.name == PROGRAMS else "unit"


def has_unit_tests(path: Path) -> bool:
    """Whether a test module may have a unit test, by its text: importing all modules takes each worker of the
    unit tier as long as half of its tests. In doubt, it has."""
    text = path.read_text("utf-8")
    if path.parent.name == PROGRAMS or _WHOLE.search(text):
        return False
    if "mark.unit" in text or "TestCase" in text:
        return True
    starters = set(STARTERS)
    for name, parameters in _FIXTURE.findall(text):
        if starters & set(_NAME.findall(parameters)):
            starters.add(name)
    return not all(starters & set(_NAME.findall(parameters)) for parameters in _TEST.findall(text))
