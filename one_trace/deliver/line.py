"""The line to one server: a request out, its answer back, or an `Undelivered` that says why.

The key goes to the configured origin and nowhere else: no redirect is followed, and a server on this
machine is spoken to without a proxy. A request ends when its time is over, however slowly the server drips.
"""

from __future__ import annotations

import math
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
from msgspec import Struct

from one_trace.deliver.retry import Answer, Deadline, TooLarge, Undelivered, Unreachable, patiently
from one_trace.privacy import one_line

_LONGEST_ANSWER = 1 << 20
_LOOK_S = 0.05
"""How often the clock is looked at while a request is under way."""
_LOOPBACK = re.compile(r"(localhost|127\.[0-9.]+|::1)\Z")
"""As `traces.endpoint` has it: whatever may be spoken to without TLS is spoken to without a proxy."""


class _Error(Struct):
    message: str = ""
    code: str | None = None


class _Refusal(Struct):
    error: _Error | None = None


@cache
def trusted() -> ssl.SSLContext:
    """The authorities that are trusted; 20 ms to load, so loaded once, and early where there is time."""
    return httpx.create_ssl_context()


class Line:
    """Requests to `base`, each tried patiently until `deadline`; `before` is called ahead of each try.

    `secrets` are never in what an error says; `longest_s` is what one try may take.
    """

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        *,
        deadline: Deadline,
        before: Callable[[], None] = lambda: None,
        secrets: Collection[str] = (),
        longest_s: float | None = None,
        hints: Mapping[int, str] = MappingProxyType({}),
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._url = base.rstrip("/")
        self.base = _shown(base)
        """As it is told of: without user, password and query, in which a key may be."""
        self.deadline = deadline
        self.before = before
        self._secrets = secrets
        self._longest_s = longest_s
        self._hints = hints
        host = urlsplit(base).hostname or ""
        self._sockets: dict[int, socket.socket] = {}
        self._until = math.inf
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None
        try:
            self._client = httpx.Client(
                # An answer that is packed may unpack to any size.
                headers={"Accept-Encoding": "identity", **headers},
                follow_redirects=False,
                trust_env=not _LOOPBACK.match(host),
                # No certificate is looked at on a plain line: to load the authorities' would only cost time.
                verify=(verify or trusted()) if base.startswith("https:") else False,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            # A proxy in the environment that httpx does not know, or a header that is none.
            raise Undelivered(
                "network", f"{self.base}: no line can be opened ({self.told(str(error))})"
            ) from error

    def close(self) -> None:
        self._closed.set()
        self._client.close()

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request, tried until it is answered; an answer other than 2xx is raised as what it means."""
        url = self._url + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        def attempt(seconds: float) -> Answer:
            with self._cut_after(seconds):
                return self._once(method, url, body, named, seconds)

        try:
            answer = patiently(attempt, self.deadline, before=self.before, longest_s=self._longest_s)
        except Undelivered as error:
            raise Undelivered(
                error.kind, f"{self.base}: {self.told(error.message)}", wait_s=error.wait_s
            ) from error
        if 200 <= answer.status < 300:
            return answer
        raise self._meaning(answer)

    def _once(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], seconds: float
    ) -> Answer:
        try:
            with self._client.stream(
                method,
                url,
                content=body,
                headers=headers,
                timeout=seconds,
                extensions={"trace": self._remember},
            ) as response:
                received = bytearray()
                for chunk in response.iter_bytes():
                    received += chunk
                    if len(received) > _LONGEST_ANSWER:
                        raise Unreachable("its answer does not end")
                return Answer(response.status_code, dict(response.headers.items()), bytes(received))
        except httpx.TimeoutException as error:
            raise Unreachable(f"no answer in time ({type(error).__name__})") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise Unreachable(f"not reached ({str(error) or type(error).__name__})") from error

    def _remember(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):  # a proxy's, too
            found = info["return_value"].get_extra_info("socket")
            if found is not None:
                self._sockets = {id(found): found}

    @contextmanager
    def _cut_after(self, seconds: float) -> Iterator[None]:
        """httpx limits each read, and a server may drip: when time is over, the socket is shut."""
        if self._watch is None:
            self._watch = threading.Thread(target=self._watch_time, daemon=True)
            self._watch.start()
        self._until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._until = math.inf

    def _watch_time(self) -> None:
        """One thread for all requests: a timer for each would cost more than the request."""
        while not self._closed.wait(_LOOK_S):
            if time.monotonic() > self._until:
                for found in self._sockets.values():
                    with suppress(OSError):
                        found.shutdown(socket.SHUT_RDWR)

    def _meaning(self, answer: Answer) -> Exception:
        said = self.told(_said(answer.body))
        what = f"{self.base} answered {answer.status}" + (f": {said}" if said else "")
        if answer.status in (401, 403):
            return Undelivered("refused", what, hint=self._hints.get(answer.status), status=answer.status)
        if answer.status == 413:
            return TooLarge(what)
        if 300 <= answer.status < 400:
            return Undelivered("rejected", f"{what}: a redirect, which is not followed")
        return Undelivered("rejected", what)

    def told(self, text: str) -> str:
        """A server's words as they may be shown: short, in one line, and without the key."""
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return one_line(text)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _said(body: bytes) -> str:
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return refusal.error.message if refusal.error else ""
