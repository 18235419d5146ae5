"""Whatever a server does to either sink: no traceback, no changed exit code, no hang, no key anywhere."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import struct
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from machine import Machine
from made import assembly
from traces_server import KEY

from one_trace.deliver.http_client import HttpClient, Server
from one_trace.deliver.retry import Deadline, DeliveryError
from one_trace.guard.urls import parse
from one_trace.store import Store

pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

TOKEN = "hush-Hush+0123/4567=="
Speak = Callable[[socket.socket], object]


def response(head: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {head}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def refused(message: str, status: str = "400 No") -> bytes:
    return response(status, json.dumps({"ok": False, "error": {"message": message}}).encode())


def nested(depth: int) -> bytes:
    return b'{"x":' + b"[" * depth + b"]" * depth + b"}"


def dripping(connection: socket.socket) -> None:
    for byte in response("200 OK", b"{}") * 20:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def endless(head: bytes, piece: bytes) -> Speak:
    def speak(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(2000):
            connection.sendall(piece)

    return speak


def silent(connection: socket.socket) -> None:
    connection.recv(1)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def spellings(secret: str) -> dict[str, str]:
    data = secret.encode()
    quoted = urllib.parse.quote(secret, safe="")
    return {
        "raw": secret,
        "repr": repr(data),
        "json": json.dumps(json.dumps(secret)),
        "unicode escapes": "".join(f"\\u{ord(char):04x}" for char in secret),
        "percent": "".join(f"%{byte:02X}" for byte in data),
        "percent twice": urllib.parse.quote(quoted, safe=""),
        "html": "".join(f"&#{byte};" for byte in data),
        "base64": base64.b64encode(b"user:" + data).decode(),
        "base64 for urls": base64.urlsafe_b64encode(b"x:" + data).decode().rstrip("="),
        "hex": data.hex(),
        "other letters": secret.swapcase(),
        "backwards": secret[::-1],
        "wrapped": f"{secret[:9]}\n   {secret[9:]}",
        "a part": f"{secret[:14]}...",
    }


BODIES: dict[str, bytes] = {
    "a redirect": response("302 Found", b"", "Location: http://127.0.0.1:1/"),
    "a redirect elsewhere": response("308 There", b"", "Location: https://nobody.invalid/"),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "204 with a body": response("204 No Content", b"{}"),
    "418": response("418 I'm a teapot", b"<html>"),
    "599": response("599 What", b"{}"),
    "999": response("999 What", b"{}"),
    "100 and no more": b"HTTP/1.1 100 Continue\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "103, then 200": b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + response("200 OK", b"<html>"),
    "HTTP/0.9": b"<html>hello</html>",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": b"220 mail.invalid ESMTP\r\n",
    "garbage of TLS": bytes([21, 3, 1, 0, 2, 2, 70]),
    "NUL bytes in a header": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "NUL bytes alone": bytes(4096),
    "an invalid header": b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "a header that is not UTF-8": response("200 OK", b"<html>", "X: ä").replace(b"\xc3\xa4", b"\xff\xfe"),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}{}{}",
    "a length below 0": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "a length too large": b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n{}",
    "a length too small": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}{}{}",
    "invalid chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "a body that is not UTF-8": response("200 OK", b'{"ok":"\xff\xfe"}'),
    "a page of a portal": response("200 OK", b"<html>Please log in</html>"),
    "another JSON": response("200 OK", b"[1,2,3]"),
    "ok: false": response("200 OK", b'{"ok":false,"error":{"message":"no"}}'),
    "nested JSON": response("200 OK", nested(50_000)),
    "nested JSON with 500": response("500 No", nested(50_000)),
    "nested JSON with 400": response("400 No", nested(50_000)),
    "an invalid gzip": response("200 OK", b"{}", "Content-Encoding: gzip"),
    "a bomb of gzip": response("200 OK", gzip.compress(bytes(1 << 26)), "Content-Encoding: gzip"),
    "an unknown encoding": response("200 OK", b"{}", "Content-Encoding: br"),
    "a huge Retry-After": response("429 Slowly", b"{}", f"Retry-After: {'9' * 300}"),
    "an invalid Retry-After": response("503 No", b"{}", "Retry-After: Fri, 99 Foo 99999 99:99:99 +9999"),
    "a retryAt that does not end": response("429 No", b'{"error":{"details":{"retryAt":1e308}}}'),
    "401": refused("bad key", "401 Who"),
    "403": refused("not yours", "403 No"),
    "407": refused("proxy", "407 Proxy"),
    "an error with escapes": refused("\x1b]0;pwned\x07\x1b[2J\u202e"),
}
ENDINGS: dict[str, Speak] = {
    "silence": silent,
    "a reset": reset,
    "nothing": lambda connection: None,
    "one byte after the other": dripping,
    "headers that do not end": endless(b"HTTP/1.1 200 OK\r\n", b"X-Fill: " + b"x" * 1000 + b"\r\n"),
    "100 that does not end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a line that does not end": endless(b"HTTP/1.1 200 ", b"x" * 1000),
    "a body that does not end": endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
    "closed in the status": lambda connection: connection.sendall(b"HTTP/1."),
    "closed in the headers": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "closed in the body": lambda connection: connection.sendall(response("200 OK", b"{}" * 50)[:-20]),
}
ECHOES: dict[str, Callable[[str], bytes]] = {
    **{
        name: lambda secret, name=name: refused(f"bad {spellings(secret)[name]} there")
        for name in spellings(KEY)
    },
    "the id of the trace": lambda secret: response(
        "200 OK", json.dumps({"ok": True, "data": {"trace": {"id": secret}}}).encode()
    ),
    "a header and a reason": lambda secret: response(f"400 {secret}", b"{}", f"X: {secret}"),
    "a namespace": lambda secret: response(
        "200 OK", json.dumps({"ok": True, "data": {"namespaces": [{"id": "x", "slug": secret}]}}).encode()
    ),
}


@contextmanager
def speaking(speak: Speak) -> Iterator[str]:
    """The URL of a server that reads each request and answers with `speak`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=[connection], daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with connection:
                try:
                    while read_request(connection):
                        if speak(connection) is None:
                            return
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def read_request(connection: socket.socket) -> bool:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return False
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while left > 0:
        left -= len(connection.recv(65536))
    return True


def echo(data: bytes) -> Speak:
    return lambda connection: connection.sendall(data)


KINDS: dict[str, Speak] = {
    **{name: echo(data) for name, data in BODIES.items()},
    **ENDINGS,
}


@pytest.fixture
def sending(machine: Machine) -> Machine:
    machine.env |= {
        "TRACES_API_KEY": KEY,
        "ONE_TRACES_SINKS": "traces.com,otlp",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{urllib.parse.quote(TOKEN, safe='')}",
        "ONE_TRACES_FLUSH_TIMEOUT": "1",
    }
    machine.player("02-linear-unicode")
    return machine


def to(url: str) -> dict[str, str]:
    return {"ONE_TRACES_ENDPOINT": url, "OTEL_EXPORTER_OTLP_ENDPOINT": url}


IN_A_RUN = ("a redirect", "204 with a body", "418", "HTTP/0.9", "nested JSON", "a bomb of gzip", "401", "403")
"""The kinds of answers that are tried at the end of a run. `trace sync` gets all, by the same way."""


@pytest.mark.parametrize("kind", [*IN_A_RUN, *ENDINGS])
def test_no_server_behaviour_changes_a_run(sending: Machine, kind: str) -> None:
    refuses = kind in ("401", "403")
    if refuses:
        sending.env["ONE_TRACES_FLUSH_TIMEOUT"] = "30"  # such an answer ends the attempt at once
    with speaking(KINDS[kind]) as url:
        done = sending.one("--agent", "flow", "execute", "x", "--trace", env=to(url))
    assert (done.code, b"Traceback" in done.err) == (0, False), done.err
    states = {upload["sink"]: upload["state"] for upload in done.saved["uploads"]}
    assert states.keys() == {"traces.com", "otlp"}
    assert states["traces.com"] == ("failed" if refuses else "queued")
    assert_no_key_in(sending.data, done.out, done.err)


def test_no_answer_changes_what_is_queued(sending: Machine) -> None:
    """All at once: most of the time goes by between attempts."""
    with ExitStack() as servers:
        syncs = {
            kind: start_sync(sending, kind, servers.enter_context(speaking(KINDS[kind]))) for kind in BODIES
        }
        answers = {kind: sync.communicate(timeout=120) for kind, sync in syncs.items()}
    wrong = {kind for kind, (_, err) in answers.items() if b"Traceback" in err}
    for kind, texts in answers.items():
        assert_no_key_in(data_of(sending, kind), *texts)
        with Store(data_of(sending, kind) / "traces.db", readonly=True) as store:
            (run,) = store.runs()
            states = {upload.sink: upload.state for upload in store.uploads(run.trace_id)}
        refuses = kind in ("401", "403")
        right = states.keys() == {"traces.com", "otlp"}
        if not right or states["traces.com"] != ("failed" if refuses else "queued"):
            wrong.add(kind)
    assert wrong == set()


def data_of(machine: Machine, kind: str) -> Path:
    return machine.root / "kinds" / str(list(BODIES).index(kind))


def start_sync(machine: Machine, kind: str, url: str) -> subprocess.Popen[bytes]:
    data = data_of(machine, kind)
    with Store(data / "traces.db") as store:
        store.save(assembly(), sinks=["traces.com", "otlp"])
    seconds = "30" if kind in ("401", "403") else "1"
    env = to(url) | {"ONE_TRACES_DATA_DIR": str(data), "ONE_TRACES_FLUSH_TIMEOUT": seconds}
    return machine.start("--agent", "trace", "sync", env=env)


@pytest.mark.parametrize("kind", ECHOES)
def test_no_spelling_of_a_key_that_a_server_repeats_is_in_a_message(kind: str) -> None:
    with speaking(echo(ECHOES[kind](KEY))) as url:
        client = HttpClient(Server(url=parse(url), headers={}, secrets=(KEY,)), deadline=Deadline(30))
        try:
            client.call("GET", "/health")
        except DeliveryError as error:
            no_spelling(KEY, error.message.encode())


SHOWN = ("raw", "percent twice", "base64", "the id of the trace", "a header and a reason", "a namespace")
"""The kinds of answers for which the program itself is asked. All of them pass through the one client."""


@pytest.mark.parametrize("kind", SHOWN)
def test_no_spelling_of_a_key_that_a_server_repeats_is_kept_or_shown(sending: Machine, kind: str) -> None:
    sending.env["ONE_TRACES_FLUSH_TIMEOUT"] = "30"
    service, collector = (echo(ECHOES[kind](secret)) for secret in (KEY, TOKEN))
    with speaking(service) as url, speaking(collector) as other:
        sending.env |= to(url) | {"OTEL_EXPORTER_OTLP_ENDPOINT": other}
        ran = sending.one("flow", "execute", "x", "--trace")
        synced = sending.one("--agent", "trace", "sync")
        doctor = sending.one("trace", "doctor")
    listed = sending.one("--agent", "trace", "show", "last")
    assert_no_key_in(
        sending.data, *(text for done in (ran, synced, doctor, listed) for text in (done.out, done.err))
    )


def assert_no_key_in(data: Path, *texts: bytes) -> None:
    """No spelling of a key is in these texts or in the store."""
    stored = b"".join(path.read_bytes() for path in data.iterdir() if path.is_file())
    for text in (*texts, stored):
        for secret in (KEY, TOKEN):
            no_spelling(secret, text)


def no_spelling(secret: str, text: bytes) -> None:
    for name, spelling in spellings(secret).items():
        assert spelling.encode() not in text, name
    assert secret[4:16].encode().lower() not in text.lower()


@pytest.mark.parametrize("status", ["200 OK", "500 No"])
def test_doctor_survives_a_deeply_nested_answer(sending: Machine, status: str) -> None:
    sending.env["ONE_TRACES_SINKS"] = "traces.com"
    with speaking(lambda connection: connection.sendall(response(status, nested(100_000)))) as url:
        done = sending.one("--agent", "trace", "doctor", env=to(url))
    (check,) = [check for check in done.document["checks"] if check["check"] == "traces.com"]
    assert (done.code, check["state"], done.err) == (1, "bad", b"")


def test_a_deeply_nested_500_is_retried(sending: Machine) -> None:
    asked: list[int] = []

    def speak(connection: socket.socket) -> None:
        asked.append(1)
        connection.sendall(response("500 No", nested(100_000)))

    sending.env |= {"ONE_TRACES_SINKS": "traces.com", "ONE_TRACES_FLUSH_TIMEOUT": "100"}
    with speaking(speak) as url:
        done = sending.one("--agent", "flow", "execute", "x", "--trace", env=to(url))
    assert done.saved["uploads"][0]["state"] == "queued"
    assert len(asked) == 5


def test_a_refused_connection_is_reported_at_once_in_one_line(sending: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    sending.env |= {"ONE_TRACES_SINKS": "traces.com", "ONE_TRACES_FLUSH_TIMEOUT": "50"}
    done = sending.one("flow", "execute", "x", "--trace", env=to(url))  # longer than 50 s fails the test
    lines = [line for line in done.err.decode().splitlines() if line.startswith("one-trace:")]
    assert len(lines) == 1
    assert url in lines[0]
    assert "trace sync" in lines[0]
    agent = sending.one("--agent", "flow", "execute", "x", "--trace", env=to(url))
    assert agent.saved["uploads"][0]["state"] == "queued"
