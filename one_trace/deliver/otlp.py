"""The sink OTLP: a run as OpenTelemetry spans, over HTTP, to any collector.

The spans are those of `trace export --format otlp`; here they are protobuf, which every collector takes. The
standard ``OTEL_EXPORTER_OTLP_*`` variables count where no setting of ours says otherwise.
"""

from __future__ import annotations

import gzip
import os
import ssl
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from one_trace import __version__
from one_trace.deliver import otlp_env, tls
from one_trace.deliver.answer import decode
from one_trace.deliver.http_client import HttpClient
from one_trace.deliver.retry import Answer, Deadline, DeliveryError, TooLarge
from one_trace.errors import CliError
from one_trace.guard.files import is_plain
from one_trace.outbound.otel import ExportRequest, KeyValue, OtlpSpan, otlp_spans, request
from one_trace.outbound.payload import Payload

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

MOST_SPANS = 512
_LONGEST_S = 45.0
"""Whatever the environment says: a lease is renewed ahead of each request, and lasts little longer."""
_RETRYABLE = frozenset((429, 502, 503, 504))
"""By the specification; what else is refused, or accepted in part, MUST NOT be sent again by itself."""
_FILES = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
_HINTS = dict.fromkeys((401, 403), "The collector wants other headers: OTEL_EXPORTER_OTLP_HEADERS.")


class Otlp:
    """`endpoint` is a base URL, or None for what the environment says. Raises CliError where neither says
    one.
    """

    name = "otlp"

    def __init__(self, endpoint: str | None, env: Mapping[str, str] = os.environ) -> None:
        self._env = env
        self.url = otlp_env.endpoint(endpoint, env)
        protocol = self._said("PROTOCOL")
        self._json = protocol == "http/json"
        if protocol == "grpc" and not endpoint:
            raise CliError(
                "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and the sink otlp speaks HTTP",
                hint="one config set traces.otlp_endpoint URL (of the collector's HTTP port, often 4318)",
            )
        if not self._json:
            _need_protobuf()

    def open(self, deadline: Deadline, before: Callable[[], None]) -> HttpClient:
        given = otlp_env.headers(self._said("HEADERS"))
        self._keep_secret(given)
        return HttpClient(
            self.url._replace(userinfo=None),
            {"User-Agent": f"one-trace/{__version__}", **otlp_env.basic(self.url), **given},
            deadline=deadline,
            before=before,
            secrets=otlp_env.secrets(self.url, given),
            longest_s=_timeout(self._said("TIMEOUT")),
            hints=_HINTS,
            retryable=_RETRYABLE,
            verify=self._context() if self.url.tls else None,
        )

    def _keep_secret(self, given: Mapping[str, bytes]) -> None:
        """Raises CliError where a credential would go over the network in the clear."""
        url = self.url
        credentials = given or url.userinfo is not None or url.query
        if url.tls or url.loopback or not credentials or self._said("INSECURE").lower() == "true":
            return
        raise CliError(
            f"headers or credentials for {url.shown} would be sent over plain http, for everybody to read",
            hint="Give an https endpoint; OTEL_EXPORTER_OTLP_INSECURE=true sends them all the same.",
        )

    def send(self, payload: Payload, client: HttpClient) -> None:
        sanitized = payload.sanitized
        spans = otlp_spans(sanitized)
        todo = [spans[start : start + MOST_SPANS] for start in range(0, len(spans), MOST_SPANS)][::-1]
        while todo:
            part = todo.pop()
            try:
                self._post(request(sanitized.run, part), client)
            except TooLarge as error:
                if len(part) == 1:
                    raise DeliveryError("refused", str(error)) from error
                half = len(part) // 2
                todo += [part[half:], part[:half]]

    def _post(self, batch: ExportRequest, client: HttpClient) -> None:
        body = msgspec.json.encode(batch) if self._json else _protobuf(batch)
        headers = {"Content_Type": "application/json" if self._json else "application/x-protobuf"}
        if self._said("COMPRESSION") == "gzip":
            body = gzip.compress(body, compresslevel=6)
            headers["Content_Encoding"] = "gzip"
        answer = client.call("POST", "", body, **headers)
        _raise_partial(answer, client)

    def _said(self, name: str) -> str:
        """A standard variable: the one for traces, else the one for every signal."""
        found = self._env.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or self._env.get(
            f"OTEL_EXPORTER_OTLP_{name}"
        )
        return (found or "").strip()

    def _context(self) -> ssl.SSLContext | None:
        given = {name: self._said(name) for name in _FILES if self._said(name)}
        if not given:
            return None
        for name, path in given.items():
            if not is_plain(path):
                raise _unreadable(f"OTEL_EXPORTER_OTLP_{name} names no file ({tls.shown(path)})")
        try:
            return tls.given(*(given.get(name, "") for name in _FILES))
        except OSError as error:
            raise _unreadable(f"a file of {', '.join(given)} cannot be used: {tls.why(error)}") from None


def _unreadable(what: str) -> DeliveryError:
    return DeliveryError(
        "refused", f"OTLP: {what}", hint="Fix the variable; then 'one trace sync --retry-failed'."
    )


def _timeout(text: str) -> float | None:
    """Seconds one request may take; the variable is in milliseconds, by the specification."""
    ms = int(text) if text.isascii() and text.isdigit() else 0
    return min(ms / 1000, _LONGEST_S) if ms else None


def _need_protobuf() -> None:
    try:
        import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    except ImportError as error:
        raise CliError(
            "the sink otlp needs packages that are not installed", hint="pip install 'one-trace[otlp]'"
        ) from error


def _protobuf(batch: ExportRequest) -> bytes:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    message = ExportTraceServiceRequest()
    for of_resource in batch.resource_spans:
        to = message.resource_spans.add(schema_url=of_resource.schema_url)
        _attributes(to.resource.attributes, of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            scope = to.scope_spans.add(schema_url=of_scope.schema_url)
            scope.scope.name, scope.scope.version = of_scope.scope.name, of_scope.scope.version
            for span in of_scope.spans:
                _span(scope.spans.add(), span)
    return bytes(message.SerializeToString())


def _span(to: Span, span: OtlpSpan) -> None:
    to.trace_id = bytes.fromhex(span.trace_id)
    to.span_id = bytes.fromhex(span.span_id)
    if span.parent_span_id:
        to.parent_span_id = bytes.fromhex(span.parent_span_id)
    to.name = span.name
    to.kind = span.kind  # type: ignore[assignment]  # an enum's number is as good as its name
    to.start_time_unix_nano = int(span.start_time_unix_nano)
    to.end_time_unix_nano = int(span.end_time_unix_nano)
    _attributes(to.attributes, span.attributes)
    for event in span.events or ():
        told = to.events.add(time_unix_nano=int(event.time_unix_nano), name=event.name)
        _attributes(told.attributes, event.attributes)
    for link in span.links or ():
        named = to.links.add(trace_id=bytes.fromhex(link.trace_id), span_id=bytes.fromhex(link.span_id))
        named.flags = link.flags
        _attributes(named.attributes, link.attributes)
    if span.status:
        to.status.code = span.status.code  # type: ignore[assignment]
        to.status.message = span.status.message or ""


def _attributes(to: Any, attributes: list[KeyValue]) -> None:  # noqa: ANN401  protobuf's repeated field
    for attribute in attributes:
        _value(to.add(key=attribute.key).value, attribute.value)


def _value(to: AnyValue, value: dict[str, Any]) -> None:
    ((kind, content),) = value.items()
    if kind == "stringValue":
        to.string_value = content
    elif kind == "intValue":
        to.int_value = int(content)
    elif kind == "doubleValue":
        to.double_value = content
    elif kind == "boolValue":
        to.bool_value = content
    else:
        for item in content["values"]:
            _value(to.array_value.values.add(), item)


class _PartialSuccess(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0
    """An int64: a string, by JSON's mapping of protobuf."""
    error_message: str = ""


class _Response(msgspec.Struct, rename="camel"):
    partial_success: _PartialSuccess | None = None


def _raise_partial(answer: Answer, client: HttpClient) -> None:
    """Raise DeliveryError where the collector has left out spans. It answers in JSON or protobuf, whatever it
    was asked in; any other body of a 200 says nothing.
    """
    rejected, reason = _partial_json(answer.body) or _partial_protobuf(answer.body)
    if rejected:
        reason = client.told(reason)
        raise DeliveryError(
            "refused", f"{client.base} took all but {rejected} spans" + (f": {reason}" if reason else "")
        )


def _partial_json(body: bytes) -> tuple[int, str] | None:
    if not body.lstrip().startswith(b"{"):
        return None
    found = decode(body, _Response)
    partial = found.partial_success if found else None
    if partial is None:
        return 0, ""
    rejected = str(partial.rejected_spans)
    return int(rejected) if rejected.isascii() and rejected.isdecimal() else 0, partial.error_message


def _partial_protobuf(body: bytes) -> tuple[int, str]:
    try:
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
    except ImportError:
        return 0, ""
    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return 0, ""
    return partial.rejected_spans, partial.error_message
