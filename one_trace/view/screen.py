"""The live tree on a terminal: rich draws it in place on stderr, at most ten times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Self, TextIO

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.live import Live
from rich.text import Text

from one_trace.guard import streams
from one_trace.view.console import SizedConsole
from one_trace.view.live_plan import Called, Plan, no_flow
from one_trace.view.live_tree import LiveTree
from one_trace.view.style import Style

FRAMES_PER_SECOND = 10
_AT_ONCE = 1000
"""Lines written above the tree at once."""


class Screen:
    """Shows a `LiveTree` while the body of a ``with`` runs, or from `show` to `hide`.

    `feed` and `say` may be called from any thread.
    """

    def __init__(
        self, flow_key: str, stream: TextIO, plan: Plan | None = None, called: Called = no_flow
    ) -> None:
        """`plan`: of the flow; `called`: of the flows that it calls."""
        self._tree = LiveTree(flow_key, _now(), plan, called)
        self._lock = threading.Lock()
        self._console = SizedConsole(stream, _WholeFrames(stream), force_terminal=True)
        self._style = Style(
            color=streams.has_color(terminal=True), unicode="utf" in (stream.encoding or "").lower()
        )
        self._drawn: list[int] = []
        """The cells of each line of the last frame."""
        self._live = _Live(
            self,
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self.show()
        return self

    def __exit__(self, *_: object) -> None:
        self.hide()

    def show(self) -> None:
        self._live.start()

    def hide(self) -> None:
        """Clear the tree, and show the cursor again."""
        self._live.stop()

    def feed(self, event: Mapping[str, object], *, ago_ms: float = 0.0) -> None:
        """Process an event that happened `ago_ms` ago."""
        now = _now() - ago_ms
        with self._lock:
            self._tree.began_ms = min(self._tree.began_ms, now)
            self._tree.feed(event, now)

    def say(self, lines: Sequence[str]) -> None:
        """Print lines above the tree."""
        for at in range(0, len(lines), _AT_ONCE):
            text = Text.from_ansi("\n".join(lines[at : at + _AT_ONCE]), no_wrap=True, overflow="ignore")
            self._console.print(text, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = max((options.height or options.size.height) - 1, 4)
        with self._lock:
            lines = self._tree.lines(_now(), columns=options.max_width, rows=rows, style=self._style)
        # Line by line: rich must not wrap what is measured already.
        texts = list(map(_text, lines))
        self._drawn = [text.cell_len for text in texts]
        yield Text("\n", no_wrap=True, end="").join(texts)

    def rows(self) -> int:
        """The rows from the top of the last frame to the cursor, which is at the start of its last line. A
        terminal that got narrower has wrapped the lines.
        """
        columns = max(self._console.width, 1)
        return 1 + sum(max(1, -(-cells // columns)) for cells in self._drawn[:-1])


class _Live(Live):
    """Rich's live display, which erases all of the last frame also if the terminal's width has changed."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        frame, screen = self._live_render, self.get_renderable()
        if frame.last_render_height and isinstance(screen, Screen):
            frame._shape = (0, screen.rows())
        return super().process_renderables(renderables)


class _WholeFrames:
    """A terminal that shows each frame at once, so that nobody sees the old one being erased."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, data: str) -> int:
        # With the cursor behind a full line, the echo of Ctrl-C would start another one.
        whole = data if data.endswith("\n") else f"{data}\r"
        # Synchronised output (DEC mode 2026); other terminals ignore it. Below the cursor there is at most
        # the rest of a last line that a narrower terminal has wrapped.
        return self._stream.write(f"\x1b[?2026h\x1b[J{whole}\x1b[?2026l" if "\x1b[2K" in data else whole)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _text(line: str) -> Text:
    """A styled line as rich's own text, which keeps only its colours."""
    return Text.from_ansi(line, no_wrap=True, end="")


def _now() -> float:
    return time.monotonic() * 1000
