"""Runs one of our Click commands: every error and signal becomes one line or document, and an exit code."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import click

from one_trace.cli.out import Out
from one_trace.errors import FAILED, USAGE, CliError, WrongUsage
from one_trace.guard import streams

_HELP = frozenset({"-h", "--help"})
_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal that ends the process has arrived; unfinished work is undone first."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(command: click.Command, args: list[str], *, agent: bool, name: str) -> int:
    """Run one of our Click commands; every error becomes one line (or one JSON document) and an exit code."""
    speaker = Out(agent=agent)
    if isinstance(command, click.Group) and not args:
        return _no_verb(command, speaker, name)
    if agent and not _HELP.isdisjoint(args):
        return _help(command, args, speaker, name)
    return _run(command, args, speaker, name)


def _no_verb(group: click.Group, speaker: Out, name: str) -> int:
    """A group without a verb: people get its help, agents an error."""
    ctx = click.Context(group, info_name=name, **group.context_settings)
    if not speaker.agent:
        speaker.page_beside(group.get_help(ctx))
        return USAGE
    verbs = ", ".join(group.list_commands(ctx))
    return speaker.fail(WrongUsage(f"'{name}' needs a command after it", hint=f"One of {verbs}."))


def _help(command: click.Command, args: list[str], speaker: Out, name: str) -> int:
    """A help page as the one document that an agent gets."""
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
            return exit_code(command, args, speaker, name)
    except KeyboardInterrupt:
        return _end(speaker, signal.SIGINT)
    except Ended as ended:
        return _end(speaker, ended.number)


def exit_code(command: click.Command, args: list[str], speaker: Out, name: str) -> int:
    """Run a command and report its errors, without minding signals. Returns the exit code."""
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
        # Click raises Abort for Ctrl-C, as for Ctrl-D and "no".
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        return speaker.fail(CliError("stopped", code="stopped"))
    except UnicodeError:
        return speaker.fail(WrongUsage("the input is not UTF-8"))
    except click.ClickException as error:
        return speaker.fail(CliError(error.format_message()))
    except OSError as error:
        problem = CliError(
            f"{error.strerror or error}: {error.filename}" if error.filename else str(error), code="os-error"
        )
        problem.exit_code = FAILED
        return speaker.fail(problem)
    except Exception as error:  # noqa: BLE001  the last guard of a command: no user sees a traceback
        from one_trace.cli.unforeseen import unforeseen

        return speaker.fail(unforeseen(error))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn signals that end a process into an exception: drafts are deleted, the cursor is shown again."""

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


def _end(speaker: Out, number: int) -> int:
    """End as the signal would have ended the process; an agent still gets its one document."""
    for each in (signal.SIGINT, *_ENDING):
        signal.signal(each, signal.SIG_DFL)  # a second signal ends the process at once
    if speaker.agent and not speaker.answered:
        speaker.fail(CliError(f"ended by {signal.Signals(number).name}", code="interrupted"))
    return streams.die_of(number)
