"""Kinds of server behaviour, each with the states that an upload may have after it."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.soak.wire import Behave, Peer, Request, answer, right

QUEUED = frozenset({"queued"})
FAILED = frozenset({"failed"})
SENT = frozenset({"sent"})
LEFT = QUEUED | FAILED
"""It did not arrive; whether it is tried again by itself is left open."""
ANY = LEFT | SENT
ELSEWHERE = "http://127.0.0.1:1/elsewhere"
_DEEP = b"[" * 100_000 + b"]" * 100_000
_PORTAL = b"<!doctype html><html><title>Log in</title>Please log in to the network</html>"
_WORDS = b'{"ok":false,"error":{"code":"NO","message":"no"}}'


@dataclass(frozen=True)
class Behaviour:
    """`traces`, `otlp`: the states that are right for a sink after it."""

    name: str
    behave: Behave
    traces: frozenset[str] = QUEUED
    otlp: frozenset[str] = QUEUED
    scheme: str = "http"
    tls: bool = False
    deaf: bool = False
    closed: bool = False


def each(reply: Callable[[Request], bytes]) -> Behave:
    """Answer every request of a connection."""

    def behave(peer: Peer) -> None:
        while (request := peer.read()) is not None:
            peer.send(reply(request))

    return behave


def once(reply: bytes) -> Behave:
    """Answer one request, whatever it is, and close."""

    def behave(peer: Peer) -> None:
        if peer.read() is not None:
            peer.send(reply)

    return behave


def status(line: str, body: bytes = _WORDS, **headers: str) -> Behave:
    return each(lambda _: answer(line, body, **headers))


def reset_before(peer: Peer) -> None:
    peer.reset()


def reset_after(part: bytes) -> Behave:
    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(part)
        peer.reset()

    return behave


def silence(peer: Peer) -> None:
    peer.read()
    peer.over.wait(20)


def hang_up(peer: Peer) -> None:
    peer.read()


def drip(peer: Peer) -> None:
    peer.read()
    for number in range(40):
        peer.send(answer("200 OK", b"{}")[number : number + 1])
        if peer.over.wait(0.5):
            return


def endless(head: bytes, more: bytes) -> Behave:
    """Bytes without end, as fast as they are taken, and no more than 256 MB of them."""

    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(head)
        for _ in range((256 << 20) // len(more)):
            if peer.over.is_set():
                return
            peer.send(more)

    return behave


def bomb(megabytes: int) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
    return packed.getvalue()


def flood(request: Request) -> bytes:
    return b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50 + right(request)


def close_each(peer: Peer) -> None:
    request = peer.read()
    if request is not None:
        peer.send(right(request))


def close_kept_alive(peer: Peer) -> None:
    """Says that the connection stays, and closes it."""
    request = peer.read()
    if request is not None:
        peer.send(right(request, Connection="keep-alive"))


def answers_twice(request: Request) -> bytes:
    return right(request) + answer("500 Oops", _WORDS)


def echo(request: Request) -> bytes:
    message = "; ".join(f"{name}: {value}" for name, value in request.headers.items())
    return answer("400 Bad Request", f'{{"ok":false,"error":{{"message":"{message}"}}}}'.encode())


def partial(_: Request) -> bytes:
    """ExportTraceServiceResponse with partial_success {rejected_spans: 1, error_message: "no"}."""
    return answer("200 OK", b"\x0a\x06\x08\x01\x12\x02no", "application/x-protobuf")


def chunked(*chunks: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(chunks)


def framed(fields: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + body


_BOMB = bomb(300)
_RETRYABLE = ("429 Too Many Requests", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout")
_OTHER_5XX = ("500 Internal Server Error", "501 Not Implemented", "520 Unknown", "599 Odd")
_REFUSED = ("401 Unauthorized", "403 Forbidden")
_OTHER_4XX = (
    "400 Bad Request",
    "404 Not Found",
    "405 Method Not Allowed",
    "409 Conflict",
    "410 Gone",
    "415 Unsupported Media Type",
    "422 Unprocessable Content",
)
_WAITS = {
    "a day and more": "9999999999",
    "beyond any number": "9" * 400,
    "negative": "-5",
    "NaN": "nan",
    "a date long past": "Thu, 01 Jan 1970 00:00:00 GMT",
    "a date far ahead": "Fri, 31 Dec 9999 23:59:59 GMT",
    "an invalid date": "Fri, 99 Foo 99999 99:99:99",
}

BEHAVIOURS = [
    *(Behaviour(line, status(line)) for line in _RETRYABLE),
    *(Behaviour(line, status(line), otlp=FAILED) for line in _OTHER_5XX),
    *(Behaviour(line, status(line), FAILED, FAILED) for line in _REFUSED),
    *(Behaviour(line, status(line), LEFT, FAILED) for line in _OTHER_4XX),
    *(Behaviour(f"Retry-After {name}", status("429 No", Retry_After=text)) for name, text in _WAITS.items()),
    Behaviour("413 whatever the size", status("413 Content Too Large"), LEFT, LEFT),
    Behaviour("status 999", status("999 What"), LEFT, LEFT),
    Behaviour("301 elsewhere", status("301 Moved", Location=ELSEWHERE), LEFT, LEFT),
    Behaviour("307 elsewhere", status("307 Moved", Location=ELSEWHERE), LEFT, LEFT),
    Behaviour("308 to itself", each(lambda r: answer("308 Moved", Location=r.path)), LEFT, LEFT),
    Behaviour("201 with the right answer", each(lambda r: right(r, "201 Created")), SENT, SENT),
    Behaviour("204", each(lambda _: b"HTTP/1.1 204 No Content\r\n\r\n"), ANY, ANY),
    Behaviour("200, HTML portal", each(lambda _: answer("200 OK", _PORTAL, "text/html")), LEFT, ANY),
    Behaviour("200, nothing", each(lambda _: answer("200 OK")), LEFT, SENT),
    Behaviour("200, ok: false", status("200 OK"), LEFT, ANY),
    Behaviour("200, JSON 100,000 deep", status("200 OK", _DEEP), LEFT, ANY),
    Behaviour("500, JSON 100,000 deep", status("500 Oops", _DEEP), QUEUED, LEFT),
    Behaviour("429, JSON 100,000 deep", status("429 No", _DEEP)),
    Behaviour("200, binary", status("200 OK", bytes(range(256)) * 40), LEFT, ANY),
    Behaviour("400 that echoes the key", each(echo), LEFT, FAILED),
    Behaviour("partial success", each(partial), LEFT, SENT | FAILED),
    Behaviour("refused", hang_up, closed=True),
    Behaviour("takes no connection", hang_up, deaf=True),
    Behaviour("reset at connect", reset_before),
    Behaviour("reset in the head", reset_after(b"HTTP/1.1 200 OK\r\nContent-Le")),
    Behaviour("reset in the body", reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")),
    Behaviour("hangs up without a word", hang_up),
    Behaviour("silence", silence),
    Behaviour("a byte every half second", drip),
    Behaviour("headers without end", endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 1000)),
    Behaviour("one header without end", endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"m" * 65536)),
    Behaviour("a body without end", endless(b"HTTP/1.1 200 OK\r\n\r\n", b"[" * 65536), LEFT, LEFT),
    Behaviour(
        "chunks without end",
        endless(chunked(), b"10000\r\n" + b" " * 65536 + b"\r\n"),
        LEFT,
        LEFT,
    ),
    Behaviour("1xx without end", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), LEFT, LEFT),
    Behaviour("a hundred 1xx, then the answer", each(flood), SENT | QUEUED, SENT | QUEUED),
    Behaviour(
        "gzip bomb",
        each(lambda _: answer("200 OK", _BOMB, Content_Encoding="gzip")),
        LEFT,
        ANY,
    ),
    Behaviour(
        "gzip that is none", each(lambda _: answer("200 OK", b"{}", Content_Encoding="gzip")), LEFT, ANY
    ),
    Behaviour("shorter than it says", once(framed("Content-Length: 500", b"{}")), LEFT, LEFT),
    Behaviour("length -1", once(framed("Content-Length: -1", b"{}")), LEFT, LEFT),
    Behaviour("two lengths", once(framed("Content-Length: 2\r\nContent-Length: 7", b"{}")), LEFT, LEFT),
    Behaviour("chunks that are none", once(chunked(b"zz\r\n", b"{}")), LEFT, LEFT),
    Behaviour("a header with NUL", once(framed("X-\0: 1\r\nContent-Length: 2", b"{}")), LEFT, LEFT),
    Behaviour("HTTP/0.9", once(b"{}"), LEFT, LEFT),
    Behaviour("not HTTP", once(b"SSH-2.0-OpenSSH_9.6\r\n" + struct.pack(">I", 7) * 20), LEFT, LEFT),
    Behaviour("plain on a TLS port", once(answer("400 Bad Request", b"TLS?")), LEFT, LEFT, scheme="https"),
    Behaviour("TLS on a plain port", each(right), LEFT, LEFT, tls=True),
    Behaviour("certificate of nobody", each(right), LEFT, LEFT, scheme="https", tls=True),
    Behaviour("certificate of nobody, HTTPS:", each(right), LEFT, LEFT, scheme="HTTPS", tls=True),
    Behaviour("closes after each answer", close_each, SENT, SENT),
    Behaviour("closes what it said stays", close_kept_alive, SENT | QUEUED, SENT | QUEUED),
    Behaviour("answers each request twice", each(answers_twice), ANY, ANY),
]
