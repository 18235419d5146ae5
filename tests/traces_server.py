"""A fake traces.com on the loopback interface, which fails in any way that a test asks for.

It implements enough of the service for a client to read back what was uploaded.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "trk_0123456789abcdef0123456789abcdef"
NAMESPACES = [
    {"id": "ns1", "slug": "my-org", "displayName": "My Org", "type": "org", "role": "owner"},
    {"id": "ns2", "slug": "me", "displayName": "Me", "type": "individual", "role": "owner"},
]
Fault = Callable[["Handler"], bool]
"""Called before each answer. Returns True if it has answered, or closed the connection, itself."""


class FakeTracesServer(ThreadingHTTPServer):
    """`traces`: the merged PUTs of each trace; `messages`: trace → message id → message; `batches`: POSTs per
    trace; `seen`: all requests in the order of arrival.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.traces: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, dict[str, dict[str, Any]]] = {}
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.fault: Fault | None = None
        self.lock = threading.Lock()
        self.batches: dict[str, int] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def everything(self) -> bytes:
        """All that was received: request lines, headers and bodies."""
        return b"\n".join(
            f"{method} {path} {headers}".encode() + body for method, path, headers, body in self.seen
        )

    def in_order(self, trace: str) -> list[dict[str, Any]]:
        return sorted(self.messages[trace].values(), key=lambda message: message["order"])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up: some tests make them."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeTracesServer

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _any(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            self.server.seen.append((self.command, self.path, dict(self.headers), self.body))
        if self.server.fault is not None and self.server.fault(self):
            return
        if self.headers.get("Authorization") != f"Bearer {KEY}" and not self.path.startswith("/v1/traces?"):
            self.refuse(401, "invalid key")
            return
        self._serve([part for part in self.path.partition("?")[0].split("/") if part])

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _any

    def _serve(self, path: list[str]) -> None:
        traces_server = self.server
        match (self.command, path):
            case ("GET", ["health"]):
                self.answer(200, {"ok": True})
            case ("GET", ["v1", "namespaces"]):
                self.answer(200, {"ok": True, "data": {"namespaces": NAMESPACES}})
            case ("PUT", ["v1", "traces", trace]):
                with traces_server.lock:
                    traces_server.traces.setdefault(trace, {}).update(json.loads(self.body))
                self.answer(200, {"ok": True, "data": {"trace": self._trace(trace)}})
            case ("POST", ["v1", "traces", trace, "messages", "batch"]):
                self._keep(trace)
                self.answer(200, {"ok": True, "data": {}})
            case ("GET" | "HEAD", ["v1", "traces", trace]) if trace in traces_server.traces:
                self.answer(200, {"ok": True, "data": {"trace": self._trace(trace)}})
            case ("GET", ["v1", "traces", trace, "messages"]) if trace in traces_server.traces:
                data = {"messages": traces_server.in_order(trace), "continueCursor": None, "isDone": True}
                self.answer(200, {"ok": True, "data": data})
            case ("GET", ["v1", "traces"]):
                listed = [self._trace(trace) for trace in traces_server.traces]
                self.answer(200, {"ok": True, "data": {"traces": listed, "isDone": True}})
            case _:
                self.refuse(404, "not found")

    def _keep(self, trace: str) -> None:
        traces_server = self.server
        with traces_server.lock:
            traces_server.batches[trace] = traces_server.batches.get(trace, 0) + 1
            kept = traces_server.messages.setdefault(trace, {})
            for message in json.loads(self.body)["messages"]:
                kept[message["externalId"]] = message

    def _trace(self, trace: str) -> dict[str, Any]:
        kept = self.server.traces[trace]
        return {
            **kept,
            "id": f"jn7{trace.replace('-', '')[:20]}",
            "externalId": trace,
            "createdAt": 1,
            "updatedAt": 1,
            "messageCount": len(self.server.messages.get(trace, {})),
            "namespace": NAMESPACES[0],
        }

    def answer(self, status: int, document: object, **headers: str) -> None:
        self.raw(status, json.dumps(document).encode(), "application/json", **headers)

    def refuse(self, status: int, message: str, **headers: str) -> None:
        self.answer(status, {"ok": False, "error": {"code": "ERROR", "message": message}}, **headers)

    def raw(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def drip(self, seconds: float) -> None:
        """Answer with one byte per second."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        until = time.monotonic() + seconds
        for number in range(len(head)):
            if time.monotonic() > until:
                break
            self.wfile.write(head[number : number + 1])
            self.wfile.flush()
            time.sleep(1)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def fake_traces_server() -> Iterator[FakeTracesServer]:
    traces_server = FakeTracesServer()
    thread = threading.Thread(target=traces_server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield traces_server
    finally:
        traces_server.shutdown()
        traces_server.server_close()
