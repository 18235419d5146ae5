"""Where our commands speak: one JSON document for agents, text for people, errors the same way for both."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from one_trace.errors import FAILED, USAGE, CliError, WrongUsage
from one_trace.guard import streams
from one_trace.guard.text import clean, clean_page, json_bytes

if TYPE_CHECKING:
    from one_trace.answers.bounds import Bounds

HELP = frozenset({"-h", "--help"})
_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Unwritable(CliError):
    """Stdout takes nothing, a full disk say: not even a document about that."""

    code = "os-error"


class Ended(BaseException):
    """A signal that ends a process has come: what is half done is taken back first."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Out:
    """The streams and the mode of one invocation: nothing of ours reaches a terminal by another way.

    `agent`: exactly one JSON document goes to stdout. Else text; `color` and `width` say what the terminal
    can show. Texts of others are made harmless here, whatever they hold.
    """

    def __init__(self, *, agent: bool) -> None:
        self.agent = agent
        self.asked: dict[str, Any] | None = None
        """The values of the options in `cli.bounded`; None for a command whose answer is never cut."""
        self.answered = False
        """Whether stdout has had anything of an answer."""
        self._noted: set[str] = set()

    @property
    def tty(self) -> bool:
        return sys.stdout.isatty()

    @property
    def can_ask(self) -> bool:
        """Whether somebody sits there who can be asked something."""
        return not self.agent and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def color(self) -> bool:
        return self.tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    @property
    def unicode(self) -> bool:
        """Box drawing and such: on a terminal that speaks UTF-8; a log gets plain ASCII."""
        return self.tty and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"

    @property
    def width(self) -> int:
        """Columns: COLUMNS where set, the terminal's own on a terminal, else 100; never under 60."""
        return max(60, streams.columns(1))

    def answer(self, document: object, text: str | Callable[[], str]) -> None:
        """Print the one answer of a command: `document` for agents, `text` for people (worked out only if
        needed)."""
        if self.agent:
            self._write(json_bytes(self._bounded(document)) + b"\n")
        else:
            words = clean_page(text() if callable(text) else text, styled=self.color)
            self._write((words.rstrip("\n") + "\n").encode() if words else b"")

    @property
    def bounds(self) -> Bounds:
        """How the answer is bounded; everything for a command that has no such options."""
        from one_trace.answers.bounds import Bounds

        return Bounds(rerun, **self.asked) if self.asked is not None else Bounds(rerun, full=True)

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
        """Lines of ours on stderr, for people: a command's help where the command is missing."""
        streams.say_bytes(clean_page(text).encode() + b"\n")

    def ask(self, question: str) -> None:
        """Go on only where the user says yes. Raises click.Abort."""
        click.confirm(clean(question), abort=True, err=True)

    def ask_secret(self, question: str) -> str:
        """What the user types, unseen. Raises click.Abort."""
        return str(click.prompt(clean(question), hide_input=True, err=True))

    def fail(self, error: CliError) -> int:
        """Say what went wrong, the same way everywhere; the exit code to end with."""
        if self.agent and not isinstance(error, Unwritable):
            body: Mapping[str, object] = {"code": error.code, "message": error.message, "hint": error.hint}
            try:
                self._write(json_bytes({"error": body}) + b"\n")
            except Unwritable:
                self._say(error)
        else:
            self._say(error)
        return error.exit_code

    def ended(self, number: int) -> int:
        """A signal has ended the command: so do we, and an agent that waits for a document is told."""
        for each in (signal.SIGINT, *_ENDING):
            signal.signal(each, signal.SIG_DFL)  # who does not want to wait for this, signals again
        if self.agent and not self.answered:
            self.fail(CliError(f"ended by {signal.Signals(number).name}", code="interrupted"))
        return streams.die_of(number)

    @staticmethod
    def _say(error: CliError) -> None:
        streams.say(f"one-trace: {error.message}")
        if error.hint:
            streams.say(f"hint: {error.hint}")

    def write(self, data: bytes) -> None:
        """Bytes that are the answer themselves, made harmless by who made them: an export."""
        self._write(data)

    def stream(self, write: Callable[[BinaryIO], object]) -> None:
        """The same for what is written piece by piece."""
        self._to_stdout(write)

    def _write(self, data: bytes) -> None:
        self._to_stdout(lambda stdout: stdout.write(data))

    def _to_stdout(self, write: Callable[[BinaryIO], object]) -> None:
        self.answered = True
        try:
            write(sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except OSError as error:
            # Nothing is to be flushed again. A reader that has gone (head, less) has what it wanted.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                raise Unwritable(f"stdout cannot be written: {error.strerror}") from error


def rerun(*options: str) -> str:
    """This command line with options added; of several cursors the last one counts."""
    from shlex import join

    words = sys.argv[1:]
    at = next((at for at, word in enumerate(words) if word == "--"), len(words))
    return join(["one", *words[:at], *options, *words[at:]])


def out() -> Out:
    """The running command's `Out`."""
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


def run(command: click.Command, args: list[str], *, agent: bool, name: str) -> int:
    """Run one of our Click commands; every error becomes one line (or one JSON document) and an exit code."""
    speaker = Out(agent=agent)
    if isinstance(command, click.Group) and not args:
        return _no_verb(command, speaker, name)
    if agent and not HELP.isdisjoint(args):
        return _help(command, args, speaker, name)
    return _run(command, args, speaker, name)


def _no_verb(group: click.Group, speaker: Out, name: str) -> int:
    """The group alone: people see what it can do, agents what is missing."""
    ctx = click.Context(group, info_name=name, **group.context_settings)
    if not speaker.agent:
        speaker.page_beside(group.get_help(ctx))
        return USAGE
    verbs = ", ".join(group.list_commands(ctx))
    return speaker.fail(WrongUsage(f"'{name}' needs a command after it", hint=f"One of {verbs}."))


def _help(command: click.Command, args: list[str], speaker: Out, name: str) -> int:
    """What Click prints as text, as the one document that agents are promised."""
    caught = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(caught):
        code = _run(command, args, speaker, name)
    caught.seek(0)
    text = caught.read()
    if text.startswith("Usage:"):
        speaker.answer({"help": text}, text)
    else:
        speaker.write(text.encode())
    return code


def _run(command: click.Command, args: list[str], speaker: Out, name: str) -> int:
    try:
        with _ended_by_signals():
            return _answer(command, args, speaker, name)
    except KeyboardInterrupt:
        return speaker.ended(signal.SIGINT)
    except Ended as ended:
        return speaker.ended(ended.number)


def _answer(command: click.Command, args: list[str], speaker: Out, name: str) -> int:
    try:
        result = command.main(args=args, prog_name=name, standalone_mode=False, obj=speaker)
        return result if isinstance(result, int) else 0
    except CliError as error:
        return speaker.fail(error)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        hint = f"See '{error.ctx.command_path} --help'." if error.ctx else None
        return speaker.fail(WrongUsage(error.format_message(), hint=hint))
    except click.Abort as error:
        # Click makes of Ctrl-C what it makes of Ctrl-D and of "no".
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        return speaker.fail(CliError("stopped", code="stopped"))
    except UnicodeError:
        return speaker.fail(WrongUsage("what was typed or given is not UTF-8"))
    except click.ClickException as error:
        return speaker.fail(CliError(error.format_message()))
    except OSError as error:
        problem = CliError(
            f"{error.strerror or error}: {error.filename}" if error.filename else str(error), code="os-error"
        )
        problem.exit_code = FAILED
        return speaker.fail(problem)
    except Exception as error:  # noqa: BLE001  the last guard of a command: nobody is to see a traceback
        from one_trace.cli.unforeseen import unforeseen

        return speaker.fail(unforeseen(error))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let signals that end a process end the command alone: drafts are deleted, the cursor is shown again."""

    def end(number: int, frame: object) -> None:
        raise Ended(number)

    ours = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
