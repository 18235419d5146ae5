"""Figures and times in few characters, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping

from one_trace.model.times import to_local
from one_trace.model.trace import Exit, Location, Run, Usage

_CRASHES = frozenset(
    ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSTKFLT", "SIGSYS", "SIGTRAP", "SIGXCPU")
)


def duration(ms: float | None) -> str:
    """``0ms``, ``369ms``, ``1.24s``, ``12.3s``, ``2m03s``, ``1h02m``, ``3d04h``: at most 7 characters,
    three figures.
    """
    if ms is None:
        return "-"
    ms = max(ms, 0.0)
    if 0 < ms < 1:
        return "<1ms"
    if ms < 999.5:
        return f"{ms:.0f}ms"
    if ms < 9_995:
        return f"{ms / 1000:.2f}s"
    if ms < 59_950:
        return f"{ms / 1000:.1f}s"
    seconds = round(ms / 1000)
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    minutes = seconds // 60
    if minutes < 24 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{minutes // 1440}d{minutes % 1440 // 60:02d}h"


def age(ms: float) -> str:
    """``now``, ``5m ago``, ``3h ago``, ``12d ago``, ``2y ago``: the time since a moment."""
    minutes = int(ms // 60_000)
    for unit, length in (("y", 525_600), ("d", 1440), ("h", 60), ("m", 1)):
        if minutes >= length:
            return f"{minutes // length}{unit} ago"
    return "now"


def no_run(flow: str | None, since: str | None, tags: Mapping[str, str]) -> str | None:
    """That no run fits what was asked for; None if nothing was asked for."""
    if flow is None and since is None and not tags:
        return None
    when = f" since {since}" if since else ""
    tagged = f" with {' '.join(f'{key}={value}' for key, value in tags.items())}" if tags else ""
    return f"No run of {flow or 'any flow'}{when}{tagged}."


def size(count: int | None) -> str:
    """``39B``, ``1.5kB``, ``4.8MB``: bytes in powers of ten, at most 6 characters; empty for none."""
    if count is None:
        return ""
    if count < 1000:
        return f"{count}B"
    return _scaled(count, ("kB", "MB", "GB", "TB"))


def number(count: float) -> str:
    """``812``, ``3.1k``, ``12M``: a count in a few characters."""
    return f"{count:.0f}" if count < 1000 else _scaled(count, ("k", "M", "G", "T"))


def _scaled(count: float, units: tuple[str, ...]) -> str:
    value = float(count)
    for unit in units:
        value /= 1000
        if value < 9.95:
            return f"{value:.1f}{unit}"
        if value < 999.5:
            return f"{value:.0f}{unit}"
    return f"{value:.0f}{units[-1]}"


def money(usd: float) -> str:
    """``$12.40``, ``$0.0123``: at least two significant figures."""
    if usd == 0 or usd >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if usd >= 0.0001 else "<$0.0001"


def usage(spent: Usage, *, models: bool = True) -> str:
    """``$0.0123, 3.1k tokens in, 420 out (claude-sonnet-4)``."""
    parts = [] if spent.cost_usd is None else [money(spent.cost_usd)]
    taken = spent.input_tokens + spent.cache_read_tokens + spent.cache_write_tokens
    if taken or spent.output_tokens:
        parts.append(f"{number(taken)} tokens in, {number(spent.output_tokens)} out")
    text = ", ".join(parts)
    return f"{text} ({', '.join(spent.models)})" if models and spent.models else text


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


def counted(count: int, noun: str) -> str:
    """``1 step``, ``2,001 steps``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def place(at: Location) -> str:
    """``.one/flows/my-flow/flow.json:31``: as editors and terminals link it."""
    return at.file if at.line is None else f"{at.file}:{at.line}"
