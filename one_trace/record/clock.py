"""Times as the host writes them: ISO 8601, UTC, milliseconds (``2026-11-22T15:27:16.789Z``)."""

from __future__ import annotations

from one_trace.times import to_iso, to_ms

_seconds: dict[str, int] = {}
_CACHE_LIMIT = 50_000
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""


def epoch_ms(text: str | None) -> int | None:
    """Milliseconds since the epoch; None for anything that is no such time.

    A log repeats its seconds many times over, so the part up to them is worked out once.
    """
    if text is None or len(text) != 24 or text[19] != "." or text[23] != "Z":
        return to_ms(text)
    head = text[:19]
    seconds = _seconds.get(head)
    if seconds is None:
        whole = to_ms(head + "Z")
        if whole is None:
            return None
        if len(_seconds) > _CACHE_LIMIT:
            _seconds.clear()
        seconds = _seconds[head] = whole // 1000
    tail = text[20:23]
    return seconds * 1000 + int(tail) if tail.isascii() and tail.isdigit() else None


def iso(ms: float) -> str:
    """The host's own form of a time given in epoch milliseconds; a damaged one is moved to the nearest that
    has a form."""
    return to_iso(round(min(max(ms, 0), _LAST_MS)) if ms == ms else 0)
