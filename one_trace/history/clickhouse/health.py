"""Whether a history can be asked: its tables and columns, and what has arrived."""

from __future__ import annotations

from one_trace.history.clickhouse.client import Client
from one_trace.history.clickhouse.runs import STARTED_MS
from one_trace.history.clickhouse.tables import COLUMNS, OTEL, RUNS
from one_trace.history.health import Health
from one_trace.model.times import to_iso


def health(client: Client, trace_id: str | None) -> Health:
    """`trace_id`: of a run that should have arrived. Raises CliError."""
    rows = client.rows(
        "SELECT table, name FROM system.columns WHERE database = {name:String}", {"name": client.database}
    )
    there = {(table, column) for table, column in rows}
    missing = [
        table if not any(known == table for known, _ in there) else f"{table}.{column.name}"
        for table, columns in COLUMNS.items()
        for column in columns
        if (table, column.name) not in there
    ]
    if missing:
        return Health(missing=list(dict.fromkeys(missing)))
    client.rows(f"SELECT TraceId FROM {OTEL} LIMIT 1")  # is it there, and may it be read?
    runs, newest, arrived = client.rows(
        f"SELECT count(), max({STARTED_MS}), countIf(lower(hex(trace)) = {{trace:String}}) FROM {RUNS} FINAL",
        {"trace": trace_id or ""},
    )[0]
    return Health(
        runs=runs,
        newest_at=to_iso(newest) if runs else None,
        arrived=bool(arrived) if trace_id is not None else None,
    )
