"""The one reader of what servers answer: JSON of a known shape, or nothing."""

from __future__ import annotations

from typing import TypeVar

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What JSON of others raises: not JSON, not of this shape, not UTF-8, nested without end."""

T = TypeVar("T")


def decode(body: bytes, kind: type[T]) -> T | None:
    """The answer as a `kind`; None where it is none."""
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE:
        return None
