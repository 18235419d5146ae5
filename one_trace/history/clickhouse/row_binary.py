"""ClickHouse's format RowBinary: for rows with long arrays of numbers, which JSON would spell out."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable

from one_trace.errors import CliError
from one_trace.guard.varint import read_varint


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
        try:
            number, self.at = read_varint(self.data, self.at)
        except (IndexError, ValueError):
            raise self.unreadable() from None
        return number

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
        value: float = self._array("d", self.take(8))[0]
        return value

    def reals(self) -> array[float]:
        """An Array(Float64)."""
        return self._array("d", self.take(8 * self.length()))

    def numbers(self) -> array[int]:
        """An Array(UInt32)."""
        return self._array("I", self.take(4 * self.length()))

    def fixed(self, size: int) -> list[bytes]:
        """An Array(FixedString(size))."""
        count = self.length()
        data = self.take(size * count)
        return [data[at : at + size] for at in range(0, size * count, size)]

    @staticmethod
    def _array(kind: str, data: bytes) -> array:  # type: ignore[type-arg]
        made = array(kind)
        made.frombytes(data)
        if sys.byteorder == "big":
            made.byteswap()
        return made
