"""Figures and times in few characters, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import UnsetType

from one_trace.guard.text import clean
from one_trace.model.figures import counted, duration, money, number, place, size, usage
from one_trace.model.times import to_local
from one_trace.model.trace import Exit, Run

__all__ = [
    "age", "counted", "duration", "ending", "exit_status", "local", "local_day", "money", "no_run", "number",
    "place", "size", "usage",
]  # fmt: skip
_CRASHES = frozenset(
    ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSTKFLT", "SIGSYS", "SIGTRAP", "SIGXCPU")
)


def age(ms: float) -> str:
    """``now``, ``5m ago``, ``3h ago``, ``12d ago``, ``2y ago``: the time since a moment."""
    minutes = int(ms // 60_000)
    for unit, length in (("y", 525_600), ("d", 1440), ("h", 60), ("m", 1)):
        if minutes >= length:
            return f"{minutes // length}{unit} ago"
    return "now"


_SOME = 3


def some(names: Sequence[str]) -> str:
    """``a, b, c and 2 more``."""
    more = f" and {len(names) - _SOME:,} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more


def no_run(flow: str | None, since: str | None, tags: Mapping[str, str]) -> str | None:
    """That no run fits what was asked for; None if nothing was asked for."""
    if flow is None and since is None and not tags:
        return None
    when = f" since {since}" if since else ""
    tagged = f" with {' '.join(f'{key}={value}' for key, value in tags.items())}" if tags else ""
    return f"No run of {flow or 'any flow'}{when}{tagged}."


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


def ending(run: Run) -> str:
    """``interrupted by SIGINT after 3.2s``, ``crashed with exit code 3 after 1.1s``: how the process of a run
    ended that did not finish, or in another way than a run with this status does; else empty."""
    exit = run.exit or None
    if exit is None:
        return ""
    if run.status == "incomplete":
        after = "" if exit.duration_ms is None else f" after {duration(exit.duration_ms)}"
        return f"{_unfinished(exit)}{after}"
    if exit.signal is not None:
        return f"{'ended' if exit.code is None else 'told to end'} by {exit.signal}"
    return "" if exit.code == (1 if run.status == "error" else 0) else f"exit code {exit.code}"


def _unfinished(exit: Exit) -> str:
    if exit.signal is None:
        return f"crashed with exit code {exit.code}" if exit.code else "ended with exit code 0"
    if exit.signal in _CRASHES:
        return f"crashed with {exit.signal}"
    return f"{'killed' if exit.signal == 'SIGKILL' else 'interrupted'} by {exit.signal}"


def exit_status(exit: Exit) -> str:
    """``SIGINT``, ``code 3``: the same in a table."""
    return exit.signal or f"code {exit.code}"


def partial(reasons: Sequence[str] | UnsetType) -> str:
    """``partial: 3 of 120 spans have not arrived``; empty if nothing is missing."""
    return f"partial: {clean('; '.join(reasons))}" if reasons else ""
