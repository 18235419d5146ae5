"""``python -m tests.bench.fleet``: what a team's history costs, in processor seconds.

A thousand runs are sent once as the product sends them; the engine makes all others of them. Each question is
asked of the typed tables, and of the same rows of ``otel_traces`` as they are. ``--spans`` says how many.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from one_trace.analyse import stats
from one_trace.guard.urls import Url
from one_trace.history.clickhouse import tables
from one_trace.history.clickhouse.client import Client, Params
from one_trace.history.clickhouse.history import ClickHouseHistory
from one_trace.history.local import LocalHistory
from one_trace.model.wanted import ALL, Wanted
from one_trace.store import Store
from tests.bench.history import SPANS, fill, runs
from tests.bench.measure import Figure
from tests.bench.run import line
from tests.fleet import engine as engines
from tests.fleet import otel, sent
from tests.fleet.engine import Engine

SAMPLE = 500
"""Runs that are sent as they are."""
EVERY_S = 60
"""One run a minute: 10^7 spans are ten weeks."""
BLOCK = 20
"""Copies of the sample that are made at once."""
REPEAT = 3
FLOW = "flow-03"
_COPY = """INSERT INTO {to}.otel_traces ({columns})
WITH number + {first} AS copy, substring(hex(SHA256(concat(TraceId, toString(copy)))), 1, 32) AS id,
  toInt64(ResourceAttributes['one.run.started_ms']) + copy * {shift} AS began
SELECT Timestamp + toIntervalMillisecond(copy * {shift}), lower(id), SpanId, ParentSpanId, SpanName, SpanKind,
  ServiceName, mapUpdate(ResourceAttributes, map('one.run.started_ms', toString(began),
    'cicd.pipeline.run.id', lower(substring(id, 1, 12)))), ScopeName, ScopeVersion, SpanAttributes,
  toUInt64(Duration * (0.5 + (sipHash64(id, SpanId) % 1000) / 1000)), StatusCode, StatusMessage
FROM {sample}.otel_traces CROSS JOIN numbers({count}) AS copies"""


class RawClient(Client):
    """Asks ``otel_traces`` instead of the typed tables: the same question, the same answer."""

    place = tables.Place()

    def _ask(self, sql: str, params: Params) -> bytes:
        for table, key in ((tables.SPANS, "trace, span"), (tables.RUNS, "trace")):
            rows = tables.raw(table, self.place)
            whole = f"(SELECT * FROM ({rows}) ORDER BY revision DESC LIMIT 1 BY {key})"
            sql = sql.replace(f"FROM {table} FINAL", f"FROM {whole} AS {table}")
            sql = sql.replace(f"FROM {table} ", f"FROM ({rows}) AS {table} ")
        return super()._ask(sql, params)


class Cost(NamedTuple):
    """Processor seconds of the engine and of the client, and seconds by the clock."""

    engine: float
    client: float
    wall: float

    @property
    def both(self) -> float:
        return self.engine + self.client

    def __str__(self) -> str:
        return f"cpu {self.engine:.3f} s + client {self.client:.3f} s, {self.wall:.2f} s"


@dataclass
class Fleet:
    """An engine with so many spans."""

    engine: Engine
    folder: Path
    spans: int

    def history(self, kind: type[Client] = Client) -> ClickHouseHistory:
        at = Url("http", "127.0.0.1", self.engine.port, "")
        client = kind(at, self.engine.database, user=engines.USER, password=engines.PASSWORD, timeout_s=600)
        return ClickHouseHistory(client, "the bench", lambda folder: None)

    def took(self, ask: Callable[[], Any]) -> Cost:
        """What a question costs: the best of some rounds, after one that does not count."""
        rounds = [self._once(ask) for _ in range(REPEAT + 1)][1:]
        return Cost(*map(min, zip(*rounds, strict=True)))

    def _once(self, ask: Callable[[], Any]) -> Cost:
        engine, client, begin = self.engine_s(), time.process_time(), time.perf_counter()
        ask()
        return Cost(self.engine_s() - engine, time.process_time() - client, time.perf_counter() - begin)

    def engine_s(self) -> float:
        """The processor seconds that the engine has used so far."""
        fields = Path(f"/proc/{self.engine.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self) -> None:
        """Wait until nothing is merged any more."""
        engines.PATIENCE_S = 600.0
        engines.wait_for(lambda: self.engine.rows("SELECT count() FROM system.merges") == [[0]], "the merges")


def made(engine: Engine, folder: Path, spans: int) -> Fleet:
    """An engine with its tables filled by their views."""
    sample = replace(engine, otel="otel_sample", database="one_trace_sample")
    for statement in otel.statements(sample.otel):
        engine.run(statement)
    for assembly in _chunks(SAMPLE):
        sent.send(sample, assembly)
    engine.make_tables()
    copies, first = spans // (SAMPLE * SPANS), 0
    while first < copies:
        count = min(BLOCK, copies - first)
        engine.run(_copy(engine.otel, first, count))
        first += count
    return Fleet(engine, folder, spans)


def _copy(to: str, first: int, count: int) -> str:
    shift = SAMPLE * EVERY_S * 1000
    names = {"to": to, "columns": sent.COLUMNS, "sample": "otel_sample"}
    return _COPY.format(**names, first=first, shift=shift, count=count)


def _chunks(count: int) -> Iterator[list[Any]]:
    every = list(runs(count))
    for at in range(0, count, 100):
        yield every[at : at + 100]


def questions(history: ClickHouseHistory | LocalHistory) -> dict[str, Callable[[], Any]]:
    some = history.runs(ALL, limit=1)[0].run_id
    return {
        "stats": lambda: stats.document(history.histories(ALL), flow=None, since=None),
        "stats of a flow": lambda: stats.document(history.histories(Wanted(FLOW)), flow=FLOW, since=None),
        "list": lambda: history.runs(ALL, limit=50),
        "find by run id": lambda: history.find(some),
        "cost": lambda: history.calls(ALL),
    }


LIMITS = {"stats": 0.2, "list": 0.1, "find by run id": 0.05}
"""The greatest ratio of the typed tables to ``otel_traces``."""
GROWTH = 14
"""The greatest ratio of the statistics of ten times as many spans."""


def costs(fleet: Fleet) -> dict[str, Cost]:
    return {name: fleet.took(ask) for name, ask in questions(fleet.history()).items()}


def against_raw(fleet: Fleet, typed: dict[str, Cost]) -> Iterator[Figure]:
    """Of the engine alone: what the client does with the answer is the same."""
    for name, ask in questions(fleet.history(RawClient)).items():
        took, more = typed[name], fleet.took(ask)
        title, detail = f"{name}, {fleet.spans:,} spans", f"{took}; to {more}"
        yield Figure(title, took.engine / more.engine, "x otel_traces", LIMITS.get(name), detail)


def against_fewer(
    fleet: Fleet, typed: dict[str, Cost], fewer: tuple[int, dict[str, Cost]]
) -> Iterator[Figure]:
    """How much longer the answer takes over more spans; and whether one flow's is there in a second."""
    spans, before = fewer
    for name, took in typed.items():
        title, unit = f"{name}, {fleet.spans:,} spans", f"x {spans:,} spans"
        bar = GROWTH * fleet.spans / spans / 10 if name == "stats" else None
        yield Figure(title, took.both / before[name].both, unit, bar, f"{took}; to {before[name]}")
    took = typed["stats of a flow"]
    yield Figure(f"stats of a flow, {fleet.spans:,} spans", took.wall, "s", 1.0, str(took))


def against_sqlite(fleet: Fleet, typed: dict[str, Cost]) -> Iterator[Figure]:
    path = fleet.folder / "traces.db"
    fill(path, runs(fleet.spans // SPANS))
    with Store(path, readonly=True) as store:
        local = questions(LocalHistory(store, much=True))
        for name, bar in (("stats of a flow", 1.0), ("stats", None), ("list", None), ("cost", None)):
            took, less = typed[name], fleet.took(local[name])
            yield Figure(name, took.both / less.client, "x SQLite", bar, f"{took}; to {less.client:.3f} s")


def size(fleet: Fleet) -> Figure:
    sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = {database:String}"
    typed = int(fleet.engine.rows(sql, database=fleet.engine.database)[0][0])
    raw = int(fleet.engine.rows(sql, database=fleet.engine.otel)[0][0])
    detail = f"otel_traces: {raw / fleet.spans:.1f}; a file of {typed / 1e6:.0f} MB"
    return Figure("typed tables", typed / fleet.spans, "bytes a span", 12, detail)


def inserting(fleet: Fleet) -> Figure:
    """A collector's insert of 10,000 spans, with and without our views."""
    columns = f"SELECT {sent.COLUMNS} FROM {fleet.engine.otel}.otel_traces LIMIT 100000 FORMAT RowBinary"
    rows = fleet.engine.run(columns)
    bare = replace(fleet.engine, otel="otel_bare", database="none")
    viewed = replace(fleet.engine, otel="otel_viewed", database="one_trace_viewed")
    for statement in otel.statements(bare.otel):
        fleet.engine.run(statement)
    viewed.make_tables()

    def insert(to: Engine) -> Callable[[], None]:
        return lambda: to.insert(f"{to.otel}.otel_traces", sent.COLUMNS, rows, "RowBinary")

    with_views, without = fleet.took(insert(viewed)), fleet.took(insert(bare))
    detail = f"100,000 spans: {with_views}; to {without}"
    return Figure("insert with views", with_views.engine / without.engine, "x without", 1.3, detail)


def figures(spans: int, fewer: tuple[int, dict[str, Cost]] | None) -> Iterator[Figure | dict[str, Cost]]:
    """The figures of so many spans, after them what the questions cost. `fewer`: the same of fewer spans:
    then what takes long and is known from them is left out."""
    with tempfile.TemporaryDirectory(prefix="one-trace-fleet-") as folder:
        root = Path(folder)
        with engines.engine(root) as engine:
            fleet = made(engine, root, spans)
            fleet.settle()
            yield size(fleet)
            typed = costs(fleet)
            if fewer is not None:
                yield from against_fewer(fleet, typed, fewer)
            else:
                yield from against_raw(fleet, typed)
                yield from against_sqlite(fleet, typed)
                yield inserting(fleet)
            yield typed


def main() -> int:
    """Measure and print; 1 if a bar was missed and ``--check`` was given."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__)
    parser.add_argument("--spans", type=int, nargs="+", default=[1_000_000], help="how many spans")
    parser.add_argument("--check", action="store_true", help="end with 1 if a bar is missed")
    options = parser.parse_args()
    reason = engines.missing()
    if reason:
        print(reason, file=sys.stderr)
        return 2
    held, fewer = True, None
    for spans in sorted(options.spans):
        for found in figures(spans, fewer):
            if isinstance(found, dict):
                fewer = fewer or (spans, found)
                continue
            print(line(found), flush=True)
            held = held and found.held
    return 1 if options.check and not held else 0


if __name__ == "__main__":
    sys.exit(main())
