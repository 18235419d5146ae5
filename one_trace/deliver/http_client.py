"""Requests to one server, each of which ends in an answer or a `DeliveryError`.

The key goes to the configured origin and nowhere else: no redirect is followed, and a server on this
machine is reached without a proxy. A request ends when its time is over, however slowly the server sends.
"""

from __future__ import annotations

import math
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx
from msgspec import Struct

from one_trace.deliver import proxies, tls
from one_trace.deliver.answer import Answer
from one_trace.deliver.failures import failure
from one_trace.deliver.http_headers import checked
from one_trace.deliver.retry import (
    Deadline,
    DeliveryError,
    TooLarge,
    Unreachable,
    is_temporary,
    with_retries,
)
from one_trace.guard.text import clean
from one_trace.guard.urls import Url
from one_trace.outbound.own_secrets import Secrets

_LONGEST_QUOTE = 200
"""Characters of a server's message that are shown and kept."""
_POLL_S = 0.05
"""How often the clock is checked while a request is under way."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}\Z")
_AGAIN = "'one trace sync --retry-failed' sends it again."
_COMPRESSED = {"gzip": 47, "x-gzip": 47, "deflate": 47}
"""zlib's `wbits` of the encodings that servers use even though they were not asked to."""


class Server(Struct, frozen=True, kw_only=True):
    """How the server of a sink is reached, and how its answers are read."""

    url: Url
    headers: dict[str, str | bytes]
    secrets: Collection[str] = ()
    """Values that no message may show."""
    hints: dict[int, str] = {}
    """What to do about a status."""
    timeout_s: float | None = None
    """The time limit of one try."""
    verify: ssl.SSLContext | None = None
    retryable: frozenset[int] | None = None
    """The only statuses to try again, where a protocol lists them: every other refusal is final then."""
    tries: int | None = None
    """None: as always."""
    longest_answer: int = 1 << 20
    """Bytes; a longer answer is none."""


class HttpClient:
    """Requests to one server, with retries until `deadline`; `before` is called ahead of each try.

    Raises DeliveryError where no request can be made: a bad header, a proxy that cannot be used.
    """

    def __init__(self, server: Server, deadline: Deadline, before: Callable[[], None] = lambda: None) -> None:
        self.deadline = deadline
        self.before = before
        self._server = server
        self._sockets: dict[int, socket.socket] = {}
        self._until = math.inf
        self._closed = threading.Event()
        self._watchdog: threading.Thread | None = None
        proxy = proxies.proxy_of(server.url)
        self._secrets = Secrets([*server.secrets, *(proxy.secrets if proxy else ())])
        self._client = self._open(proxy)

    def _open(self, proxy: proxies.Proxy | None) -> httpx.Client:
        server = self._server
        try:
            return httpx.Client(
                # A compressed answer may decompress to any size.
                headers=checked({"Accept-Encoding": "identity", **server.headers}),
                follow_redirects=False,
                trust_env=False,  # proxies and certificates of the environment are in use already
                proxy=proxy.used if proxy else None,
                # For plain http an empty context, which trusts nobody and loads no authorities.
                verify=(server.verify or tls.trusted())
                if server.url.tls
                else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                # No limit: a connection whose TLS failed behind a proxy is never given back.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=1),
            )
        except ImportError:
            raise DeliveryError(
                "network", "a SOCKS proxy needs another package: pip install 'httpx[socks]'"
            ) from None

    def close(self) -> None:
        self._closed.set()
        self._client.close()

    @property
    def base(self) -> str:
        """The server's URL for messages: without user, password and query."""
        return self._server.url.shown

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request, tried until it is answered. Raises DeliveryError for any status but 2xx."""
        answer = self.answer(
            method, self._server.url.below(path) if path else self._server.url, body, headers
        )
        if 200 <= answer.status < 300:
            return answer
        raise self._refusal(answer)

    def answer(
        self, method: str, url: Url, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The same for any status that is not tried again; `url`: one of the server's."""
        target = httpx.URL(scheme=url.scheme, host=url.host, port=url.port, raw_path=url.target.encode())
        request = self._client.build_request(method, target, content=body, headers=headers)

        def attempt(seconds: float) -> Answer:
            request.extensions = {
                "timeout": httpx.Timeout(seconds).as_dict(),
                "trace": self._remember_socket,
            }
            with self._cut_off_after(seconds):
                return self._receive(request)

        retryable = self._server.retryable
        try:
            return with_retries(
                attempt,
                self.deadline,
                before=self.before,
                tries=self._server.tries,
                timeout_s=self._server.timeout_s,
                is_retryable=is_temporary if retryable is None else retryable.__contains__,
            )
        except DeliveryError as error:
            message = f"{self.base}: {error.message}"
            raise DeliveryError(error.kind, message, hint=error.hint, wait_s=error.wait_s) from error

    def _receive(self, request: httpx.Request) -> Answer:
        try:
            response = self._client.send(request, stream=True)
            try:
                received = bytearray()
                for chunk in response.iter_raw():
                    received += chunk
                    if len(received) > self._server.longest_answer:
                        raise Unreachable("its answer does not end")
            finally:
                response.close()
        # Servers make libraries fail in all these ways; httpx's own errors are of three families.
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            raise failure(error) from None
        headers = dict(response.headers.items())
        body = _decompressed(bytes(received), headers, self._server.longest_answer)
        return Answer(response.status_code, headers, body)

    def _remember_socket(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):  # a proxy's, too
            connection = info["return_value"].get_extra_info("socket")
            if connection is not None:
                self._sockets = {id(connection): connection}

    @contextmanager
    def _cut_off_after(self, seconds: float) -> Iterator[None]:
        """Shut the socket down when time is over: httpx limits each read, and a server may send slowly."""
        if self._watchdog is None:
            self._watchdog = threading.Thread(target=self._watch_clock, daemon=True)
            self._watchdog.start()
        self._until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._until = math.inf

    def _watch_clock(self) -> None:
        """One thread for all requests: a timer for each would cost more than the request."""
        while not self._closed.wait(_POLL_S):
            if time.monotonic() > self._until:
                for connection in self._sockets.values():
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    def _refusal(self, answer: Answer) -> DeliveryError:
        reason = self.quote(answer.problem.message) if answer.problem else ""
        message = f"{self.base} answered {answer.status}" + (f": {reason}" if reason else "")
        final = self._server.retryable is not None
        if answer.status in (401, 403):
            hint = self._server.hints.get(answer.status)
            return DeliveryError("refused", message, hint=hint, status=answer.status)
        if answer.status == 413:
            return TooLarge("refused" if final else "rejected", message)
        if final:
            return DeliveryError("refused", message, hint=_AGAIN, status=answer.status)
        if 300 <= answer.status < 400:
            message += ": a redirect, which is not followed"
        return DeliveryError("rejected", message)

    def quote(self, text: str) -> str:
        """A server's words as they may be shown and kept: short, on one line, without a secret."""
        from one_trace.outbound.redact import redact

        return clean(redact(self._secrets.hide(text)).strip(), _LONGEST_QUOTE)

    def is_identifier(self, text: str) -> bool:
        """Whether a name or an id of a server's looks like one, and is not a secret of ours."""
        return bool(_IDENTIFIER.match(text)) and self._secrets.hide(text) == text


def _decompressed(data: bytes, headers: Mapping[str, str], most: int) -> bytes:
    """An answer's body; empty if it cannot be decompressed, or is too large when it is."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return data
    if encoding not in _COMPRESSED:
        return b""
    try:
        return zlib.decompressobj(_COMPRESSED[encoding]).decompress(data, most)
    except zlib.error:
        return b""
