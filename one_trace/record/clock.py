"""Times as the host writes them: ISO 8601, UTC, milliseconds (``2026-11-22T15:27:16.789Z``)."""

from __future__ import annotations

from one_trace.model.times import to_iso, to_ms

_seconds: dict[str, int] = {}
"""Of a time up to its point: what it is in ms."""
_MILLIS = {f"{ms:03}Z": ms for ms in range(1000)}
"""What stands behind the point."""
_CACHE_LIMIT = 50_000
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""


def epoch_ms(text: str | None) -> int | None:
    """Milliseconds since the epoch; None for anything that is no such time.

    A log repeats its seconds many times over, so the part up to them is worked out once.
    """
    if text is None:
        return None
    seconds, ms = _seconds.get(text[:20]), _MILLIS.get(text[20:])
    return seconds + ms if seconds is not None and ms is not None else _worked_out(text)


def _worked_out(text: str) -> int | None:
    if len(text) != 24 or text[19] != "." or text[23] != "Z":
        return to_ms(text)
    ms, whole = _MILLIS.get(text[20:]), to_ms(text[:19] + "Z")
    if ms is None or whole is None:
        return None
    if len(_seconds) > _CACHE_LIMIT:
        _seconds.clear()
    seconds = _seconds[text[:20]] = whole // 1000 * 1000
    return seconds + ms


def iso(ms: float) -> str:
    """The host's own form of a time given in epoch milliseconds; a damaged one is moved to the nearest that
    has a form."""
    return to_iso(round(min(max(ms, 0), _LAST_MS)) if ms == ms else 0)
