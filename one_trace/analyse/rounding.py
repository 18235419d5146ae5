"""Figures as documents show them: rounded to what was measured, without the noise of binary fractions."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct

MS = 3
"""Digits behind the point: times to a microsecond, and sizes,"""
USD = 9
"""money to a billionth,"""
PARTS = 6
"""and shares, rates and changes to a millionth."""
_PARTS = ("share", "rate", "change", "score", "use", "low", "high")

_Document = TypeVar("_Document", bound=Struct)


def rounded(document: _Document) -> _Document:
    """The document with all its figures rounded."""
    built: _Document = _tidy(document, "")
    return built


def _tidy(value: Any, name: str) -> Any:  # noqa: ANN401  whatever a document holds
    if isinstance(value, float):
        return round(value, _digits(name)) + 0.0  # + 0.0: no minus zero
    if isinstance(value, Struct):
        fields = {key: _tidy(getattr(value, key), key) for key in value.__struct_fields__}
        return type(value)(**fields)
    if isinstance(value, dict):
        return {key: _tidy(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tidy(inner, name) for inner in value]
    return value


def _digits(name: str) -> int:
    bare = name.lower()
    if "usd" in bare or "dollars" in bare:
        return USD
    return PARTS if bare.endswith(_PARTS) else MS
