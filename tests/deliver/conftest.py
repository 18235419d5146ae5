"""Fixtures of the tests of delivery."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from traces_server import FakeTracesServer, fake_traces_server


@pytest.fixture
def traces_server() -> Iterator[FakeTracesServer]:
    with fake_traces_server() as server:
        yield server
