"""What LLM calls used, read from the outputs of the steps that made them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from one_trace.assemble.sizes.envelopes import READERS, add
from one_trace.model.trace import ModelUsage, PartedUsage, Span, Usage
from one_trace.record.state import Result
from one_trace.record.tolerant import ABSENT, UNREADABLE, present

__all__ = ["add", "drop_copies", "read_envelope", "take_parts", "usage_in_text", "usage_of"]

_ENVELOPE_LIMIT = 4 * 1024 * 1024
"""An agent's last words and some numbers: what is longer is no envelope, and would be costly to decode."""
_OTHER_LIMIT = 1024 * 1024
_VALUES = 20_000
"""So many lines or values of a stream are looked at."""
_PRINTS = frozenset({"bash", ""})
_CALLS = frozenset({"code", "action"})
_USAGE, _TOKENS = b"usage", b"tokens"


class _Response(msgspec.Struct):
    stdout: Raw = ABSENT


_responses = msgspec.json.Decoder(_Response)
_decoder = json.JSONDecoder()


def usage_of(result: Result, kind: str = "bash") -> Usage | None:
    """What a step used: a bash step by its standard output, else by its output where that is the envelope
    itself; a code or action step by what it answered."""
    if kind in _PRINTS:
        return _printed(result)
    if kind in _CALLS and _may_tell(result.output, _OTHER_LIMIT):
        return read_envelope(_decoded(bytes(result.output)))
    return None


def _printed(result: Result) -> Usage | None:
    if present(result.response):
        try:
            stdout = _responses.decode(result.response).stdout
        except UNREADABLE:
            stdout = ABSENT
        if _may_tell(stdout, _ENVELOPE_LIMIT):
            text = _decoded(bytes(stdout))
            found = usage_in_text(text) if isinstance(text, str) else None
            if found is not None:
                return found
    if _may_tell(result.output, _ENVELOPE_LIMIT):
        value = _decoded(bytes(result.output))
        return usage_in_text(value) if isinstance(value, str) else read_envelope(value)
    return None


def usage_in_text(text: str) -> Usage | None:
    """What the JSON in a text tells: one value, a line each, or some with other words before and between."""
    whole = _decoded(text.encode("utf-8", "replace"))
    return read_envelope(whole if isinstance(whole, dict | list) else _values(text))


def _values(text: str) -> list[Any]:
    """The objects and lists of JSON that begin at the beginning of a line."""
    found: list[Any] = []
    place, tries = 0, 0
    while place < len(text) and tries < _VALUES:
        start = place + len(text[place : place + 200]) - len(text[place : place + 200].lstrip())
        if text[start : start + 1] in ("{", "["):
            tries += 1
            try:
                value, place = _decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                pass
            else:
                found.append(value)
                continue
        end = text.find("\n", start)
        place = len(text) if end < 0 else end + 1
    return found


def read_envelope(envelope: object) -> Usage | None:
    """What an agent's envelope, or a list of what it printed, says it used; None where it is none that we
    know."""
    values = envelope if isinstance(envelope, list) else [envelope]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    known = [one for one in flat if isinstance(one, dict)][:_VALUES]
    if not known:
        return None
    for reader in READERS:
        found = reader(known)
        if found is not None:
            return found
    return None


def drop_copies(spans: Sequence[Span]) -> None:
    """What a code step hands on of a call that an earlier step made was used once."""
    made = [span.usage for span in spans if span.usage is not None and span.type not in _CALLS]
    for span in spans:
        if span.type in _CALLS and span.usage is not None and span.usage in made:
            span.usage = None


def take_parts(spans: Sequence[Span]) -> dict[str, dict[str, ModelUsage]]:
    """What each model used, by span id; the spans keep the sums, as the document has them."""
    found = {}
    for span in spans:
        if isinstance(span.usage, PartedUsage):
            found[span.span_id] = span.usage.per_model
            span.usage = span.usage.plain()
    return found


def _may_tell(raw: Raw, limit: int) -> bool:
    if memoryview(raw).nbytes >= limit:
        return False
    text = bytes(raw)
    return _USAGE in text or _TOKENS in text


def _decoded(raw: bytes) -> object:
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value
