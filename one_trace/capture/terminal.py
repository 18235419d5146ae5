"""The terminal that a run is drawn on. It may disappear at any moment, and the run goes on."""

from __future__ import annotations

import os
import select

_PATIENCE_S = 1.0
"""How long a terminal that accepts nothing, for example after Ctrl-S, holds up a frame."""


class Terminal:
    """An unbuffered text stream that never raises: after the terminal is gone, what is written is lost."""

    def __init__(self, descriptor: int, encoding: str | None) -> None:
        self._descriptor = os.dup(descriptor)
        self.encoding = encoding or "utf-8"
        self._gone = False

    def write(self, text: str) -> int:
        left = memoryview(text.encode(self.encoding, "replace"))
        while left and not self._gone:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # another process has made it non-blocking
                if not select.select([], [self._descriptor], [], _PATIENCE_S)[1]:
                    break
            except OSError:
                self._gone = True
        return len(text)

    def flush(self) -> None:
        """Nothing is buffered."""

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return not self._gone and os.isatty(self._descriptor)

    def close(self) -> None:
        self._gone = True
        os.close(self._descriptor)
