"""How a history elsewhere is, for `doctor`."""

from __future__ import annotations

from msgspec import Struct


class Health(Struct, kw_only=True):
    """`missing`: tables, and columns as ``table.column``. `arrived`: whether the run in question is there;
    None if there was none."""

    missing: list[str] = []
    runs: int = 0
    newest_at: str | None = None
    """Start of the newest run."""
    arrived: bool | None = None
