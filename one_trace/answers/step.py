"""The output of one step: redacted, cut, and never stored."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from one_trace.answers.bounds import size

MOST = 2000
"""Characters of an output that are shown."""
_READ = 1 << 17
"""Bytes of an output that are redacted: far more than is shown."""
_ENCODED = 4000
"""Characters that the shown part may take as JSON, with its escapes."""


class StepOutput(Struct, rename="camel", kw_only=True):
    """The output of a step, or in `problem` why it is not known. `bytes` is its whole size; `text` may be
    only the beginning."""

    span_id: str
    bytes: int | None = None
    text: str | None = None
    cut: bool = False
    problem: str | None = None


def step_output(span_id: str, raw: bytes, whole: int, redact: Callable[[str], str]) -> StepOutput:
    """The output whose JSON is `raw`; `whole` is its size in bytes as compact JSON."""
    text = redact(_text(raw))
    most = MOST
    while most and size(text[:most]) > _ENCODED:
        most = most * 3 // 4
    cut = len(text) > most or len(raw) > _READ
    return StepOutput(span_id=span_id, bytes=whole, text=text[:most], cut=cut)


def _text(raw: bytes) -> str:
    """A string as it is, anything else as compact JSON."""
    if len(raw) > _READ:
        return raw[:_READ].decode("utf-8", "replace")
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw.decode("utf-8", "replace")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
