"""Runs and histories of any size, made quickly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from made import assembly, loop, span

from one_trace.answers.bounds import Bounds
from one_trace.model.trace import Span, Trace
from one_trace.store import Store

HOSTILE = "\U0001f600\u202e\x1b[2J\u0000" * 40


def bounds(**asked: object) -> Bounds:
    return Bounds(lambda *options: " ".join(("one trace x", *options)), **asked)


def flat(count: int) -> Trace:
    return assembly(spans=[span(f"step-{at}") for at in range(count)]).trace


def deep(levels: int) -> Trace:
    spans: list[Span] = []
    for at in range(levels):
        spans.append(span(f"s{at}", *spans[-1:], type="flow"))
    return assembly(spans=spans).trace


def hostile(count: int) -> Trace:
    spans = [span(f"{HOSTILE}{at}", status="error", error=HOSTILE * 20) for at in range(count)]
    return assembly(spans=spans, status="error").trace


@pytest.fixture
def store_of(machine) -> Callable[[int], None]:
    """Fill the machine's store with two runs of this many spans."""

    def fill(count: int) -> None:
        with Store(machine.data / "traces.db") as store:
            for number in (1, 2):
                run_id = f"{number:012x}"
                store.save(
                    loop(count - 1, run_id=run_id) if count > 2000 else assembly(run_id, _steps(count))
                )

    return fill


def _steps(count: int) -> list[Span]:
    return [span(f"step-{at}", start_ms=float(at)) for at in range(count)]


@pytest.fixture
def long_history(machine) -> int:
    """A store with 100,000 runs, most of them without spans: how many there are."""
    runs = 100_000
    with Store(machine.data / "traces.db") as store:
        store.save(assembly("0" * 12))
        with store.connection.writing() as connection:
            names = [row[1] for row in connection.execute("PRAGMA table_info(runs)").fetchall()]
            own = ("id", "run_id", "trace_id", "started_ms")
            copied = ", ".join(name for name in names if name not in own)
            connection.execute(
                "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1) "
                f"INSERT INTO runs (run_id, trace_id, started_ms, {copied}) "
                f"SELECT printf('%012x', n), printf('%032x', n), started_ms + n, {copied} "
                "FROM number, runs WHERE run_id = ?2",
                (runs - 1, "0" * 12),
            )
    return runs
