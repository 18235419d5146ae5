"""JSON that an executor wrote and that may be damaged or hostile: the one tolerant reader.

Values stay raw (`msgspec.Raw`) until one is needed. Numbers are believed only within bounds.
"""

from __future__ import annotations

import json
import re
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

MOST = 2**53
"""The largest number believed, in ms and in counts: sums of greater ones are not exact."""
Count = Annotated[int, Meta(ge=0, le=MOST)]
Number = Annotated[int, Meta(ge=-MOST, le=MOST)] | Annotated[float, Meta(ge=-MOST, le=MOST)]
ABSENT = Raw(b"")
"""No value: msgspec has no `Raw | None`."""
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding can raise."""
_SURROGATES = re.compile(rb"(?<!\\)(\\++)u([dD][89a-fA-F][0-9a-fA-F]{2})")
_lists = msgspec.json.Decoder(list[Raw])
_objects = msgspec.json.Decoder(dict[str, Raw])


def present(raw: Raw) -> bool:
    return len(raw) > 0


def raw_items(raw: Raw) -> list[Raw] | None:
    """The items of an array; None if it is not one."""
    try:
        return _lists.decode(raw) if present(raw) else None
    except UNREADABLE:
        return None


def raw_members(raw: Raw | bytes | bytearray) -> dict[str, Raw] | None:
    """The members of an object; None if it is not one."""
    try:
        return _objects.decode(raw)
    except UNREADABLE:
        return None


def to_text(data: Raw | bytes | bytearray, errors: str = "strict") -> str:
    """The text of some JSON, with U+FFFD for lone surrogates. Raises UnicodeDecodeError, a ValueError."""
    fixed = bytearray(data)
    replace_surrogates(fixed)
    return fixed.decode("utf-8", errors)


def parse_json(text: str, *, strict: bool = False) -> object:
    """Raises ValueError; if `strict` also for NaN and Infinity, which are JSON to Python alone."""
    try:
        value: object = json.loads(text, parse_constant=_refuse if strict else None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def bounded_number(value: object) -> int | float | None:
    """A number within the bounds, else None."""
    believed = isinstance(value, int | float) and not isinstance(value, bool) and -MOST <= value <= MOST
    return value if believed else None  # type: ignore[return-value]


def bounded_count(value: object) -> int | None:
    """A whole number from 0 up to the bound, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST else None


def replace_surrogates(data: bytearray) -> bool:
    """Replace lone surrogates, which JSON.stringify writes as ``\\udXXX``, by U+FFFD, in place. Whether there
    was one."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return False
    lone = _lone_surrogates(data)
    for start in lone:
        data[start : start + 6] = b"\\ufffd"
    return bool(lone)


def _lone_surrogates(data: bytearray) -> list[int]:
    """Where the escapes of unpaired surrogates begin."""
    lone: list[int] = []
    end_of_high = -1
    for found in _SURROGATES.finditer(data):
        if len(found[1]) % 2 == 0:
            continue  # each backslash is itself escaped
        start, low = found.end() - 6, int(found[2], 16) >= 0xDC00
        if low and start == end_of_high:
            lone.pop()
        else:
            lone.append(start)
        end_of_high = -1 if low else start + 6
    return lone
