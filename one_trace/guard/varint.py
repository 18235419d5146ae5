"""Numbers of seven bits a byte, the lowest first: protobuf's varint, which ClickHouse writes lengths in."""

from __future__ import annotations

_BITS = 64


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number of 64 bits, and where what follows begins. Raises IndexError where `data` ends
    before it does, ValueError where it is too long."""
    number = shift = 0
    while shift < _BITS:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number % (1 << _BITS), at
        shift += 7
    raise ValueError("a number that is too long")
