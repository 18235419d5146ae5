"""Reading values of attributes that an exporter has written as text. Each raises ValueError for nonsense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

_T = TypeVar("_T")
Texts = Mapping[str, str]


def ms(ns: int) -> float:
    """As the store has numbers: whole ones are integers."""
    whole, rest = divmod(ns, 1_000_000)
    return ns / 1_000_000 if rest else whole


def needed(attributes: Texts, key: str) -> str:
    text = attributes.get(key)
    if text is None:
        raise ValueError(f"a span without {key}")
    return text


def number(attributes: Texts, key: str) -> float | None:
    text = attributes.get(key)
    if text is None:
        return None
    found = float(text)
    return int(found) if found.is_integer() and abs(found) < 2**63 else found


def integer(attributes: Texts, key: str) -> int | None:
    text = attributes.get(key)
    return None if text is None else int(text)


def split(attributes: Texts, key: str, by: str) -> list[str]:
    text = attributes.get(key)
    return text.split(by) if text else []


def known_or(found: _T | None, instead: _T) -> _T:
    return instead if found is None else found


def word(text: str, words: tuple[Any, ...]) -> Any:  # noqa: ANN401  one of the literals
    if text not in words:
        raise ValueError(f"{text!r} is none of {', '.join(words)}")
    return text
