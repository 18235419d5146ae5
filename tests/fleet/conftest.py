"""One engine for all tests of the fleet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.fleet import engine as engines
from tests.fleet.engine import Engine

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    reason = engines.missing()
    if reason:
        pytest.skip(reason)
    with engines.engine(tmp_path_factory.mktemp("engine")) as started:
        yield started


@pytest.fixture
def bare(server: Engine) -> Iterator[Engine]:
    """An engine without any table."""
    number = next(_numbers)
    fresh = replace(server, database=f"one_trace_{number}", otel=f"otel_{number}")
    yield fresh
    fresh.drop_tables()


@pytest.fixture(scope="session")
def filled(server: Engine) -> Engine:
    server.make_tables()
    return server


@pytest.fixture
def engine(filled: Engine) -> Engine:
    """An engine with the collector's tables and ours, all empty."""
    filled.empty_tables()
    return filled


@pytest.fixture
def collector(engine: Engine) -> Iterator[str]:
    """The URL of a collector that fills the engine's tables."""
    with engines.collector(engine) as url:
        yield url
