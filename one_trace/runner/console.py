"""Where the runner speaks: JSON lines for agents, short text for people. The same lines as the host's."""

from __future__ import annotations

import os

from one_trace.guard import streams
from one_trace.guard.text import clean_json, clean_page
from one_trace.runner.failures import ReaderGone
from one_trace.runner.record import to_json
from one_trace.runner.schema import Json

_MARK = f"\x1b{os.urandom(8).hex()}"
"""Stands before our own styles until a text is shown: no flow can have it in a name."""


class Console:
    """Standard output of a run, written at once and in full: what a step prints comes between the lines."""

    def __init__(self, *, agent: bool) -> None:
        self.agent = agent
        color = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._color = color and not agent and os.isatty(1)

    def json(self, document: Json) -> None:
        self.write(to_json(document).encode() + b"\n")

    def line(self, text: str = "") -> None:
        """A line for people: nothing in it but our own styles is obeyed by a terminal."""
        self.write(f"{self.shown(text)}\n".encode())

    def write(self, data: bytes) -> None:
        """ReaderGone where nobody reads any more. JSON of agents is the host's, with what a terminal would
        obey written as ``\\uXXXX``.
        """
        try:
            streams.write_all(1, clean_json(data) if self.agent else data)
        except OSError:
            raise ReaderGone from None

    def error(self, message: str, **more: Json) -> int:
        """What stopped a command before anything ran; the exit code."""
        if self.agent:
            self.json({"error": message} | more)
        else:
            self.line(f"└  {message}\n")
        return 1

    def intro(self) -> None:
        if not self.agent:
            self.line("┌   One Workflow \n│")

    def say(self, text: str) -> None:
        """A line for people that agents need not see."""
        if not self.agent:
            self.line(text)

    def paint(self, text: str, code: int) -> str:
        return f"{_MARK}{code}m{text}{_MARK}0m" if self._color else text

    @staticmethod
    def shown(text: str) -> str:
        """A text as a terminal may have it: cleaned, then styled where we have painted."""
        return "\x1b[".join(clean_page(part) for part in text.split(_MARK))

    def green(self, text: str) -> str:
        return self.paint(text, 32)

    def red(self, text: str) -> str:
        return self.paint(text, 31)

    def yellow(self, text: str) -> str:
        return self.paint(text, 33)

    def cyan(self, text: str) -> str:
        return self.paint(text, 36)

    def dim(self, text: str) -> str:
        return self.paint(text, 2)

    def warn(self, text: str) -> None:
        streams.say_bytes(f"{self.shown(self.yellow(f'⚠ {text}'))}\n".encode())

    def note(self, text: str, title: str) -> None:
        if not self.agent:
            body = text.replace("\n", "\n│  ")
            self.line(f"│\n◇  {title}\n│  {body}\n│")
