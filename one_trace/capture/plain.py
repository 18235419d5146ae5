"""The built-in runner where nothing is drawn: JSON Lines for agents, One CLI's human mode for people."""

from __future__ import annotations

import os
from contextlib import suppress

from one_trace import runner
from one_trace.capture import human_text as text
from one_trace.capture.human import WARNINGS, HumanOutput
from one_trace.guard import streams
from one_trace.host.argv import is_agent
from one_trace.runner.command_line import Parsed, UsageError, parse
from one_trace.runner.node import Process
from one_trace.runner.output import Output
from one_trace.view.style import Style


def run(argv: list[str], process: Process | None = None) -> int:
    """Run without a trace; the exit code. `process`: Node, if it has been started already."""
    return runner.run(argv, output_for(argv), process=process).exit_code


def output_for(argv: list[str]) -> Output:
    """Where the runner reports to: standard output, in words unless `--agent` is set."""
    with suppress(UsageError):  # the runner reports it
        if not is_agent(argv):
            return PlainOutput(parse(argv))
    return Output()


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
