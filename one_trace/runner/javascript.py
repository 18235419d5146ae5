"""Habits of JavaScript that show in the host's own texts: the order of keys, what is true, numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any


def entries(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """As Object.entries: keys that are indexes first and by number, the others as they came."""
    indexes = [key for key in mapping if _is_index(key)]
    if not indexes:
        return list(mapping.items())
    rest = [key for key in mapping if not _is_index(key)]
    return [(key, mapping[key]) for key in (*sorted(indexes, key=int), *rest)]


def unique(words: Iterable[str]) -> list[str]:
    """Each word once, in the order of its first appearance."""
    return list(dict.fromkeys(words))


def truthy(value: object) -> bool:
    """What JavaScript takes for true: empty lists and objects too."""
    if isinstance(value, list | dict):
        return True
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def number(value: object) -> float:
    """As Number(value), for what stands in JSON."""
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
    """A number as JavaScript writes it, as far as time-outs and counts need it."""
    return str(int(value)) if value == int(value) and abs(value) < 1e21 else repr(value)


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and (key == "0" or key[0] != "0") and int(key) < 2**32 - 1
