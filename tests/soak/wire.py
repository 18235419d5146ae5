"""A server that is given each connection as it comes, to answer it in any way at all."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.traces_server import NAMESPACES

_LONGEST_S = 20.0
"""No behaviour goes on for longer."""


@dataclass
class Request:
    """What was asked for."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """One connection; `over` is set when the server is closed."""

    socket: socket.socket
    over: threading.Event
    rest: bytes = b""

    def read(self) -> Request | None:
        """The next request; None at the end of the connection."""
        while b"\r\n\r\n" not in self.rest:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.rest += data
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        length = int(headers.get("content-length") or 0)
        while len(self.rest) < length:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.rest += data
        body, self.rest = self.rest[:length], self.rest[length:]
        method, path, *_ = first.split(" ")
        return Request(method, path, headers, body)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


Behave = Callable[[Peer], None]
"""Serves one connection to its end."""


@dataclass
class Wire:
    """A listening socket; each connection has a thread. `certificate`: speaks TLS with it."""

    behave: Behave
    certificate: str | None = None
    deaf: bool = False
    """Nobody takes connections: they wait in the queue of the system."""
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1 if self.deaf else 64)
        self.port: int = self._listening.getsockname()[1]
        self._context = None
        if self.certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(self.certificate)
        self._filling: list[socket.socket] = []
        if self.deaf:
            self._fill()
        else:
            threading.Thread(target=self._listen, daemon=True).start()

    def _fill(self) -> None:
        """Take all places in the queue, so that a connection gets no answer."""
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(("127.0.0.1", self.port))
            self._filling.append(filler)

    def _listen(self) -> None:
        while not self.over.is_set():
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, taken: socket.socket) -> None:
        taken.settimeout(_LONGEST_S)
        with suppress(OSError, ValueError):  # the other end hangs up: what the behaviours are about
            if self._context is not None:
                taken = self._context.wrap_socket(taken, server_side=True)
            self.behave(Peer(taken, self.over))
        with suppress(OSError):
            taken.close()

    def close(self) -> None:
        self.over.set()
        for each in [self._listening, *self._filling]:
            with suppress(OSError):
                each.close()


@contextmanager
def wired(behave: Behave, certificate: str | None = None, *, deaf: bool = False) -> Iterator[Wire]:
    wire = Wire(behave, certificate, deaf)
    try:
        yield wire
    finally:
        wire.close()


def answer(status: str, body: bytes = b"", kind: str = "application/json", **headers: str) -> bytes:
    fields = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1") + body


def right(request: Request, status: str = "200 OK", **headers: str) -> bytes:
    """What the service, or a collector, answers when all is well."""
    if not request.path.startswith("/v1/traces/"):
        return answer(status, b"", "application/x-protobuf", **headers)
    trace = request.path.split("/")[3]
    known = {"id": "jn7soak", "externalId": trace, "createdAt": 1, "updatedAt": 1, "namespace": NAMESPACES[0]}
    data = {"trace": known} if request.method == "PUT" else {}
    return answer(status, json.dumps({"ok": True, "data": data}).encode(), **headers)
