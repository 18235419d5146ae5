"""OpenTelemetry spans as protobuf, for the sink otlp: written as bytes.

Making messages with the protobuf library first takes nearly twice as long: most attributes of a run's spans
are alike, and each of them is encoded once here. The numbers of fields are those of opentelemetry-proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from struct import Struct as Packed

from one_trace.guard.varint import read_varint
from one_trace.outbound.otel import SCHEMA_URL, SCOPE, STATUS_ERROR, OtelLink, OtelSpan, present
from one_trace.outbound.otel_attributes import Value, of_resource
from one_trace.outbound.otel_json import LARGEST
from one_trace.outbound.sanitize import SanitizedRun

_FIXED64, _FIXED32, _DOUBLE = Packed("<Q").pack, Packed("<I").pack, Packed("<d").pack
_VARINT_TYPE, _FIXED64_TYPE, _BYTES_TYPE = 0, 1, 2
_SIGNED = 1 << 64


def encode(run: SanitizedRun, spans: Iterable[OtelSpan]) -> bytes:
    """Some or all spans of a run, as `outbound.otel_json.request` has them in JSON."""
    make = _Encoder()
    resource = make.attributes(_RESOURCE_ATTRIBUTES, present(of_resource(run)))
    scope = _text(_SCOPE_NAME, SCOPE["name"]) + _text(_SCOPE_VERSION, SCOPE["version"])
    scope_spans = b"".join(
        [
            _field(_SCOPE_SPANS_SCOPE, scope),
            *(_field(_SCOPE_SPANS_SPANS, make.span(span)) for span in spans),
            _text(_SCOPE_SPANS_SCHEMA, SCHEMA_URL),
        ]
    )
    resource_spans = (
        _field(_RESOURCE_SPANS_RESOURCE, resource)
        + _field(_RESOURCE_SPANS_SCOPE_SPANS, scope_spans)
        + _text(_RESOURCE_SPANS_SCHEMA, SCHEMA_URL)
    )
    return _field(_REQUEST_RESOURCE_SPANS, resource_spans)


def rejected(body: bytes) -> tuple[int, str]:
    """The number of rejected spans in an answer, and the reason; 0 if it is not a response."""
    count, reason = 0, b""
    try:
        for partial in _fields(body).get(1, ()):
            fields = _fields(partial if isinstance(partial, bytes) else b"")
            count = next((value for value in fields.get(1, ()) if isinstance(value, int)), 0)
            reason = next((value for value in fields.get(2, ()) if isinstance(value, bytes)), b"")
    except (IndexError, ValueError):
        return 0, ""
    return count - _SIGNED if count >= _SIGNED // 2 else count, reason.decode("utf-8", "replace")


class _Encoder:
    """Messages of one request."""

    def __init__(self) -> None:
        self._texts: dict[str, dict[Value, bytes]] = {}
        """Attributes by key and value."""
        self._numbers: dict[str, dict[Value, bytes]] = {}
        """The same for integers: 1 equals 1.0 and True."""
        self._trace_ids: dict[str, bytes] = {}

    def span(self, span: OtelSpan) -> bytes:
        trace_id = self._trace_ids.get(span.trace_id)
        if trace_id is None:
            trace_id = self._trace_ids[span.trace_id] = _id(_SPAN_TRACE_ID, span.trace_id)
        parts = [trace_id, _id(_SPAN_ID, span.span_id)]
        if span.parent_span_id is not None:
            parts.append(_id(_SPAN_PARENT, span.parent_span_id))
        parts += (
            _text(_SPAN_NAME, span.name),
            _SPAN_KIND + _varint(span.kind),
            _SPAN_START + _FIXED64(span.start_ns),
            _SPAN_END + _FIXED64(span.end_ns),
            self.attributes(_SPAN_ATTRIBUTES, span.attributes),
        )
        if span.error is not None:
            parts.append(_field(_SPAN_EVENTS, self._exception(span, span.error)))
        for link in span.links:
            parts.append(_field(_SPAN_LINKS, self._link(link)))
        if span.failed:
            parts.append(_field(_SPAN_STATUS, _status(span)))
        return b"".join(parts)

    def _exception(self, span: OtelSpan, message: str) -> bytes:
        attributes: dict[str, Value] = {"exception.type": span.error_type, "exception.message": message}
        name = _text(_EVENT_NAME, "exception")
        return _EVENT_TIME + _FIXED64(span.end_ns) + name + self.attributes(_EVENT_ATTRIBUTES, attributes)

    def _link(self, link: OtelLink) -> bytes:
        ids = _id(_LINK_TRACE_ID, link.trace_id) + _id(_LINK_SPAN_ID, link.span_id)
        attributes = self.attributes(_LINK_ATTRIBUTES, link.attributes)
        return ids + attributes + _LINK_FLAGS + _FIXED32(link.flags)

    def attributes(self, tag: bytes, attributes: Mapping[str, Value]) -> bytes:
        texts, numbers = self._texts, self._numbers
        entries = [b""]
        for key, value in attributes.items():
            kind = type(value)
            if kind is not str and kind is not int:
                entries.append(_attribute(key, value))
                continue
            by_key = texts if kind is str else numbers
            known = by_key.get(key)
            if known is None:
                known = by_key[key] = {}
            entry = known.get(value)
            if entry is None:
                entry = known[value] = _attribute(key, value)
            entries.append(entry)
        return tag.join(entries)


def _status(span: OtelSpan) -> bytes:
    message = b"" if span.error is None else _text(_STATUS_MESSAGE, span.error)
    return message + _STATUS_CODE + _varint(STATUS_ERROR)


def _attribute(key: str, value: Value) -> bytes:
    """The length of a KeyValue, and that."""
    content = _any_value(value)
    entry = b"".join((_key(key), _varint(len(content)), content))
    return _varint(len(entry)) + entry


@lru_cache(256)
def _key(key: str) -> bytes:
    """A key, and the tag of its value."""
    return _text(_KEY, key) + _VALUE


def _any_value(value: Value) -> bytes:
    if isinstance(value, str):
        return _text(_STRING_VALUE, value)
    if isinstance(value, bool):
        return _BOOL_VALUE + _varint(value)
    if isinstance(value, float):
        return _DOUBLE_VALUE + _DOUBLE(value)
    if -LARGEST <= value <= LARGEST:
        return _INT_VALUE + _varint(value % _SIGNED)
    return _text(_STRING_VALUE, str(value))


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    if number < 0x80:
        return _ONE_BYTE[number]
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


_ONE_BYTE = [bytes((number,)) for number in range(0x80)]


def _field(tag: bytes, body: bytes) -> bytes:
    size = len(body)
    return tag + (_ONE_BYTE[size] if size < 0x80 else _varint(size)) + body


def _text(tag: bytes, text: str) -> bytes:
    return _field(tag, text.encode("utf-8", "replace"))


def _id(tag: bytes, digits: str) -> bytes:
    return _field(tag, bytes.fromhex(digits))


def _tag(number: int, kind: int = _BYTES_TYPE) -> bytes:
    return _varint(number << 3 | kind)


_REQUEST_RESOURCE_SPANS = _tag(1)
_RESOURCE_SPANS_RESOURCE, _RESOURCE_SPANS_SCOPE_SPANS, _RESOURCE_SPANS_SCHEMA = _tag(1), _tag(2), _tag(3)
_RESOURCE_ATTRIBUTES = _tag(1)
_SCOPE_SPANS_SCOPE, _SCOPE_SPANS_SPANS, _SCOPE_SPANS_SCHEMA = _tag(1), _tag(2), _tag(3)
_SCOPE_NAME, _SCOPE_VERSION = _tag(1), _tag(2)
_SPAN_TRACE_ID, _SPAN_ID, _SPAN_PARENT, _SPAN_NAME = _tag(1), _tag(2), _tag(4), _tag(5)
_SPAN_KIND, _SPAN_START, _SPAN_END = _tag(6, _VARINT_TYPE), _tag(7, _FIXED64_TYPE), _tag(8, _FIXED64_TYPE)
_SPAN_ATTRIBUTES, _SPAN_EVENTS, _SPAN_LINKS, _SPAN_STATUS = _tag(9), _tag(11), _tag(13), _tag(15)
_EVENT_TIME, _EVENT_NAME, _EVENT_ATTRIBUTES = _tag(1, _FIXED64_TYPE), _tag(2), _tag(3)
_LINK_TRACE_ID, _LINK_SPAN_ID, _LINK_ATTRIBUTES, _LINK_FLAGS = _tag(1), _tag(2), _tag(4), _tag(6, 5)
_STATUS_MESSAGE, _STATUS_CODE = _tag(2), _tag(3, _VARINT_TYPE)
_KEY, _VALUE = _tag(1), _tag(2)
_STRING_VALUE, _BOOL_VALUE = _tag(1), _tag(2, _VARINT_TYPE)
_INT_VALUE, _DOUBLE_VALUE = _tag(3, _VARINT_TYPE), _tag(4, _FIXED64_TYPE)


def _fields(body: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a message by number. Raises IndexError or ValueError where it is none."""
    found: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(body):
        tag, at = read_varint(body, at)
        kind, value = tag & 7, 0
        if kind == _VARINT_TYPE:
            value, at = read_varint(body, at)
            found.setdefault(tag >> 3, []).append(value)
            continue
        size = {_FIXED64_TYPE: 8, 5: 4}.get(kind)
        if kind == _BYTES_TYPE:
            size, at = read_varint(body, at)
        if size is None or size > len(body) - at:
            raise ValueError("not a message")
        found.setdefault(tag >> 3, []).append(body[at : at + size])
        at += size
    return found
