"""Whether two answers are the same: numbers to a millionth, everything else exactly, the order too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

CLOSE = 1e-6


def differences(ours: Any, theirs: Any, *, without: frozenset[str] = frozenset(), at: str = "") -> list[str]:
    """Where two answers differ. `without`: fields that need not be alike, in any struct."""
    return list(_differ(_plain(ours), _plain(theirs), without, at))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is msgspec.UNSET:
        return None
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return value


def _differ(ours: Any, theirs: Any, without: frozenset[str], at: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in (*ours, *(name for name in theirs if name not in ours)):
            if name not in without:
                yield from _differ(ours.get(name), theirs.get(name), without, f"{at}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{at}: {len(ours)} items, not {len(theirs)}"
        for place, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from _differ(mine, other, without, f"{at}[{place}]")
    elif not _same(ours, theirs):
        yield f"{at}: {ours!r}, not {theirs!r}"


def _same(ours: Any, theirs: Any) -> bool:
    if all(isinstance(each, int | float) and not isinstance(each, bool) for each in (ours, theirs)):
        return math.isclose(ours, theirs, rel_tol=CLOSE, abs_tol=CLOSE)
    return type(ours) is type(theirs) and ours == theirs
