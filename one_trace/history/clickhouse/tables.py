"""The tables that the questions read, and the views that fill them from a collector's ``otel_traces``.

Two narrow tables with a column for what is asked often, in the order in which it is asked: a view over rows
of maps would read ten times as much. `ReplacingMergeTree` keeps of rows with one key that of the greatest
revision. No expression here may fail, whatever an attribute holds: an error in a view refuses the insert of
the whole team's spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from one_trace.errors import WrongUsage
from one_trace.model.trace import RUN_STATUSES, SPAN_STATUSES

SPANS, RUNS, OTEL, DAILY = "one_trace_spans", "one_trace_runs", "one_trace_otel", "one_trace_daily"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
_LAST_MS = 4_102_444_800_000
"""2100: later starts would be beyond what ClickHouse partitions by."""


class Place(NamedTuple):
    """Where the tables are to be, and how long their rows are kept, in ms; None: for ever."""

    database: str = "one_trace"
    otel: str = "otel"
    kept_ms: int | None = None

    def check(self) -> None:
        """Raises WrongUsage for a name that is none in SQL."""
        for name in (self.database, self.otel):
            if not _IDENTIFIER.match(name):
                raise WrongUsage(
                    f"'{name}' cannot be the name of a database",
                    hint="Letters, digits and _, at most 64, and no digit first.",
                )


class Column(NamedTuple):
    """`source`: an expression over a row of ``otel_traces``."""

    name: str
    type: str
    source: str
    codec: str = "ZSTD(1)"


# A map's own look-up takes four times as long: it first spells out all names of all rows.
_WITH = (
    "WITH mapKeys(SpanAttributes) AS names, mapValues(SpanAttributes) AS texts,\n"
    "  mapKeys(ResourceAttributes) AS run_names, mapValues(ResourceAttributes) AS run_texts\n"
)


def _run(name: str) -> str:
    return f"run_texts[indexOf(run_names, '{name}')]"


def _own(name: str) -> str:
    return f"texts[indexOf(names, '{name}')]"


def _number(name: str, kind: str = "Float64") -> str:
    return f"to{kind}OrNull({_own(name)})"


def _count(name: str, kind: str = "UInt32") -> str:
    return f"to{kind}OrZero({_own(name)})"


def _either(first: str, second: str) -> str:
    return f"if({first} != '', {first}, {second})"


def _milliseconds(kind: str) -> str:
    """The duration, null where only a last moment is known."""
    exact = f"coalesce({_number(f'one.{kind}.duration_ms')}, Duration / 1e6)"
    return f"if({_own(f'one.{kind}.timed')} = 'false', NULL, {exact})"


_TEXT = "LowCardinality(String)"
_CACHE = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens")
_READ, _WRITTEN = (_count(name, "Int64") for name in _CACHE)
_FRESH = f"greatest({_count('gen_ai.usage.input_tokens', 'Int64')} - {_READ} - {_WRITTEN}, 0)"
_TRACE = _either(_run("one.run.trace_id"), "TraceId")
_MS = f"least(greatest(toInt64OrZero({_run('one.run.started_ms')}), 0), {_LAST_MS})"
_STARTED = f"fromUnixTimestamp64Milli({_MS}, 'UTC')"
_DELTA = "Delta(8), ZSTD(1)"
_ATTEMPTS = f"greatest({_count('one.step.attempts')}, 1)"

_SHARED = (
    Column("flow", _TEXT, _run("cicd.pipeline.name")),
    Column("run_started", "DateTime64(3, 'UTC')", _STARTED, _DELTA),
    Column("trace", "FixedString(16)", f"toFixedString(substring(unhex({_TRACE}), 1, 16), 16)"),
    Column("revision", "UInt64", f"toUInt64OrZero({_run('one.run.revision')})", _DELTA),
    Column("version", _TEXT, _run("one.flow.version")),
    Column("repository", _TEXT, _run("vcs.repository.url.full")),
)
SPAN_COLUMNS = (
    *_SHARED,
    Column("path", _TEXT, _own("one.step.static_path")),
    Column("span", "FixedString(8)", "toFixedString(substring(unhex(SpanId), 1, 8), 8)"),
    Column("seq", "UInt32", _count("one.step.seq"), "T64, ZSTD(1)"),
    Column("step", _TEXT, _own("one.step.id")),
    Column("type", _TEXT, _own("one.step.type")),
    Column("owner", _TEXT, _either(_own("one.flow.key"), _run("cicd.pipeline.name"))),
    Column("status", _TEXT, _own("one.step.status")),
    Column("attempts", "UInt32", _ATTEMPTS, "T64, ZSTD(1)"),
    Column(
        "retries",
        "UInt32",
        f"if({_own('one.step.retries')} = '', toUInt32({_ATTEMPTS} - 1), {_count('one.step.retries')})",
        "T64, ZSTD(1)",
    ),
    Column("ms", "Nullable(Float64)", _milliseconds("step")),
    Column("overlap_ms", "Float64", f"toFloat64OrZero({_own('one.step.overlap_ms')})"),
    Column("timeout_ms", "Nullable(Float64)", _number("one.step.timeout_ms")),
    Column("output_bytes", "Nullable(UInt64)", _number("one.step.output_bytes", "UInt64")),
    Column("error_code", _TEXT, _own("one.step.error_code")),
    Column("superseded", "Bool", f"{_own('one.step.superseded')} = 'true'"),
    Column("called", "Bool", f"{_own('gen_ai.usage.input_tokens')} != ''"),
    Column("input_tokens", "UInt64", f"toUInt64({_FRESH})", "T64, ZSTD(1)"),
    Column("output_tokens", "UInt64", _count("gen_ai.usage.output_tokens", "UInt64"), "T64, ZSTD(1)"),
    Column("cache_read_tokens", "UInt64", _count(_CACHE[0], "UInt64"), "T64, ZSTD(1)"),
    Column("cache_write_tokens", "UInt64", _count(_CACHE[1], "UInt64"), "T64, ZSTD(1)"),
    Column("turns", "UInt32", _count("one.usage.turns"), "T64, ZSTD(1)"),
    Column("cost_usd", "Nullable(Float64)", _number("one.usage.cost_usd")),
    Column("models", _TEXT, _own("one.usage.models")),
    Column("per_model", "String", _own("one.usage.by_model")),
)
RUN_COLUMNS = (
    *_SHARED,
    Column("run_id", "String", _run("cicd.pipeline.run.id")),
    Column("sent_in", "String", "TraceId"),
    Column("host", _TEXT, _run("host.name")),
    Column("executor", _TEXT, _run("one.executor.name")),
    Column("executor_version", _TEXT, _run("one.executor.version")),
    Column("status", _TEXT, _own("one.run.status")),
    Column("started_at", "String", _own("one.run.started_at")),
    Column("ended_at", "String", _own("one.run.ended_at")),
    Column("ms", "Nullable(Float64)", _milliseconds("run")),
    Column("steps", "UInt32", _count("one.run.steps"), "T64, ZSTD(1)"),
    Column("retries", "UInt32", _count("one.run.retries"), "T64, ZSTD(1)"),
    Column(
        "failed",
        "UInt32",
        f"{_count('one.run.count.error')} + {_count('one.run.count.timeout')}",
        "T64, ZSTD(1)",
    ),
    Column("cost_usd", "Nullable(Float64)", _number("one.usage.cost_usd")),
    Column("models", _TEXT, _own("one.usage.models")),
    Column("agent", _TEXT, _own("one.session.agent")),
    Column("session", "String", _own("session.id")),
    Column("parent", "String", _own("one.run.parent_id")),
    Column("planned", _TEXT, _own("one.flow.steps")),
    Column("plan", _TEXT, _own("one.flow.plan")),
    Column("began", "DateTime64(9, 'UTC')", "Timestamp", _DELTA),
    Column("duration", "UInt64", "Duration", "T64, ZSTD(1)"),
    Column(
        "attributes",
        "Map(LowCardinality(String), String)",
        "CAST(arrayFilter(pair -> pair.1 NOT IN ('one.flow.steps', 'one.flow.plan'), "
        "CAST(SpanAttributes, 'Array(Tuple(String, String))')), 'Map(LowCardinality(String), String)')",
    ),
)
"""`attributes` are those of the run's span: what a run's document says beyond the other columns."""

_OURS = "ScopeName = 'one-trace'"
_IS_STEP = f"{_OURS} AND {_own('one.step.status')} IN {SPAN_STATUSES}"
_IS_RUN = f"{_OURS} AND {_own('one.run.status')} IN {RUN_STATUSES}"
_FILLED = (
    (SPANS, SPAN_COLUMNS, "flow, path, run_started, trace, span", _IS_STEP),
    (RUNS, RUN_COLUMNS, "flow, run_started, trace", _IS_RUN),
)
_INDEX = "INDEX by_run_id run_id TYPE bloom_filter(0.001) GRANULARITY 4"
COLUMNS = {SPANS: SPAN_COLUMNS, RUNS: RUN_COLUMNS}


def script(place: Place, *, backfill: bool = False) -> str:
    """The statements as one text, each ended by a semicolon."""
    return "".join(f"{statement};\n\n" for statement in statements(place, backfill=backfill))


def statements(place: Place, *, backfill: bool = False) -> Iterator[str]:
    """The statements that make the tables and views where they are missing; `backfill`: also those that fill
    them from what ``otel_traces`` has. All may be run again."""
    place.check()
    yield f"CREATE DATABASE IF NOT EXISTS {place.database}"
    for table, columns, order, _ in _FILLED:
        yield _table(place, table, columns, order)
    yield (
        f"CREATE VIEW IF NOT EXISTS {place.database}.{OTEL} AS\n"
        f"SELECT * FROM {place.otel}.otel_traces\nWHERE {_OURS}"
    )
    for table, columns, _, where in _FILLED:
        yield (
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {place.database}.{table}_mv\n"
            f"TO {place.database}.{table} AS\n{select(columns, place, where)}"
        )
    yield from _daily(place)
    if backfill:
        for table, columns, _, where in _FILLED:
            names = ", ".join(column.name for column in columns)
            yield f"INSERT INTO {place.database}.{table} ({names})\n{select(columns, place, where)}"
        yield f"INSERT INTO {place.database}.{DAILY}\n{_days(place, None)}"


def select(columns: Sequence[Column], place: Place, where: str) -> str:
    """The rows of a typed table, made of ``otel_traces``."""
    chosen = ",\n".join(f"  {column.source} AS {column.name}" for column in columns)
    return f"{_WITH}SELECT\n{chosen}\nFROM {place.otel}.otel_traces\nWHERE {where}"


def raw(table: str, place: Place) -> str:
    """The rows of a typed table as a question to ``otel_traces``: what the tables save."""
    _, columns, _, where = next(filled for filled in _FILLED if filled[0] == table)
    return select(columns, place, where)


def _table(place: Place, table: str, columns: Sequence[Column], order: str) -> str:
    lines = [f"  {column.name} {column.type} CODEC({column.codec})" for column in columns]
    if table == RUNS:
        lines.append(f"  {_INDEX}")
    return (
        f"CREATE TABLE IF NOT EXISTS {place.database}.{table}\n(\n" + ",\n".join(lines) + "\n)\n"
        f"ENGINE = ReplacingMergeTree(revision)\nPARTITION BY toYYYYMM(run_started)\nORDER BY ({order})"
        + _ttl("run_started", place)
    )


def _ttl(column: str, place: Place) -> str:
    if place.kept_ms is None:
        return ""
    hours = max(1, place.kept_ms // 3_600_000)
    kept = f"{hours} HOUR" if hours % 24 else f"{hours // 24} DAY"
    return f"\nTTL toDateTime({column}) + INTERVAL {kept} DELETE"


def _daily(place: Place) -> Iterator[str]:
    """Sums of a day for dashboards over months. Each night the last week is summed up again, for what came
    late."""
    yield (
        f"CREATE TABLE IF NOT EXISTS {place.database}.{DAILY}\n(\n"
        "  day Date, flow LowCardinality(String), repository LowCardinality(String),\n"
        "  path LowCardinality(String), runs UInt64, spans UInt64, failed UInt64, retries UInt64,\n"
        "  total_ms Float64, cost_usd Float64, times AggregateFunction(quantiles(0.5, 0.95), Float64),\n"
        "  made DateTime DEFAULT now()\n)\n"
        "ENGINE = ReplacingMergeTree(made)\nPARTITION BY toYear(day)\nORDER BY (flow, path, repository, day)"
    )
    yield (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {place.database}.{DAILY}_mv\n"
        f"REFRESH EVERY 1 DAY OFFSET 2 HOUR APPEND TO {place.database}.{DAILY} AS\n{_days(place, 7)}"
    )


def _days(place: Place, last: int | None) -> str:
    since = "" if last is None else f" AND run_started >= today() - {last}"
    return (
        "SELECT toDate(run_started) AS day, flow, repository, path, uniqExact(trace) AS runs,\n"
        "  count() AS spans, countIf(status IN ('error', 'timeout')) AS failed, sum(retries) AS retries,\n"
        "  sum(ifNull(ms, 0)) AS total_ms, sum(ifNull(cost_usd, 0)) AS cost_usd,\n"
        "  quantilesStateIf(0.5, 0.95)(assumeNotNull(ms), ms IS NOT NULL) AS times, now() AS made\n"
        f"FROM {place.database}.{SPANS} FINAL\n"
        f"WHERE run_started < today(){since} AND (trace, revision) IN\n"
        f"  (SELECT trace, revision FROM {place.database}.{RUNS} FINAL WHERE run_started < today(){since})\n"
        "GROUP BY day, flow, repository, path"
    )
