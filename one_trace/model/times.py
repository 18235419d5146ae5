"""Times as the trace document writes them (ISO 8601 UTC with milliseconds), and as ms since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(text: str | None) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 time (UTC where it names no zone); None if it is none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS


def to_iso(ms: float) -> str:
    """``2026-04-06T10:02:00.000Z`` of ms since 1970; out of range, the nearest time that can be written."""
    seconds, rest = divmod(int(ms), 1000)
    return f"{_to_the_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    # Spans of one run share seconds, and to write a date costs more than all else about an event.
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        moment = datetime.max if seconds > 0 else datetime.min
    return moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
