"""Fixtures of the runner's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from flows import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
