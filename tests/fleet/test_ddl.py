"""What ``one trace history ddl`` prints, run by a real ClickHouse."""

from __future__ import annotations

import pytest

from one_trace.errors import WrongUsage
from one_trace.history.clickhouse import tables
from tests.fleet import many, otel, sent
from tests.fleet.engine import Engine

pytestmark = pytest.mark.fleet
HOSTILE = """{"Timestamp": "2026-04-06 10:02:00", "TraceId": "zz%s", "SpanId": "01020304050607080910",
"ScopeName": "one-trace", "Duration": 5,
"ResourceAttributes": {"cicd.pipeline.name": "f'\\\\", "one.run.started_ms": "999999999999999999",
"one.run.revision": "-1"},
"SpanAttributes": {"one.step.status": "success", "one.step.retries": "x", "one.step.attempts": "-3",
"one.run.status": "error", "one.run.duration_ms": "nan", "gen_ai.usage.input_tokens": "-5"}}"""
COLUMNS = "Timestamp, TraceId, SpanId, ScopeName, Duration, ResourceAttributes, SpanAttributes"


def test_the_statements_can_be_run_again_in_one_go(bare: Engine) -> None:
    for statement in otel.statements(bare.otel):
        bare.run(statement)
    place = tables.Place(bare.database, bare.otel, kept_ms=30 * 86_400_000)
    bare.run(tables.script(place, backfill=True))
    bare.run(tables.script(place, backfill=True))
    names = {name for (name,) in bare.rows(f"SHOW TABLES FROM {bare.database}")}
    assert names == {
        *(f"one_trace_{name}" for name in ("spans", "runs", "otel", "daily")),
        *(f"one_trace_{name}_mv" for name in ("spans", "runs", "daily")),
    }
    created = bare.run(f"SHOW CREATE TABLE {bare.database}.one_trace_runs").decode()
    assert "toIntervalDay(30)" in created


def test_a_view_takes_whatever_an_attribute_holds(engine: Engine) -> None:
    engine.insert(f"{engine.otel}.otel_traces", COLUMNS, (HOSTILE % ("ab" * 40)).replace("\n", "").encode())
    for table in ("spans", "runs"):
        rows = engine.rows(f"SELECT flow, toYear(run_started) FROM {engine.database}.one_trace_{table}")
        assert rows == [["f'\\", 2100]]


def test_a_backfill_fills_what_was_there_before(bare: Engine) -> None:
    for statement in otel.statements(bare.otel):
        bare.run(statement)
    bare.insert(f"{bare.otel}.otel_traces", COLUMNS, (HOSTILE % "").replace("\n", "").encode())
    place = tables.Place(bare.database, bare.otel)
    bare.run(tables.script(place))
    count = f"SELECT count() FROM {bare.database}.one_trace_spans"
    assert bare.rows(count) == [[0]]
    bare.run(tables.script(place, backfill=True))
    assert bare.rows(count) == [[1]]


def test_tables_of_an_older_version_get_what_they_lack(engine: Engine) -> None:
    place = tables.Place(engine.database, engine.otel)
    table = f"{engine.database}.one_trace_spans"
    engine.run(f"ALTER TABLE {table}_mv MODIFY QUERY SELECT 'old' AS flow FROM {engine.otel}.otel_traces")
    engine.run(f"ALTER TABLE {table} DROP COLUMN overlap_ms")
    engine.run(tables.script(place))
    engine.insert(f"{engine.otel}.otel_traces", COLUMNS, (HOSTILE % "").replace("\n", "").encode())
    assert engine.rows(f"SELECT flow, overlap_ms FROM {table}") == [["f'\\", 0]]


def test_sums_of_a_day_count_each_run_once(engine: Engine) -> None:
    made = list(many.runs(40))
    for revision in (1, 2):
        sent.send(engine, made, revision)
    engine.run(tables.script(tables.Place(engine.database, engine.otel), backfill=True))
    spans = [each for one in made for each in one.trace.spans]
    assert engine.rows(
        "SELECT sum(spans), sum(failed), round(sum(total_ms), 3), max(finalizeAggregation(times)[2]) > 0"
        f" FROM {engine.database}.one_trace_daily FINAL"
    ) == [
        [
            len(spans),
            sum(each.status in ("error", "timeout") for each in spans),
            round(sum(each.duration_ms or 0 for each in spans), 3),
            1,
        ]
    ]


@pytest.mark.parametrize("name", ["", "a b", "a;b", "1a", "a`", "a" * 65, "ä"])
def test_a_database_has_a_plain_name(name: str) -> None:
    for place in (tables.Place(database=name), tables.Place(otel=name)):
        with pytest.raises(WrongUsage):
            tables.script(place)
