"""The sink OTLP: a run as OpenTelemetry spans, over HTTP, to any collector.

The spans are those of `trace export --format otlp`, here as protobuf, which every collector takes. The
standard ``OTEL_EXPORTER_OTLP_*`` variables apply unless a setting of ours overrides them.
"""

from __future__ import annotations

import gzip
import os
import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from one_trace import __version__
from one_trace.deliver import otlp_env, tls
from one_trace.deliver.answer import Answer
from one_trace.deliver.batches import send_all
from one_trace.deliver.http_client import HttpClient, Server
from one_trace.deliver.otlp_protobuf import encode, rejected
from one_trace.deliver.retry import DeliveryError
from one_trace.errors import CliError, SettingsError
from one_trace.guard.files import is_plain
from one_trace.outbound.otel import OtelSpan, otlp_spans
from one_trace.outbound.otel_json import request
from one_trace.outbound.payload import Payload

if TYPE_CHECKING:
    from one_trace.settings.sources import Settings

MOST_SPANS = 512
_MAX_TIMEOUT_S = 45.0
"""The most that the environment may set: a lease, renewed ahead of each request, lasts little longer."""
_RETRYABLE = frozenset((429, 502, 503, 504))
"""By the specification. Anything else that is refused, or accepted in part, MUST NOT be retried."""
_FILES = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
_HINTS = dict.fromkeys((401, 403), "The collector wants other headers: OTEL_EXPORTER_OTLP_HEADERS.")


def make(settings: Settings) -> Otlp:
    return Otlp(settings.otlp_endpoint, insecure=settings.otlp_insecure)


class Otlp:
    """`endpoint` is a base URL, or None for the one in the environment. Raises CliError without one."""

    def __init__(
        self, endpoint: str | None, env: Mapping[str, str] = os.environ, *, insecure: bool = False
    ) -> None:
        self._env = env
        self._insecure = insecure or self._variable("INSECURE").lower() == "true"
        self.url = otlp_env.endpoint(endpoint, env)
        protocol = self._variable("PROTOCOL").lower()
        self._json = protocol == "http/json"
        if protocol == "grpc" and not endpoint:
            raise SettingsError(
                "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and the sink otlp speaks HTTP",
                hint="one config set traces.otlp_endpoint URL (of the collector's HTTP port, often 4318)",
                fix="one config set traces.otlp_endpoint URL",
            )

    def server(self) -> Server:
        headers, _ = otlp_env.headers(self._variable("HEADERS"))
        self._refuse_plain_credentials(headers)
        return Server(
            url=self.url._replace(userinfo=None),
            headers={"user-agent": f"one-trace/{__version__}", **otlp_env.basic(self.url), **headers},
            secrets=otlp_env.secrets(self.url, headers),
            timeout_s=_timeout_s(self._variable("TIMEOUT")),
            hints=_HINTS,
            retryable=_RETRYABLE,
            verify=self._context() if self.url.tls else None,
        )

    def send(self, payload: Payload, client: HttpClient) -> None:
        run = payload.sanitized.run

        def post(spans: Sequence[OtelSpan]) -> None:
            if self._json:
                self._post(msgspec.json.encode(request(run, spans)), client)
            else:
                self._post(encode(run, spans), client)

        send_all(otlp_spans(payload.sanitized), post, most=MOST_SPANS, start=payload.accepted)

    def ping(self, client: HttpClient) -> None:
        """Send a request without spans, which collectors accept. Raises DeliveryError."""
        self._post(b"{}" if self._json else b"", client)

    def _post(self, body: bytes, client: HttpClient) -> None:
        headers = {"Content-Type": "application/json" if self._json else "application/x-protobuf"}
        if self._variable("COMPRESSION").lower() == "gzip":
            body = gzip.compress(body, compresslevel=6)
            headers["Content-Encoding"] = "gzip"
        _raise_if_partial(client.call("POST", "", body, headers), client)

    def _refuse_plain_credentials(self, headers: Mapping[str, bytes]) -> None:
        """Raises CliError where a credential would be sent over plain http."""
        url = self.url
        credentials = headers or url.userinfo is not None or url.query
        if url.tls or url.loopback or not credentials or self._insecure:
            return
        raise CliError(
            f"headers or credentials for {url.shown} would be sent over plain http",
            hint="Use an https endpoint; 'one config set traces.otlp_insecure true' sends them anyway.",
        )

    def _variable(self, name: str) -> str:
        return otlp_env.variable(name, self._env)[1]

    def _context(self) -> ssl.SSLContext | None:
        files = {name: self._variable(name) for name in _FILES if self._variable(name)}
        if not files:
            return None
        for name, path in files.items():
            if not is_plain(path):
                raise _unreadable(f"OTEL_EXPORTER_OTLP_{name} is not set to a file ({tls.shown(path)})")
        try:
            return tls.from_files(*(files.get(name, "") for name in _FILES))
        except OSError as error:
            raise _unreadable(f"a file of {', '.join(files)} cannot be used: {tls.reason(error)}") from None


def _unreadable(reason: str) -> DeliveryError:
    hint = "Fix the variable; then 'one trace sync --retry-failed'."
    return DeliveryError("refused", f"OTLP: {reason}", hint=hint)


def _timeout_s(text: str) -> float | None:
    """The time limit of one request; the variable is in milliseconds, by the specification."""
    ms = int(text) if text.isascii() and text.isdigit() else 0
    return min(ms / 1000, _MAX_TIMEOUT_S) if ms else None


class _PartialSuccess(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0
    """An int64: a string, by JSON's mapping of protobuf."""
    error_message: str = ""


class _Response(msgspec.Struct, rename="camel"):
    partial_success: _PartialSuccess | None = None


def _raise_if_partial(answer: Answer, client: HttpClient) -> None:
    """Raise DeliveryError if the collector rejected spans. Its answer may be JSON or protobuf, whichever the
    request was; any other body of a 200 is ignored.
    """
    is_json = answer.body.lstrip().startswith(b"{")
    count, reason = _rejected_json(answer) if is_json else rejected(answer.body)
    if count:
        reason = client.quote(reason)
        raise DeliveryError(
            "refused", f"{client.base} took all but {count} spans" + (f": {reason}" if reason else "")
        )


def _rejected_json(answer: Answer) -> tuple[int, str]:
    response = answer.json(_Response)
    partial = response.partial_success if response else None
    if partial is None:
        return 0, ""
    count = str(partial.rejected_spans)
    return int(count) if count.isascii() and count.isdecimal() else 0, partial.error_message
