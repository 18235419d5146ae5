"""Rich's console with a bounded size, whatever COLUMNS and LINES claim."""

from __future__ import annotations

from typing import IO, TextIO, cast

from rich.console import Console, ConsoleDimensions

from one_trace.guard import streams


class SizedConsole(Console):
    """Writes to `file`, which leads to the terminal `stream`. Rich itself fails on ``COLUMNS=²`` and runs out
    of memory on a thousand million.
    """

    def __init__(self, stream: TextIO, file: object = None, *, force_terminal: bool | None = None) -> None:
        try:
            self._fd = stream.fileno()
        except OSError:  # not a file, so without a size
            self._fd = -1
        width, height = self.size
        super().__init__(
            file=cast("IO[str]", file or stream),
            force_terminal=force_terminal,
            width=width,
            height=height,
            highlight=False,
            markup=False,
            emoji=False,
        )

    @property
    def size(self) -> ConsoleDimensions:
        return ConsoleDimensions(streams.columns(self._fd, 80), streams.rows(self._fd))

    @size.setter
    def size(self, new: tuple[int, int]) -> None:
        """Rich may not change it."""
