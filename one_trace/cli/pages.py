"""How a help page ends."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """The epilog of a command's help: lines that can be typed as they stand."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
