"""The live tree on a terminal: rich draws it in place on stderr, at most ten times a second."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from one_trace.view.console import SizedConsole
from one_trace.view.live_tree import LiveTree, Plan
from one_trace.view.style import Style

FRAMES_PER_SECOND = 10
_AT_ONCE = 1000
"""Lines written above the tree at one stroke."""


class Screen:
    """Shows a `LiveTree` while the body of a ``with`` runs, then clears it away for the finished tree.

    All but `__enter__` and `__exit__` may be called from any thread.
    """

    def __init__(self, flow_key: str, stream: TextIO, plan: Plan | None = None) -> None:
        self._live = LiveTree(flow_key, _now(), plan)
        self._lock = threading.Lock()
        self._console = SizedConsole(stream, _Whole(stream), force_terminal=True)
        self._ink = Style(
            color=not os.environ.get("NO_COLOR"), unicode="utf" in (stream.encoding or "").lower()
        )
        self._shown = Live(
            self,
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.stop()

    def hide(self) -> None:
        """Clear it away, and give the cursor back."""
        self._shown.stop()

    def show(self) -> None:
        """Draw it again."""
        self._shown.start()

    def feed(self, event: Mapping[str, object], *, ago_ms: float = 0.0) -> None:
        """Take in an event of the host that happened `ago_ms` ago."""
        now = _now() - ago_ms
        with self._lock:
            self._live.began_ms = min(self._live.began_ms, now)
            self._live.feed(event, now)

    def say(self, lines: Sequence[str]) -> None:
        """Lines of the host's own, above the tree."""
        for at in range(0, len(lines), _AT_ONCE):
            text = Text.from_ansi("\n".join(lines[at : at + _AT_ONCE]), no_wrap=True, overflow="ignore")
            self._console.print(text, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = max((options.height or options.size.height) - 1, 4)
        with self._lock:
            lines = self._live.lines(_now(), columns=options.max_width, rows=rows, style=self._ink)
        # Line by line: what is measured already must not be wrapped again.
        yield Text("\n", no_wrap=True, end="").join(_text(line) for line in lines)


class _Whole:
    """A terminal that shows a frame when it is all there: so nobody sees the old one being wiped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, data: str) -> int:
        # With the cursor at the end of a full line, the echo of Ctrl-C would begin another one.
        whole = data if data.endswith("\n") else f"{data}\r"
        # Terminals that do not know this mode (DEC 2026) pass over it.
        return self._stream.write(f"\x1b[?2026h{whole}\x1b[?2026l" if "\x1b[2K" in data else whole)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _text(line: str) -> Text:
    """A styled line as rich's own: of escape sequences only the colours stay."""
    return Text.from_ansi(line, no_wrap=True, end="")


def _now() -> float:
    return time.monotonic() * 1000
