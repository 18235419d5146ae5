"""Servers that refuse, are gone, slow, or answer by halves: a line each, and no password in it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from one_trace.errors import FAILED, NETWORK, NOT_AUTHORISED, CliError
from one_trace.guard.urls import Url
from one_trace.history.clickhouse import client as clients
from one_trace.history.clickhouse.client import Client
from one_trace.history.clickhouse.refusals import DDL

PASSWORD = "correct horse b\u00e4ttery"
Handling = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.handling: Handling = lambda request: None
        self.queries: list[dict[str, list[str]]] = []
        self.keys: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.queries.append(parse_qs(urlsplit(self.path).query, keep_blank_values=True))
        self.server.keys.append(self.headers["X-ClickHouse-Key"].encode("latin-1"))
        self.server.handling(self)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield made
        made.shutdown()


def client(port: int, timeout_s: float = 10.0) -> Client:
    return Client(
        Url("http", "127.0.0.1", port, "/"), "runs", user="ann", password=PASSWORD, timeout_s=timeout_s
    )


def failure(port: int, timeout_s: float = 10.0, ask: str = "rows") -> CliError:
    with closing(client(port, timeout_s)) as asked, pytest.raises(CliError) as caught:
        getattr(asked, ask)("SELECT 1").texts()
    shown = f"{caught.value.message} {caught.value.hint}"
    assert "correct" not in shown
    assert shown.isprintable()
    return caught.value


def answer(status: int, body: bytes = b"", **headers: str) -> Handling:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return handle


def refused(code: int, words: str, status: int = 500) -> Handling:
    return answer(status, f"Code: {code}. DB::Exception: {words}\n".encode())


REFUSALS = {
    "password": (refused(516, f"reader: Authentication failed {PASSWORD}", 403), NOT_AUTHORISED, "password"),
    "401 of a proxy": (answer(401, b"<html>"), NOT_AUTHORISED, "password"),
    "not granted": (refused(497, "reader: Not enough privileges"), NOT_AUTHORISED, "Not enough privileges"),
    "no table": (refused(60, "Table runs.x does not exist", 404), FAILED, "Table runs.x does not exist"),
    "no database": (refused(81, "Database runs does not exist", 404), FAILED, "lacks a table"),
    "no column": (refused(47, "Unknown identifier `seq`"), FAILED, "lacks a table or column"),
    "too slow": (refused(159, "Timeout exceeded"), NETWORK, "within the time limit"),
    "too much": (refused(241, "Memory limit exceeded"), FAILED, "stopped at a limit"),
    "read-only": (refused(164, "Cannot modify 'max_execution_time'"), FAILED, "limits of the question"),
    "another code": (refused(43, "Illegal type\x1b[31m\nred"), FAILED, r"code 43\): Illegal type.*red"),
    "code in a header": (answer(500, b"", X_ClickHouse_Exception_Code="60"), FAILED, "lacks a table"),
    "502": (answer(502, b"<h1>Bad gateway</h1>"), NETWORK, "answered 502"),
    "redirect": (answer(302, Location="http://127.0.0.1:1/"), NETWORK, "answered 302"),
    "no JSON": (answer(200, b'{"data": [[1'), NETWORK, "not one of ClickHouse's"),
    "other JSON": (answer(200, b'{"data": 1}'), NETWORK, "not one of ClickHouse's"),
}


@pytest.mark.parametrize(("handling", "exit_code", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_says_what_to_do(server: Server, handling: Handling, exit_code: int, message: str) -> None:
    server.handling = handling
    error = failure(server.server_port)
    assert error.exit_code == exit_code
    with pytest.raises(CliError, match=message):
        raise error
    assert len(server.queries) == 1
    assert error.code == "history-refused" or error.hint


def test_missing_tables_name_the_command_that_makes_them(server: Server) -> None:
    server.handling = refused(60, "Table does not exist")
    error = failure(server.server_port)
    assert (error.code, error.fix) == ("no-history-tables", DDL)
    assert DDL in (error.hint or "")


def half(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"data": [')
    request.close_connection = True


def reset(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)
    request.close_connection = True


def slow(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(50):
        time.sleep(0.05)
        request.wfile.write(b"X-A: b\r\n")


@pytest.mark.parametrize("handling", [half, reset])
def test_half_an_answer_is_asked_for_once_more(server: Server, handling: Handling) -> None:
    server.handling = handling
    assert failure(server.server_port).exit_code == NETWORK
    assert len(server.queries) == 2


def test_a_server_that_is_gone_or_slow_is_waited_for_no_longer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_GRACE_S", 0.1)
    server.handling = slow
    assert failure(server.server_port, timeout_s=0.1).exit_code == NETWORK
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        assert failure(free.getsockname()[1]).exit_code == NETWORK


@pytest.mark.parametrize("body", [b"\xff" * 20, b"\x05", b"\x02\x03abc"])
def test_rows_that_end_too_early_are_no_rows(server: Server, body: bytes) -> None:
    server.handling = answer(200, body)
    assert failure(server.server_port, ask="table").exit_code == NETWORK


def test_an_answer_without_end_is_none(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_LONGEST_ANSWER", 1000)
    server.handling = answer(200, b'{"data": [' + b"[1]," * 1000)
    assert failure(server.server_port).exit_code == NETWORK


def test_a_question_is_bounded_and_read_only_and_its_values_are_parameters(server: Server) -> None:
    server.handling = answer(200, b'{"data": []}')
    hostile = "'; DROP TABLE x --\\\n\t{x:String}\udcff☃"
    with closing(client(server.server_port)) as asked:
        asked.rows("SELECT {x:String}", {"x": hostile, "all": ["a'b\\", "c"], "n": 7})
    (query,) = server.queries
    assert query["readonly"] == ["2"]
    assert query["database"] == ["runs"]
    assert {"max_execution_time", "max_result_rows", "max_result_bytes", "max_memory_usage"} <= set(query)
    assert query["param_x"] == ["'; DROP TABLE x --\\\\\\n\\t{x:String}?☃"]
    assert query["param_all"] == ["['a\\'b\\\\','c']"]
    assert query["param_n"] == ["7"]
    assert "query" not in query
    assert server.keys == [PASSWORD.encode()]
