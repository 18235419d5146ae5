"""The secrets in a run's own environment: the values of variables that are named as secrets, whatever they
look like.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import unquote

from one_trace.outbound.redact.encodings import Range
from one_trace.outbound.redact.secret_names import is_secret_variable

SHORTEST = 8
"""Shorter values are words like ``true`` and ``root``, which are in every text."""
_ELLIPSES = ("…", "...")


class Values:
    """Secret values, found in a text, the longest first."""

    def __init__(self, values: Iterable[str]) -> None:
        self._values = sorted(set(values), key=lambda value: (-len(value), value))

    def find(self, text: str) -> Iterator[Range]:
        """The values in `text`, and the parts of one that was cut off: its beginning at the end of the text
        or before an ellipsis, its end at the beginning.
        """
        for value in self._values:
            at = text.find(value)
            while at >= 0:
                yield at, at + len(value)
                at = text.find(value, at + 1)
            yield from _torn(text, value)


def _torn(text: str, value: str) -> Iterator[Range]:
    head, tail = value[:SHORTEST], value[-SHORTEST:]
    if len(value) <= SHORTEST:
        return
    at = text.find(head)
    while at >= 0:
        length = _common(text, at, value)
        after = text[at + length : at + length + 3]
        if not after or after.startswith(_ELLIPSES) or length >= max(SHORTEST, len(value) // 2):
            yield at, at + length
        at = text.find(head, at + 1)
    at = text.find(tail)
    if 0 <= at <= len(value) and value.endswith(text[: at + SHORTEST].lstrip("….")):
        yield 0, at + SHORTEST


def _common(text: str, at: int, value: str) -> int:
    """How many characters of `text` from `at` are the beginning of `value`."""
    most = min(len(value), len(text) - at)
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if text.startswith(value[:middle], at):
            low = middle
        else:
            high = middle - 1
    return low


def secret_values(env: Mapping[str, str], parts: Callable[[str], Iterable[str]]) -> Values:
    """The secrets of an environment. `parts` finds those within a value, such as the password of a URL."""
    found: list[str] = []
    for name, value in env.items():
        if is_secret_variable(name):
            found += _forms(value)
        elif name.upper().endswith("_HEADERS"):  # name=value pairs, as OpenTelemetry's exporters take them
            found += [part for pair in value.split(",") for part in _forms(unquote(pair.partition("=")[2]))]
        found += [part for secret in parts(value) for part in _forms(secret)]
    return Values(value for value in found if len(value) >= SHORTEST)


def _forms(value: str) -> list[str]:
    """A value, each of its lines, and the forms that no decoding covers: shell quoting, hex digits."""
    bare = value.strip()
    lines = [line.strip() for line in bare.splitlines()] if "\n" in bare or "\r" in bare else []
    whole = [text for text in (bare, *lines) if len(text) >= SHORTEST]
    quoted = [shlex.quote(text)[1:-1] for text in whole if "'" in text]
    digits = [text.encode("utf-8", "surrogateescape").hex() for text in whole]
    return [*whole, *quoted, *digits, *(text.upper() for text in digits)]
