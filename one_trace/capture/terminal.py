"""The terminal that a run is drawn on: it may go away at any moment, and the run goes on."""

from __future__ import annotations

import os
import select

_PATIENCE_S = 1.0
"""How long a terminal that takes nothing, stopped by Ctrl-S say, holds up a frame."""


class Terminal:
    """A text stream of which nothing is kept back. When the terminal has gone, what is written is lost, and
    nobody hears of it: an error would only reach threads and an exit that cannot do anything about it.
    """

    def __init__(self, descriptor: int, encoding: str | None) -> None:
        self._descriptor = os.dup(descriptor)
        self.encoding = encoding or "utf-8"
        self.gone = False

    def write(self, text: str) -> int:
        left = memoryview(text.encode(self.encoding, "replace"))
        while left and not self.gone:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # another process has made it non-blocking
                if not select.select([], [self._descriptor], [], _PATIENCE_S)[1]:
                    break
            except OSError:
                self.gone = True
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return not self.gone and os.isatty(self._descriptor)

    def close(self) -> None:
        self.gone = True
        os.close(self._descriptor)
