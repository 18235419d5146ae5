"""The line to one server: a request out, its answer back, or an `DeliveryError` that says why.

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
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any

import httpx
from msgspec import Struct

from one_trace.deliver import proxies, tls
from one_trace.deliver.answer import decode
from one_trace.deliver.failures import failure
from one_trace.deliver.retry import (
    Answer,
    Deadline,
    DeliveryError,
    TooLarge,
    Unreachable,
    is_passing,
    patiently,
)
from one_trace.guard.text import clean
from one_trace.guard.urls import Url
from one_trace.outbound.own_secrets import Secrets

_LONGEST_ANSWER = 1 << 20
_LONGEST_WORDS = 200
"""Characters of a server's message that are shown and kept."""
_LOOK_S = 0.05
"""How often the clock is looked at while a request is under way."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}\Z")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}\Z")
_AGAIN = "'one trace sync --retry-failed' sends it again."
_PACKED = {"gzip": 47, "x-gzip": 47, "deflate": 47}
"""zlib's name for what an answer may be packed with though nobody asked for it."""


class _Error(Struct):
    message: str = ""
    code: str | None = None


class _Refusal(Struct):
    error: _Error | None = None


class HttpClient:
    """Requests to `base`, each tried patiently until `deadline`; `before` is called ahead of each try.

    `secrets` are never in what an error says; `longest_s` is what one try may take. `retryable`: the only
    statuses that are tried again, where a protocol says so; any other refusal is then final. Raises
    DeliveryError where no request can be made: a header that is none, a proxy that cannot be used.
    """

    def __init__(
        self,
        base: Url,
        headers: Mapping[str, str | bytes],
        *,
        deadline: Deadline,
        before: Callable[[], None] = lambda: None,
        secrets: Collection[str] = (),
        longest_s: float | None = None,
        hints: Mapping[int, str] = MappingProxyType({}),
        verify: ssl.SSLContext | None = None,
        retryable: Collection[int] | None = None,
    ) -> None:
        self._url = base
        self.base = base.shown
        """As it is told of: without user, password and query, in which a key may be."""
        self.deadline = deadline
        self.before = before
        self._longest_s = longest_s
        self._hints = hints
        self._codes = retryable
        self._sockets: dict[int, socket.socket] = {}
        self._until = math.inf
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None
        proxy = proxies.proxy_of(base)
        self._secrets = Secrets([*secrets, *(proxy.secrets if proxy else ())])
        self._client = self._open(headers, proxy, verify)

    def _open(
        self, headers: Mapping[str, str | bytes], proxy: proxies.Proxy | None, verify: ssl.SSLContext | None
    ) -> httpx.Client:
        context = (verify or tls.trusted()) if self._url.tls else tls.nobody()
        try:
            return httpx.Client(
                # An answer that is packed may unpack to any size.
                headers=checked({"Accept-Encoding": "identity", **headers}),
                follow_redirects=False,
                trust_env=False,  # what it says of proxies and certificates has been read
                proxy=proxy.used if proxy else None,
                verify=context,
                # No limit of connections: one whose TLS failed behind a proxy is never given back.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=1),
            )
        except ImportError:
            raise DeliveryError("network", "a SOCKS proxy needs more: pip install 'httpx[socks]'") from None

    def close(self) -> None:
        self._closed.set()
        self._client.close()

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request, tried until it is answered; an answer other than 2xx is raised as what it means."""
        url = self._url.below(path) if path else self._url
        target = httpx.URL(scheme=url.scheme, host=url.host, port=url.port, raw_path=url.target.encode())
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        def attempt(seconds: float) -> Answer:
            with self._cut_after(seconds):
                return self._once(method, target, body, named, seconds)

        try:
            answer = patiently(
                attempt,
                self.deadline,
                before=self.before,
                longest_s=self._longest_s,
                retryable=is_passing if self._codes is None else self._codes.__contains__,
            )
        except DeliveryError as error:
            said = f"{self.base}: {error.message}"
            raise DeliveryError(error.kind, said, hint=error.hint, wait_s=error.wait_s) from error
        if 200 <= answer.status < 300:
            return answer
        raise self._meaning(answer)

    def _once(
        self, method: str, url: httpx.URL, body: bytes | None, headers: dict[str, str], seconds: float
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
                for chunk in response.iter_raw():
                    received += chunk
                    if len(received) > _LONGEST_ANSWER:
                        raise Unreachable("its answer does not end")
                told = dict(response.headers.items())
                return Answer(response.status_code, told, _unpacked(bytes(received), told))
        # What servers send trips libraries in all these ways; httpx's own errors are of three families.
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            raise failure(error) from None

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
        refusal = decode(answer.body, _Refusal)
        said = self.told(refusal.error.message) if refusal and refusal.error else ""
        what = f"{self.base} answered {answer.status}" + (f": {said}" if said else "")
        if answer.status in (401, 403):
            return DeliveryError("refused", what, hint=self._hints.get(answer.status), status=answer.status)
        if answer.status == 413:
            return TooLarge(what)
        if self._codes is not None:
            return DeliveryError("refused", what, hint=_AGAIN, status=answer.status)
        if 300 <= answer.status < 400:
            return DeliveryError("rejected", f"{what}: a redirect, which is not followed")
        return DeliveryError("rejected", what)

    def told(self, text: str) -> str:
        """A server's words as they may be shown and kept: short, in one line, and without a secret."""
        from one_trace.outbound.redact import redact

        return clean(redact(self._secrets.hide(text)).strip(), _LONGEST_WORDS)

    def is_word(self, text: str) -> bool:
        """Whether what a server gives as a name or an id is one, and none of our secrets."""
        return bool(_WORD.match(text)) and self._secrets.hide(text) == text


def checked(headers: Mapping[str, str | bytes]) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent, a later one in place of an earlier one of its name.

    Raises DeliveryError (``refused``), which names the header and never its value.
    """
    found: dict[str, tuple[bytes, bytes]] = {}
    for name, value in headers.items():
        if not _HEADER_NAME.match(name):
            raise DeliveryError(
                "refused", "a header cannot be sent: its name has characters that none may have"
            )
        data = (value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")).strip(b" \t")
        if _CONTROL.search(data):
            raise DeliveryError(
                "refused",
                f"the header {name} cannot be sent: its value has a line break or another control"
                " character in it",
            )
        found[name.lower()] = (name.encode(), data)
    return list(found.values())


def _unpacked(data: bytes, headers: Mapping[str, str]) -> bytes:
    """An answer's body; empty where it cannot be unpacked, or is too large when it is."""
    packed = headers.get("content-encoding", "identity").strip().lower()
    if packed in ("", "identity"):
        return data
    if packed not in _PACKED:
        return b""
    try:
        return zlib.decompressobj(_PACKED[packed]).decompress(data, _LONGEST_ANSWER)
    except zlib.error:
        return b""
