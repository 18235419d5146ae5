"""Figures in few characters, the same on every page and in every text that is shared."""

from __future__ import annotations

from one_trace.model.trace import Location, Usage


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


def counted(count: int, noun: str) -> str:
    """``1 step``, ``2,001 steps``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def place(at: Location) -> str:
    """``.one/flows/my-flow/flow.json:31``: as editors and terminals link it."""
    return at.file if at.line is None else f"{at.file}:{at.line}"
