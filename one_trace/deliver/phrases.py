"""Numbers and lists as text in an uploaded trace. What is sent must not change with the pages of `view`."""

from __future__ import annotations


def duration(ms: float | None) -> str:
    """``340ms``, ``4.2s``, ``2m 4s``, ``1h 2m``; ``?`` if it is not known."""
    if ms is None:
        return "?"
    if ms < 1000:
        return f"{ms:.0f}ms"
    if ms < 59_950:
        return f"{ms / 1000:.1f}s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    if minutes < 60:
        return f"{minutes}m {seconds}s"
    return f"{minutes // 60}h {minutes % 60}m"


def size(count: int) -> str:
    """``118 B``, ``2.4 kB``, ``5.0 MB``."""
    if count < 1000:
        return f"{count} B"
    kilos = count / 1000
    return f"{kilos:,.1f} kB" if kilos < 999.95 else f"{kilos / 1000:,.1f} MB"


def counted(count: int, noun: str) -> str:
    """``1 step``, ``2,001 steps``; nouns in -ch take -es."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith('ch') else 's'}"


def listed(items: list[str], most: int = 8) -> str:
    """``a, b and c``, or ``a, b and 12 more``."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most:,} more"
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


def dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.4f}"
