"""ClickHouse and a collector on this machine, started and stopped."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from one_trace.history.clickhouse import tables
from tests.fleet import otel

ROOT = Path(__file__).resolve().parents[2]
USER, PASSWORD = "reader", "correct horse battery"
PATIENCE_S = 30.0


def missing() -> str | None:
    """Why there can be no engine here."""
    needed = {"chdb": "chdb-core-lite", "rotel": "rotel"}
    absent = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    return f"needs {' and '.join(absent)}: pip install '.[fleet-tests]'" if absent else None


@dataclass
class Engine:
    """A running ClickHouse."""

    port: int
    process: int
    database: str = "one_trace"
    otel: str = "otel"
    cpu_s: float = 0.0
    """What the last query cost the engine."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """As users write it."""
        return f"clickhouse://{USER}@127.0.0.1:{self.port}/{self.database}"

    def run(self, sql: str, **params: str) -> bytes:
        """The answer of any statement."""
        return self._post({f"param_{name}": value for name, value in params.items()}, sql.encode())

    def rows(self, sql: str, **params: str) -> list[list[Any]]:
        return json.loads(self.run(f"{sql}\nFORMAT JSONCompact", **params))["data"]

    def insert(self, table: str, columns: str, rows: bytes, form: str = "JSONEachRow") -> None:
        """Insert rows as a client does: in a request of its own."""
        self._post({"query": f"INSERT INTO {table} ({columns}) FORMAT {form}"}, rows)

    def _post(self, words: dict[str, str], body: bytes) -> bytes:
        account = (USER, PASSWORD)
        answer = httpx.post(self.base, params=words, content=body, auth=account, timeout=600, trust_env=False)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.text}\n{body[:2000]!r}")
        self.cpu_s = float(answer.headers["X-Cpu-Seconds"])
        return answer.content

    def make_tables(self) -> None:
        """What the collector's exporter makes, and what `history ddl` prints."""
        place = tables.Place(self.database, self.otel)
        for statement in (*otel.statements(self.otel), *tables.statements(place)):
            self.run(statement)

    def empty_tables(self) -> None:
        ours = [f"{self.database}.{name}" for name in (tables.SPANS, tables.RUNS, tables.DAILY)]
        for table in (f"{self.otel}.otel_traces", f"{self.otel}.otel_traces_trace_id_ts", *ours):
            self.run(f"TRUNCATE TABLE {table}")

    def drop_tables(self) -> None:
        for database in (self.database, self.otel):
            self.run(f"DROP DATABASE IF EXISTS {database}")


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    port = free_port()
    argv = [sys.executable, "-m", "tests.fleet.front", str(folder), str(port), USER, PASSWORD]
    process = subprocess.Popen(argv, cwd=ROOT)
    try:
        made = Engine(port, process.pid)
        wait_for(lambda: _answers(made.base + "/ping"), "the engine to start")
        yield made
    finally:
        process.kill()
        process.wait()


@contextmanager
def collector(engine: Engine) -> Iterator[str]:
    """OTLP over HTTP in, the engine's ``otel_traces`` out: the URL to send to."""
    (folder,) = importlib.util.find_spec("rotel").submodule_search_locations  # type: ignore[union-attr]
    port = free_port()
    options = {
        "exporter": "clickhouse",
        "clickhouse-exporter-endpoint": engine.base,
        "clickhouse-exporter-database": engine.otel,
        "clickhouse-exporter-user": USER,
        "clickhouse-exporter-password": PASSWORD,
        "clickhouse-exporter-compression": "none",
        "otlp-http-endpoint": f"127.0.0.1:{port}",
        "otlp-grpc-endpoint": f"127.0.0.1:{free_port()}",
    }
    argv = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(
        [Path(folder) / "rotel-agent", "start", *argv, "--disable-batching"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: _listens(port), "the collector to start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Ask until it holds; every 50 ms, for half a minute."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
