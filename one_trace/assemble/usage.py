"""What LLM calls used, read from the envelopes that agents print: numbers and names, never text.

One small function an agent; `READERS` is the list of them. An envelope that is cut, foreign or hostile gives
None.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Raw

from one_trace.model import Usage
from one_trace.record.state import ABSENT, UNREADABLE, Result, present

_NAME_LIMIT = 100
_NUMBER_LIMIT = 10**15
_ENVELOPE_LIMIT = 4 * 1024 * 1024
"""An agent's last words and some numbers: what is longer is no envelope, and would be costly to decode."""


class _Response(msgspec.Struct):
    stdout: Raw = ABSENT


_responses = msgspec.json.Decoder(_Response)


def usage_of(result: Result) -> Usage | None:
    """What a bash step used, from its standard output, else from its output where that is the envelope
    itself."""
    if present(result.response):
        try:
            stdout = _responses.decode(result.response).stdout
        except UNREADABLE:
            stdout = ABSENT
        if _may_be_envelope(stdout):
            text = _decoded(bytes(stdout))
            found = (
                read_envelope(_decoded(text.strip().encode("utf-8", "replace")))
                if isinstance(text, str)
                else None
            )
            if found is not None:
                return found
    if _may_be_envelope(result.output):
        return read_envelope(_decoded(bytes(result.output)))
    return None


def read_envelope(envelope: object) -> Usage | None:
    """What an agent's envelope says it used; None where it is none that we know."""
    if isinstance(envelope, list):
        envelope = next(
            (e for e in reversed(envelope) if isinstance(e, dict) and e.get("type") == "result"), None
        )
    if not isinstance(envelope, dict):
        return None
    for reader in READERS:
        found = reader(envelope)
        if found is not None:
            return found
    return None


def add(parts: Iterable[Usage | None]) -> Usage | None:
    """The sum of what was used; None where nothing was."""
    total: Usage | None = None
    for part in parts:
        if part is None:
            continue
        if total is None:
            total = Usage(models=[], sessions=[])
        total.input_tokens += part.input_tokens
        total.output_tokens += part.output_tokens
        total.cache_read_tokens += part.cache_read_tokens
        total.cache_write_tokens += part.cache_write_tokens
        total.turns += part.turns
        if part.cost_usd is not None:
            total.cost_usd = round((total.cost_usd or 0.0) + part.cost_usd, 10)
        total.models += [name for name in part.models if name not in total.models]
        total.sessions += [name for name in part.sessions if name not in total.sessions]
    return total


def claude(envelope: dict[str, Any]) -> Usage | None:
    """``claude --print --output-format json``: ``{"type": "result", "usage": {}, "total_cost_usd": 0}``."""
    used = envelope.get("usage")
    if envelope.get("type") != "result" or not isinstance(used, dict):
        return None
    by_model = envelope.get("modelUsage")
    models = (
        [_name(name) for name in by_model] if isinstance(by_model, dict) else [_name(envelope.get("model"))]
    )
    return Usage(
        input_tokens=_count(used.get("input_tokens")),
        output_tokens=_count(used.get("output_tokens")),
        cache_read_tokens=_count(used.get("cache_read_input_tokens")),
        cache_write_tokens=_count(used.get("cache_creation_input_tokens")),
        cost_usd=_money(envelope.get("total_cost_usd")),
        turns=_count(envelope.get("num_turns")),
        models=[name for name in models if name][:20],
        sessions=[name for name in [_name(envelope.get("session_id"))] if name],
    )


READERS: list[Callable[[dict[str, Any]], Usage | None]] = [claude]


def _may_be_envelope(raw: Raw) -> bool:
    if memoryview(raw).nbytes >= _ENVELOPE_LIMIT:
        return False
    text = bytes(raw)
    return b"usage" in text and b"result" in text


def _decoded(raw: bytes) -> object:
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _NUMBER_LIMIT:
        return 0
    return int(value)


def _money(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _NUMBER_LIMIT:
        return None
    return float(value)


def _name(value: object) -> str | None:
    """A model's or a session's name: one short word, so that no text can pass for it."""
    if not isinstance(value, str) or not 0 < len(value) <= _NAME_LIMIT:
        return None
    return value if all(c.isascii() and (c.isalnum() or c in "-_.:/@[]") for c in value) else None
