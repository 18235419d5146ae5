"""Stores damaged as disks and copies damage files; the same number gives the same damage."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

from made import START_MS, USAGE, assembly, span

from one_trace.store import Store

PAGE = 4096
Damage = Callable[[random.Random, bytearray], None]


def fill(path: Path, runs: int = 12) -> None:
    """A store with loops, failures, usage and a full outbox."""
    with Store(path) as store:
        for number in range(runs):
            each = span("each", type="loop", duration_ms=30.0)
            calls = [
                span("call", each, type="bash", iteration=i, start_ms=float(i), usage=USAGE, output_bytes=i)
                for i in range(6)
            ]
            failed = number % 3 == 0
            if failed:
                calls[2].status, calls[2].error, calls[2].error_code = "error", "exit 1", "EXIT_1"
            made = assembly(
                f"{number + 1:012x}",
                [each, *calls],
                start=START_MS + number * 100_000,
                status="error" if failed else "success",
                usage=USAGE,
                flow_key=f"flow-{number % 2}",
                partial=["the log ends in mid-line"],
            )
            store.save(made, sinks=["traces.com"])


def damaged(good: Path, to: Path, number: int) -> str:
    """Write a damaged copy of the store `good` to `to`. Returns the kind of damage."""
    rng = random.Random(number)
    name = list(DAMAGES)[number % len(DAMAGES)]
    data = bytearray(good.read_bytes())
    DAMAGES[name](rng, data)
    _put(data, to)
    if number % 5 == 0:
        for suffix in ("-wal", "-shm"):
            to.with_name(to.name + suffix).write_bytes(rng.randbytes(rng.choice((0, 100, 40_000))))
    return name


def _put(data: bytes | bytearray, to: Path) -> None:
    for beside in to.parent.iterdir():
        beside.unlink()
    to.write_bytes(data)


def _bit(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _bytes(rng: random.Random, data: bytearray) -> None:
    for _ in range(20):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)


def _run_of_bytes(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data) - 64)
    data[at : at + 64] = rng.randbytes(64)


def _schema(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(PAGE)] ^= rng.randrange(1, 256)


def _header(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(100)] ^= rng.randrange(1, 256)


def _zeros(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data) // PAGE) * PAGE
    data[at : at + PAGE] = bytes(PAGE)


def _wrong_page(rng: random.Random, data: bytearray) -> None:
    at, other = (rng.randrange(len(data) // PAGE) * PAGE for _ in range(2))
    data[at : at + PAGE] = data[other : other + PAGE]


def _types(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(1, len(data) // PAGE) * PAGE
    for _ in range(10):
        data[at + rng.randrange(PAGE)] = rng.choice((0, 1, 7, 8, 9, 13, 14, 0x80, 255))


def _cut(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)) :]


def _all_zeros(rng: random.Random, data: bytearray) -> None:
    data[:] = bytes(len(data))


def _no_database(rng: random.Random, data: bytearray) -> None:
    data[:] = b"this is not a database, however long it is" * 50


DAMAGES: dict[str, Damage] = {
    "bit": _bit,
    "bytes": _bytes,
    "run of bytes": _run_of_bytes,
    "schema": _schema,
    "header": _header,
    "zeros": _zeros,
    "wrong page": _wrong_page,
    "types": _types,
    "cut": _cut,
    "all zeros": _all_zeros,
    "no database": _no_database,
}
EDITS = (
    "UPDATE step_runs SET durations = 'text where a blob was'",
    "UPDATE step_runs SET durations = x'0102', sum_ms = 'x', max_ms = 'x', self_ms = x'00'",
    "UPDATE step_runs SET step = step + 900",
    "UPDATE step_runs SET spans = 'x', retries = 'x', models = 7",
    "UPDATE spans SET usage = '{'",
    "UPDATE spans SET usage = x'ff00ff'",
    'UPDATE spans SET usage = \'{"inputTokens": "many"}\'',
    "UPDATE spans SET step = step + 900",
    "UPDATE spans SET status = 'sucbess'",
    "UPDATE spans SET parent_span_id = span_id WHERE parent_span_id IS NOT NULL",
    "UPDATE spans SET path = CAST(x'c328' AS TEXT), step = step",
    "UPDATE spans SET start_ms = 'soon', duration_ms = x'00'",
    "UPDATE runs SET cause = '[]', partial = '{}'",
    "UPDATE runs SET started_ms = 'then', started_at = 5, duration_ms = 'long'",
    "UPDATE runs SET status = x'00'",
    "UPDATE runs SET flow_key = x'00ff'",
    "UPDATE runs SET flow_version = 999",
    "UPDATE runs SET run_id = CAST(x'ff' || id AS TEXT)",
    "UPDATE runs SET input_tokens = 'x', models = 'x'",
    "UPDATE runs SET other_events = '[', other_fields = '{\"a\": 1}'",
    "UPDATE flow_versions SET static_paths = '{', step_timeouts = '[1]'",
    "UPDATE flow_versions SET version = x'00'",
    "UPDATE steps SET path = 7, type = x'00', step_id = CAST(x'ff' AS TEXT)",
    "UPDATE outbox SET state = 'nowhere', attempts = 'x'",
    "UPDATE migrations SET name = name || 'x'",
    "DELETE FROM steps",
    "DELETE FROM migrations",
    "DROP TABLE runs",
    "DROP TABLE step_runs",
    "ALTER TABLE spans DROP COLUMN derived",
)
"""Edits to values that SQLite accepts and one-trace does not write."""


def edited(good: Path, to: Path, number: int) -> str:
    """Write an edited copy of the store `good` to `to`. Returns the edit."""
    _put(good.read_bytes(), to)
    connection = sqlite3.connect(to)
    connection.execute(EDITS[number])
    connection.commit()
    connection.close()
    return EDITS[number]


COMMANDS = (
    ["list"],
    ["show"],
    ["show", "000000000003", "--failed"],
    ["stats"],
    ["stats", "flow-0"],
    ["stats", "--format", "csv", "-o", "spans.csv"],
    ["insights"],
    ["insights", "flow-1"],
    ["cost"],
    ["diff", "000000000001", "000000000003"],
    ["export", "000000000001", "--format", "json"],
    ["export", "000000000001", "--format", "events"],
    ["export", "000000000001", "--format", "otlp", "-o", "out.json"],
    ["export", "000000000001", "--format", "perfetto", "-o", "out.json"],
    ["export", "000000000001", "--format", "html", "-o", "out.html"],
    ["import"],
    ["sync"],
    ["prune", "--older-than", "3650d"],
    ["share", "000000000001"],
    ["doctor", "--offline"],
)
"""The commands to run on each store."""
