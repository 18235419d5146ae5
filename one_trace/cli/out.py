"""Where our commands speak: one JSON document for agents, text for people, errors the same way for both."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import click
import msgspec

from one_trace.errors import FAILED, USAGE, Trouble, WrongUsage

HELP = frozenset({"-h", "--help"})


class Unwritable(Trouble):
    """Stdout takes nothing, a full disk say: not even a document about that."""

    code = "os-error"


class Out:
    """The streams and the mode of one invocation.

    `agent`: exactly one JSON document goes to stdout. Else text; `color` and `width` say what the terminal
    can show.
    """

    def __init__(self, *, agent: bool) -> None:
        self.agent = agent

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
        given = os.environ.get("COLUMNS", "")
        if given.isdigit() and int(given) > 0:
            return max(60, int(given))
        if not self.tty:
            return 100
        return max(60, os.get_terminal_size(sys.stdout.fileno()).columns)

    def answer(self, document: object, text: str | Callable[[], str]) -> None:
        """Print the one answer of a command: `document` for agents, `text` for people (worked out only if
        needed)."""
        if self.agent:
            self._write(msgspec.json.encode(document) + b"\n")
        else:
            words = text() if callable(text) else text
            self._write((words.rstrip("\n") + "\n").encode("utf-8", "replace") if words else b"")

    def note(self, line: str, **fields: object) -> None:
        """One line on stderr beside the answer: text for people, a JSON line ``{"event": ...}`` for agents if
        fields are given."""
        if self.agent:
            data = msgspec.json.encode(fields) if fields else b""
            if data:
                sys.stderr.buffer.write(data + b"\n")
        else:
            sys.stderr.write(line.rstrip("\n") + "\n")
        sys.stderr.flush()

    def trouble(self, error: Trouble) -> int:
        """Say what went wrong, the same way everywhere; the exit code to end with."""
        if self.agent and not isinstance(error, Unwritable):
            body: Mapping[str, object] = {"code": error.code, "message": error.message, "hint": error.hint}
            try:
                self._write(msgspec.json.encode({"error": body}) + b"\n")
            except Unwritable:
                self._say(error)
        else:
            self._say(error)
        return error.exit_code

    @staticmethod
    def _say(error: Trouble) -> None:
        sys.stderr.write(f"one-trace: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"  {error.hint}\n")
        sys.stderr.flush()

    def write(self, data: bytes) -> None:
        """Bytes that are the answer themselves: an export."""
        self._write(data)

    @staticmethod
    def _write(data: bytes) -> None:
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except OSError as error:
            # Nothing is to be flushed again. A reader that has gone (head, less) has what it wanted.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                raise Unwritable(f"stdout cannot be written: {error.strerror}") from error


def out() -> Out:
    """The running command's `Out`."""
    found = click.get_current_context().find_object(Out)
    return found if found is not None else Out(agent=os.environ.get("ONE_AGENT") == "1")


def run(command: click.Command, args: list[str], *, agent: bool, name: str) -> int:
    """Run one of our Click commands; every error becomes one line (or one JSON document) and an exit code."""
    _fill_closed_streams()
    speaker = Out(agent=agent)
    if isinstance(command, click.Group) and not args:
        return _no_verb(command, speaker, name)
    if agent and not HELP.isdisjoint(args):
        return _help(command, args, speaker, name)
    return _run(command, args, speaker, name)


def _fill_closed_streams() -> None:
    """Where the caller has closed stdout or stderr (`>&-`), what is said goes nowhere."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  until the end
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _no_verb(group: click.Group, speaker: Out, name: str) -> int:
    """The group alone: people see what it can do, agents what is missing."""
    ctx = click.Context(group, info_name=name, **group.context_settings)
    if not speaker.agent:
        sys.stderr.write(group.get_help(ctx) + "\n")
        return USAGE
    verbs = ", ".join(group.list_commands(ctx))
    return speaker.trouble(WrongUsage(f"'{name}' needs a command after it", hint=f"One of {verbs}."))


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
        result = command.main(args=args, prog_name=name, standalone_mode=False, obj=speaker)
        return result if isinstance(result, int) else 0
    except Trouble as error:
        return speaker.trouble(error)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        hint = f"See '{error.ctx.command_path} --help'." if error.ctx else None
        return speaker.trouble(WrongUsage(error.format_message(), hint=hint))
    except click.Abort:
        return speaker.trouble(Trouble("stopped", code="stopped"))
    except click.ClickException as error:
        return speaker.trouble(Trouble(error.format_message()))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        trouble = Trouble(
            f"{error.strerror or error}: {error.filename}" if error.filename else str(error), code="os-error"
        )
        trouble.exit_code = FAILED
        return speaker.trouble(trouble)
    except Exception as error:  # noqa: BLE001  the last guard of a command: nobody is to see a traceback
        from one_trace.cli.unforeseen import unforeseen

        return speaker.trouble(unforeseen(error))
