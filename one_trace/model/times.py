"""Times and ages: the one reader and writer of ISO 8601, and the one grammar of ages like `7d`.

The trace document and the host write UTC with milliseconds (``2026-11-22T15:27:16.789Z``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""
_MILLIS = {f".{ms:03}Z": ms for ms in range(1000)}
_AGE = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def to_ms(text: str | None) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 time (UTC if it names no zone); None if it is not one."""
    if not text:
        return None
    millis = _MILLIS.get(text[19:])
    if millis is None:
        return _parse(text)
    seconds = _parse(text[:19] + "Z")
    return None if seconds is None else seconds + millis


@lru_cache(maxsize=50_000)
def _parse(text: str) -> int | None:
    # Cached because a log repeats its seconds many times, and parsing a date dominates reading a line.
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS


def to_iso(ms: float) -> str:
    """The time in the trace document's form, rounded to ms. A time before 1970 or after 9999 becomes the
    nearest one that is not."""
    if not 0 <= ms <= _LAST_MS:
        ms = min(max(ms, 0), _LAST_MS) if ms == ms else 0
    seconds, rest = divmod(round(ms), 1000)
    return f"{_to_the_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    # Cached for the same reason: formatting a date costs more than the rest of an event.
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def to_local(text: str) -> datetime | None:
    """An ISO 8601 time in the local time zone (which it is in if it names none); None if it is not one."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def age_ms(text: str, units: str = "smhdw") -> int | None:
    """The length in ms of an age: a number and one of `units` (seconds, minutes, hours, days, weeks), like
    ``7d``. None if it is not one."""
    age = _AGE.fullmatch(text.strip().lower())
    return int(age[1]) * _UNIT_MS[age[2]] if age and age[2] in units else None


def past_ms(text: str, now_s: float) -> int | None:
    """Milliseconds since 1970 of a moment in the past: an age before now, or a local date or time. None if
    it is neither."""
    age = age_ms(text)
    if age is not None:
        return max(0, int(now_s * 1000) - age)
    moment = to_local(text)
    return None if moment is None else int(moment.timestamp() * 1000)
