"""Rich's console on a terminal of any size: what COLUMNS and LINES claim is believed within bounds."""

from __future__ import annotations

from typing import IO, TextIO, cast

from rich.console import Console, ConsoleDimensions

from one_trace.guard import streams


class SizedConsole(Console):
    """The terminal behind `stream`, which `file` writes to: rich itself fails on ``COLUMNS=²``, and fills
    memory for a thousand million.
    """

    def __init__(self, stream: TextIO, file: object = None, *, force_terminal: bool | None = None) -> None:
        try:
            self._fd = stream.fileno()
        except OSError:  # no file: then it has no size either
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
        """The terminal's size is its own."""
