"""The built-in runner's output for people where nothing is drawn: One CLI's human mode."""

from __future__ import annotations

import os

from one_trace.capture import human_text as text
from one_trace.capture.human import WARNINGS, HumanOutput
from one_trace.guard import streams
from one_trace.runner.command_line import Parsed
from one_trace.runner.output import Output
from one_trace.view.style import Style


def style_of_stdout() -> Style:
    return Style(color=streams.has_color(terminal=os.isatty(1)), unicode=True)


class PlainOutput(Output):
    """Prints the words for each line at once, so that they stay in order with what steps print."""

    for_people = True

    def __init__(self, asked: Parsed) -> None:
        self._style = style_of_stdout()
        self._human = HumanOutput(asked, ".", self._style, host=False, spinner=True)

    def begin(self) -> None:
        self._print(text.INTRO)

    def line(self, document: bytes) -> None:
        self._print(self._human.title())
        event, shown = self._human.take(document, mixed=False)
        if event is not None and event.get("event") in WARNINGS:
            streams.say_bytes(_bytes(shown))
        else:
            self._print(shown)
        if event is not None and event.get("event") == "workflow:result":
            self._print(self._human.end())

    def laid_out(self, page: str) -> str:
        from one_trace.view.reflow import reflow

        return reflow(page, max(40, streams.columns(1, 80)))

    def pausing(self, run_id: str) -> None:
        self._print(["", *text.pausing(run_id, self._style)])

    def canceled(self) -> None:
        self._print(["", "◇  Canceled"])  # on a line of its own: the terminal has echoed ^C

    def _print(self, lines: list[str]) -> None:
        if lines:
            self.write(_bytes(lines))


def _bytes(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
