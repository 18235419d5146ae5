"""The output of our commands: one JSON document for agents, text for people, errors alike for both."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from one_trace.errors import CliError
from one_trace.guard import streams
from one_trace.guard.text import clean, clean_page, json_bytes

if TYPE_CHECKING:
    from one_trace.answers.bounds import Bounds
    from one_trace.view.page import Page


class Unwritable(CliError):
    """Stdout cannot be written, on a full disk for example: not even a document about that can be."""

    code = "os-error"


class Out:
    """The streams and the mode of one invocation: all output of our commands goes through here.

    `agent`: exactly one JSON document goes to stdout, otherwise text; `color` and `width` say what the
    terminal can show. Texts that are not ours are made harmless here.
    """

    def __init__(
        self, *, agent: bool, line: Sequence[str] | None = None, into: BinaryIO | None = None
    ) -> None:
        self.agent = agent
        self._line = line
        """The command line that is answered, without the program; that of the process by default."""
        self._into = into
        """Where the answer goes instead of stdout."""
        self.asked: dict[str, Any] | None = None
        """The values of the options in `cli.bounded`; None for a command whose answer is never cut."""
        self.source: str | None = None
        """The history that `--from` names: commands in the answer name it, too."""
        self.answered = False
        """Whether anything of an answer has been written to stdout."""
        self._noted: set[str] = set()

    @property
    def tty(self) -> bool:
        return sys.stdout.isatty()

    @property
    def can_ask(self) -> bool:
        """Whether a person can be asked something."""
        return not self.agent and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def color(self) -> bool:
        return streams.has_color(terminal=self.tty)

    @property
    def unicode(self) -> bool:
        """Box drawing, on a terminal in UTF-8; plain ASCII in a log."""
        return self.tty and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"

    @property
    def width(self) -> int:
        """Columns: COLUMNS if it is set, those of a terminal, else 100; at least 40."""
        return max(40, streams.columns(1))

    @property
    def page(self) -> Page:
        """What a page for people is made with."""
        from one_trace.view.page import Page
        from one_trace.view.style import Style

        return Page(self.width, Style(color=self.color, unicode=self.unicode))

    def answer(self, document: object, text: str | Callable[[], str]) -> None:
        """Print the one answer of a command: `document` for agents, `text` for people, which is made only if
        needed."""
        if self.agent:
            self.write(json_bytes(self._bounded(document)) + b"\n")
        else:
            words = clean_page(text() if callable(text) else text, styled=self.color)
            self.write(inert((words.rstrip("\n") + "\n").encode() if words else b""))

    @property
    def bounds(self) -> Bounds:
        """How the answer is bounded; everything for a command that has no such options."""
        from one_trace.answers.bounds import Bounds

        again = partial(rerun, self._line if self._line is not None else sys.argv[1:])
        asked = self.asked if self.asked is not None else {"full": True}
        return Bounds(again, source=self.source, **asked)

    def _bounded(self, document: object) -> object:
        from msgspec import Struct

        from one_trace.answers.bounds import fit

        return fit(document, self.bounds) if isinstance(document, Struct) else document

    def note(self, line: str, **fields: object) -> None:
        """One line on stderr beside the answer: text for people, a JSON line ``{"event": ...}`` for agents if
        fields are given. Printed only once."""
        if line in self._noted:
            return
        self._noted.add(line)
        if not self.agent:
            streams.say(line)
        elif fields:
            streams.say_bytes(json_bytes(fields) + b"\n")

    def page_beside(self, text: str) -> None:
        """A page on stderr: a command's help where the verb is missing."""
        streams.say_bytes(clean_page(text).encode() + b"\n")

    def ask(self, question: str) -> bool:
        """Ask for a confirmation."""
        return click.confirm(clean(question), err=True)

    def ask_secret(self, question: str) -> str:
        """Ask for a text that is not shown while it is typed. Raises click.Abort."""
        return str(click.prompt(clean(question), hide_input=True, err=True))

    def fail(self, error: CliError) -> int:
        """Report an error. Returns the exit code."""
        if self.agent and not isinstance(error, Unwritable):
            body = {"code": error.code, "message": error.message, "hint": error.hint}
            try:
                self.write(json_bytes({"error": body}) + b"\n")
            except Unwritable:
                self._say(error)
        else:
            self._say(error)
        return error.exit_code

    @staticmethod
    def _say(error: CliError) -> None:
        lines = [f"one-trace: {error.message}", *([f"hint: {error.hint}"] if error.hint else [])]
        text = "".join(f"{clean(line)}\n" for line in lines)
        streams.say_bytes(inert(text.encode("utf-8", "replace")))

    def write(self, data: bytes) -> None:
        """Write bytes that are the answer itself, and harmless already: an export."""
        self.stream(lambda stdout: stdout.write(data))

    def stream(self, write: Callable[[BinaryIO], object]) -> None:
        """The same for an answer that is written piece by piece."""
        self.answered = True
        if self._into is not None:
            write(self._into)
            return
        try:
            write(sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except OSError as error:
            # Nothing may be flushed again at exit. A reader that has gone (head, less) is no error.
            streams.discard(sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                raise Unwritable(f"stdout cannot be written: {error.strerror}") from error


def inert(page: bytes) -> bytes:
    """A page, in a job of GitHub without commands for the runner, which takes them from what is printed."""
    if not on_github():
        return page
    from one_trace.guard.markup import without_commands

    return without_commands(page)


def on_github() -> bool:
    """Whether this is a job of GitHub Actions, or of a service that reads the same commands."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def rerun(words: Sequence[str], *options: str) -> str:
    """A command line with options added; of several cursors the last one counts."""
    from shlex import join

    at = next((at for at, word in enumerate(words) if word == "--"), len(words))
    return join(["one", *words[:at], *options, *words[at:]])


def out() -> Out:
    """The `Out` of the running command."""
    found = click.get_current_context().find_object(Out)
    return found if found is not None else Out(agent=os.environ.get("ONE_AGENT") == "1")


def write_to(path: Path, data: bytes | Callable[[BinaryIO], object]) -> None:
    """Write the file of an option `-o`: `data`, or what `data` writes. Raises CliError."""
    from one_trace.guard.private import output

    try:
        with output(path) as file:
            if callable(data):
                data(file)
            else:
                file.write(data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CliError(
            f"cannot write {path}: {reason}", hint="Name another file.", code="os-error"
        ) from error
