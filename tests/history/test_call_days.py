"""Sums of LLM calls by day, kept in the store: the same figures as from all calls, and read again only where
a run has changed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from made import START_MS, assembly, span

from one_trace.analyse import cost
from one_trace.analyse.calls import Calls
from one_trace.analyse.cost import CostDocument
from one_trace.history.local import LocalHistory, call_days, llm_calls
from one_trace.model.times import to_ms
from one_trace.model.trace import Assembly, ModelUsage, Usage
from one_trace.model.wanted import Wanted
from one_trace.store import Store
from one_trace.store.prune import prune

HOUR = 3_600_000
ZONES = ("UTC", "Pacific/Auckland", "America/St_Johns")


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "traces.db"


def move_to(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()


def made(random: Random, number: int) -> Assembly:
    """A run of some flow in some folder, within two weeks; calls are wasted, unpriced, or of two models."""
    flow = f"flow-{number % 3}"
    loop = span("each", flow=flow, type="loop", attempts=2, retries=random.randrange(2))
    spans = [loop]
    for at in range(random.randrange(6)):
        usage = Usage(
            input_tokens=random.randrange(9999),
            output_tokens=random.randrange(999),
            cost_usd=random.choice((None, 0.0, random.random(), random.random() * 1e-7)),
            turns=1,
            models=random.choice((["a"], ["claude-sonnet-4"], ["b", "a"], [])),
        )
        outer = random.choice((None, loop))
        spans.append(
            span(
                f"ask{at % 2}",
                outer,
                flow=flow,
                type="bash",
                iteration=at if outer else None,
                parent_attempt=random.choice((1, 2)) if outer else None,
                retries=random.randrange(3),
                usage=usage,
            )
        )
    run = assembly(
        f"{number:012x}",
        spans,
        flow_key=flow,
        start=START_MS + random.randrange(14 * 24) * HOUR,
        cwd=random.choice(("/a", "/b")),
        status=random.choice(("success", "error", "incomplete")),
    )
    run.model_parts = {
        one.span_id: {name: ModelUsage(input_tokens=1, cost_usd=random.random()) for name in ("b", "a")}
        for one in spans
        if one.usage and len(one.usage.models) == 2
    }
    return run


def document(calls: Calls) -> CostDocument:
    return cost.document(calls.usages, runs=calls.runs, flow=None, since=None, uncounted=calls.uncounted)


def of_all_calls(history: LocalHistory, monkeypatch: pytest.MonkeyPatch, wanted: Wanted) -> CostDocument:
    with monkeypatch.context() as patch:
        patch.setattr(llm_calls, "ALL", None)
        return document(history.calls(wanted))


@pytest.mark.parametrize("seed", range(6))
def test_figures_are_those_of_all_calls(path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    with Store(path) as store, Store(path) as other:
        history = LocalHistory(store)
        for round_ in range(12):
            for number in random.sample(range(60), 5):  # new ones, and old ones that have changed
                random.choice((store, other)).save(made(random, number))
            if round_ % 4 == 3:
                prune(other.connection, START_MS + random.randrange(5 * 24) * HOUR, most=3)
                other.connection.execute("UPDATE runs SET status = 'error' WHERE id % 7 = 0")
            move_to(random.choice(ZONES), monkeypatch)
            for since in (None, START_MS + random.randrange(14 * 24) * HOUR):
                wanted = Wanted(since=since)
                found = document(history.calls(wanted))
                assert found == of_all_calls(history, monkeypatch, wanted)
        assert found.waste.given_up.calls + found.waste.failed_runs.calls > 0
        (kept,) = store.connection.execute("SELECT count(*) FROM call_days").fetchone()
        assert kept > 10


def test_only_the_days_that_have_changed_are_read_again(path: Path) -> None:
    with Store(path) as store:
        for number in range(40):
            store.save(made(Random(number), number))
        history = LocalHistory(store)
        asked: list[str] = []
        before = history.calls(Wanted())
        store.connection._raw.set_trace_callback(asked.append)
        assert document(history.calls(Wanted())) == document(before)
        assert not [sql for sql in asked if " spans " in sql]
        run = made(Random(0), 40)
        store.save(run)
        asked.clear()
        history.calls(Wanted())
        (read,) = [sql for sql in asked if "usage FROM spans" in sql]
        store.connection._raw.set_trace_callback(None)
    day = call_days._day_of(to_ms(run.trace.run.started_at) or 0)
    assert f"started_ms >= {day.begin} AND runs.started_ms < {day.end}" in read


def test_what_changes_while_calls_are_read_is_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(path) as store, Store(path) as other:
        store.save(made(Random(1), 1))
        read = llm_calls._usages

        def slow(*asked: object) -> object:
            calls = read(*asked)
            other.save(made(Random(2), 2))
            return calls

        monkeypatch.setattr(llm_calls, "_usages", slow)
        LocalHistory(store).calls(Wanted())
        assert store.connection.execute("SELECT count(*) FROM call_days").fetchone() == (0,)


def test_calls_are_counted_where_nothing_can_be_kept(path: Path) -> None:
    with Store(path) as store:
        for number in range(5):
            store.save(made(Random(number), number))
        expected = document(LocalHistory(store).calls(Wanted()))
    path.parent.chmod(0o500)
    path.chmod(0o400)
    with Store(path, readonly=True) as store:
        store.connection.execute("PRAGMA query_only = ON")
        assert document(LocalHistory(store).calls(Wanted())) == expected
    path.parent.chmod(0o700)


@pytest.mark.parametrize("ms", [-(2**62), -1, 0, 2**62])
def test_runs_of_odd_times_have_a_day(ms: int) -> None:
    day = call_days._day_of(ms)
    assert day.begin <= ms < day.end


def test_parted_usage_is_in_the_store(path: Path) -> None:
    """Else the first test says nothing about it."""
    with Store(path) as store:
        for number in range(20):
            store.save(made(Random(number), number))
        texts = [
            text for (text,) in store.connection.execute("SELECT usage FROM spans WHERE usage IS NOT NULL")
        ]
        assert any("perModel" in text for text in texts)


def test_saving_a_run_looks_at_the_days_around_it_alone(path: Path) -> None:
    """With all days of two years, a traced run ended twice as late."""
    with Store(path) as store:
        sql = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = [text for (text,) in store.connection.execute(sql)]
        deletes = [each for text in triggers for each in re.findall(r"DELETE FROM call_days[^;]+", text)]
        assert len(deletes) == 4
        for delete in deletes:
            plan = store.connection.execute(
                "EXPLAIN QUERY PLAN " + re.sub(r"(OLD|NEW)\.started_ms", "5", delete)
            )
            assert re.search(r"SEARCH .* USING INDEX .*begin_ms>\? AND begin_ms<\?", str(list(plan)))
