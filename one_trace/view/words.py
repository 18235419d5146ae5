"""Figures and times in few characters, the same on every page."""

from __future__ import annotations

from one_trace.model.figures import counted, duration, money, number, place, size, usage
from one_trace.model.times import to_local

__all__ = [
    "age", "counted", "duration", "local", "local_day", "money", "number", "place", "size", "usage",
]  # fmt: skip


def age(ms: float) -> str:
    """``now``, ``5m ago``, ``3h ago``, ``12d ago``, ``2y ago``: the time since a moment."""
    minutes = int(ms // 60_000)
    for unit, length in (("y", 525_600), ("d", 1440), ("h", 60), ("m", 1)):
        if minutes >= length:
            return f"{minutes // length}{unit} ago"
    return "now"


def local(moment: str, *, seconds: bool = False) -> str:
    """``2026-04-06 12:02 +02:00``: a time of a document in the reader's time zone."""
    here = to_local(moment)
    if here is None:
        return moment[:40]
    offset = here.strftime("%z")
    zone = "UTC" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}"
    return f"{here:%Y-%m-%d %H:%M:%S} {zone}" if seconds else f"{here:%Y-%m-%d %H:%M} {zone}"


def local_day(moment: str) -> str:
    """``2026-04-06``: the day in the reader's time zone."""
    here = to_local(moment)
    return moment[:10] if here is None else f"{here:%Y-%m-%d}"
