"""Rounds the figures of documents to the precision of their measurement, without binary noise."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct

# Decimal places.
MS = 3
USD = 9
RATIO = 6
_RATIOS = ("share", "rate", "change", "score", "use", "low", "high")

_Document = TypeVar("_Document", bound=Struct)


def rounded(document: _Document) -> _Document:
    """A copy of the document with all figures rounded."""
    copy: _Document = _round(document, "")
    return copy


def _round(value: Any, name: str) -> Any:  # noqa: ANN401  whatever a document holds
    if isinstance(value, float):
        return round(value, _digits(name)) + 0.0  # + 0.0: no minus zero
    if isinstance(value, Struct):
        fields = {key: _round(getattr(value, key), key) for key in value.__struct_fields__}
        return type(value)(**fields)
    if isinstance(value, dict):
        return {key: _round(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_round(inner, name) for inner in value]
    return value


def _digits(name: str) -> int:
    bare = name.lower()
    if "usd" in bare or "dollars" in bare:
        return USD
    return RATIO if bare.endswith(_RATIOS) else MS
