"""JavaScript's semantics where they show: order of keys, truthiness, conversion of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def entries(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Like Object.entries: integer keys first, in numeric order, then the others in insertion order."""
    indexes = [key for key in mapping if _is_index(key)]
    if not indexes:
        return list(mapping.items())
    rest = [key for key in mapping if not _is_index(key)]
    return [(key, mapping[key]) for key in (*sorted(indexes, key=int), *rest)]


def truthy(value: object) -> bool:
    """Unlike in Python, empty lists and objects are true, and NaN is false."""
    if isinstance(value, list | dict):
        return True
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def number(value: object) -> float:
    """Like Number(value), for JSON values."""
    if value is None:
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value.strip() or 0)
        except ValueError:
            return math.nan
    return math.nan


def text(value: float) -> str:
    """Like String(value), as far as timeouts and counts need it."""
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value == int(value) and abs(value) < 1e21 else repr(value)


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and (key == "0" or key[0] != "0") and int(key) < 2**32 - 1
