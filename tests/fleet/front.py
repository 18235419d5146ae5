"""ClickHouse's HTTP interface over chdb, ClickHouse in process: as far as our client and a collector use it.

``python -m tests.fleet.front DATA PORT USER PASSWORD``: serves loopback until it is killed. One query at a
time, since a session of chdb is one connection. Each answer says in ``X-Cpu-Seconds`` what it cost.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_FORMAT = re.compile(r"\bFORMAT\s+([A-Za-z]+)\s*;?\s*\Z")
_INSERT = re.compile(r"\s*INSERT\s+INTO\s+([\w.`]+)\s*\(([^()]*)\)\s*FORMAT\s+(\w+)\s*\Z", re.IGNORECASE)
_READS = re.compile(r"\s*(SELECT|WITH|SHOW|DESCRIBE|EXPLAIN|EXISTS)\b", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)")
_STATUSES = {"60": 404, "81": 404, "516": 403, "497": 403, "159": 408}
SETTINGS = frozenset(
    (
        "max_execution_time",
        "max_result_rows",
        "max_result_bytes",
        "max_memory_usage",
        "do_not_merge_across_partitions_select_final",
    )
)
"""The settings of a query that are passed on. `readonly` is checked here: in process it would be for ever."""


class Refused(Exception):
    """An error in ClickHouse's words."""


class Engine:
    """One session of chdb."""

    def __init__(self, folder: Path) -> None:
        from chdb import session

        self.folder = folder
        self.session = session.Session(str(folder / "db"))
        self.lock = threading.Lock()

    def ask(self, sql: str, database: str, params: dict[str, str], settings: dict[str, str]) -> bytes:
        """The answer of a query or statement, in a format that it may itself name."""
        found, form = _FORMAT.search(sql), "TabSeparated"
        if found:
            sql, form = sql[: found.start()], found[1]
        if settings.pop("readonly", "0") != "0" and not _READS.match(sql):
            raise Refused("Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)")
        given = {name: value for name, value in settings.items() if name in SETTINGS}
        if given and _READS.match(sql):
            sql += "\nSETTINGS " + ", ".join(f"{name} = '{value}'" for name, value in given.items())
        with self.lock:
            self.session.query(f"USE `{database}`")
            return bytes(self.session.query(sql, form, params=params).bytes())

    def insert(self, table: str, columns: str, form: str, data: bytes) -> None:
        """Insert rows in a format, by a file: chdb takes no bytes."""
        database, _, name = table.replace("`", "").rpartition(".")
        params = {"database": database, "table": name}
        where = "database = {database:String} AND table = {table:String}"
        sql = f"SELECT name, type FROM system.columns WHERE {where}"
        path = self.folder / "rows"
        with self.lock:
            types = dict(json.loads(self.session.query(sql, "JSONCompact", params=params).bytes())["data"])
            names = [each.strip().replace("`", "") for each in columns.split(",")]
            shape = ", ".join(f"`{each}` {types[each]}" for each in names).replace("'", "\\'")
            path.write_bytes(data)
            listed = ", ".join(f"`{each}`" for each in names)
            source = f"file('{path}', '{form}', '{shape}')"
            self.session.query(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {source}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Front

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self.answer(200, b"Ok.\n")
        else:
            self.handle_query(b"")

    def do_POST(self) -> None:
        self.handle_query(self.body())

    def body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def handle_query(self, body: bytes) -> None:
        words = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        used = time.process_time()
        try:
            self.authorise(words)
            answer = self.query(words, body)
        # chdb raises RuntimeError for whatever ClickHouse refuses.
        except (Refused, RuntimeError, LookupError, UnicodeDecodeError) as error:
            found = _CODE.search(str(error))
            code = found[1] if found else "1002"
            status = _STATUSES.get(code, 500)
            self.answer(status, f"{error}\n".encode(), **{"X-ClickHouse-Exception-Code": code})
        else:
            self.answer(200, answer, **{"X-Cpu-Seconds": f"{time.process_time() - used:.6f}"})

    def authorise(self, words: dict[str, str]) -> None:
        given = self.headers.get("X-ClickHouse-User", ""), self.headers.get("X-ClickHouse-Key", "")
        basic = self.headers.get("Authorization", "")
        if basic.startswith("Basic "):
            user, _, password = base64.b64decode(basic[6:]).decode().partition(":")
            given = user, password
        if given != self.server.account:
            raise Refused(
                f"Code: 516. DB::Exception: {given[0]}: Authentication failed: password is incorrect, or"
                " there is no user with such name. (AUTHENTICATION_FAILED)"
            )

    def query(self, words: dict[str, str], body: bytes) -> bytes:
        sql = words.pop("query", "")
        database = words.pop("database", "default")
        insert = _INSERT.match(sql)
        if insert:
            table = insert[1] if "." in insert[1] else f"{database}.{insert[1]}"
            self.server.engine.insert(table, insert[2], insert[3], body)
            return b""
        params = {name[6:]: value for name, value in words.items() if name.startswith("param_")}
        settings = {name: value for name, value in words.items() if not name.startswith("param_")}
        return self.server.engine.ask(sql + body.decode(), database, params, settings)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


class Front(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, port: int, account: tuple[str, str]) -> None:
        self.engine = Engine(folder)
        self.account = account
        super().__init__(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    Front(Path(sys.argv[1]), int(sys.argv[2]), (sys.argv[3], sys.argv[4])).serve_forever()
