"""Rich's console on a terminal of any size: what COLUMNS and LINES claim is believed within bounds."""

from __future__ import annotations

from typing import IO, cast

from rich.console import Console, ConsoleDimensions

from one_trace.guard import streams

_STDERR = 2


class Terminal(Console):
    """Stderr's terminal. Rich itself fails on ``COLUMNS=²`` and fills memory for a thousand million."""

    def __init__(self, file: object = None, *, force_terminal: bool | None = None) -> None:
        width, height = streams.columns(_STDERR, 80), streams.rows(_STDERR)
        super().__init__(
            file=cast("IO[str] | None", file),
            stderr=file is None,
            force_terminal=force_terminal,
            width=width,
            height=height,
            highlight=False,
            markup=False,
            emoji=False,
        )

    @property
    def size(self) -> ConsoleDimensions:
        return ConsoleDimensions(streams.columns(_STDERR, 80), streams.rows(_STDERR))

    @size.setter
    def size(self, new: tuple[int, int]) -> None:
        """The terminal's size is its own."""
