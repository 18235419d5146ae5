"""ClickHouse's format RowBinary: for rows with long arrays of numbers, which JSON would spell out."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable

from one_trace.errors import CliError

_SIZES = {"B": 1, "I": 4, "Q": 8, "d": 8}


class RowBinary:
    """An answer, read from its beginning: the caller knows the columns. Raises the error of `unreadable` if
    it ends too early."""

    def __init__(self, data: bytes, unreadable: Callable[[], CliError]) -> None:
        self.data = data
        self.at = 0
        self.unreadable = unreadable

    @property
    def ended(self) -> bool:
        return self.at >= len(self.data)

    def length(self) -> int:
        """An unsigned LEB128 number."""
        number = shift = 0
        while True:
            if self.at >= len(self.data) or shift > 63:
                raise self.unreadable()
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def take(self, size: int) -> bytes:
        taken = self.data[self.at : self.at + size]
        if len(taken) < size:
            raise self.unreadable()
        self.at += size
        return taken

    def text(self) -> str:
        return self.take(self.length()).decode("utf-8", "replace")

    def texts(self) -> list[str]:
        return [self.text() for _ in range(self.length())]

    def number(self) -> int:
        """A UInt64."""
        return int.from_bytes(self.take(8), "little")

    def real(self) -> float:
        """A Float64."""
        return self.reals_of(self.take(8))[0]

    def reals(self) -> array[float]:
        """An Array(Float64)."""
        return self.reals_of(self.take(8 * self.length()))

    def numbers(self) -> array[int]:
        """An Array(UInt32)."""
        return self._array("I", self.take(4 * self.length()))

    def fixed(self, size: int) -> list[bytes]:
        """An Array(FixedString(size))."""
        count = self.length()
        data = self.take(size * count)
        return [data[at : at + size] for at in range(0, size * count, size)]

    def reals_of(self, data: bytes) -> array[float]:
        return self._array("d", data)

    @staticmethod
    def _array(kind: str, data: bytes) -> array:  # type: ignore[type-arg]
        made = array(kind)
        made.frombytes(data)
        if sys.byteorder == "big":
            made.byteswap()
        return made
