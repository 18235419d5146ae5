"""One invocation from its words to its exit code, whatever ends it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from one_trace.errors import BROKEN, CliError
from one_trace.guard import streams
from one_trace.guard.text import clean_page
from one_trace.runner import commands, helping
from one_trace.runner.console import Console
from one_trace.runner.failures import ReaderGone, WorkerBroken, WorkerGone
from one_trace.runner.options import Parsed, UsageError, ctrl_c_cancels, parse
from one_trace.runner.outcome import Outcome

_DEEPEST = 12_000
"""Python's own limit on nesting is met by flows that the host still runs."""


def serve(
    argv: list[str],
    on_event: Callable[[dict[str, Any]], None] | None,
    run_id: str | None = None,
    *,
    watched: bool = False,
    traced: bool = False,
) -> Outcome:
    """Run what the words ask for. Every error is said, none is raised."""
    try:
        parsed = parse([as_node(word) for word in argv])
    except UsageError as error:
        streams.say_bytes(f"{clean_page(str(error))}\n".encode())
        return Outcome(1)
    console = Console(agent=parsed.agent or os.environ.get("ONE_AGENT") == "1")
    session = commands.Session(console, on_event, run_id, traced)
    session.cancels = (watched or not console.agent) and ctrl_c_cancels(parsed)
    sys.stdout.flush()  # we write past it
    with _deep():
        code = _guarded(session, parsed)
    with suppress(*BROKEN):  # only who traces the run wants to know, and says what is wrong
        return Outcome(code, session.files())
    return Outcome(code)


def as_node(word: str) -> str:
    """An argument as Node has it: bytes that are no UTF-8 are lost."""
    return word if word.isascii() else os.fsencode(word).decode("utf-8", "replace")


def _guarded(session: commands.Session, parsed: Parsed) -> int:
    try:
        code = _answer(session, parsed)
    except CliError as error:
        return _error_of(session.console, error)
    except ReaderGone:
        _silence()
        return 1  # as the host, which ends where it cannot write
    except WorkerGone as gone:
        return _worker_gone(session, gone)
    except (WorkerBroken, OSError) as error:
        return _error_of(session.console, CliError(f"The run cannot go on: {error}"))
    except RecursionError:
        return session.console.error("The flow is nested too deeply to be run")
    else:
        if session.run is not None:
            session.run.end_sizes()
        return code
    finally:
        if session.run is not None:
            session.run.log.close()
        if session.worker is not None:
            session.worker.close()


def _answer(session: commands.Session, parsed: Parsed) -> int:
    if parsed.help:
        return helping.show(parsed.command, session.console)
    if parsed.command == "list":
        return commands.list_flows(session)
    argument = parsed.argument or ""
    if parsed.command == "validate":
        return commands.validate_flow(session, argument)
    if parsed.command == "resume":
        return commands.resume(session, argument)
    return commands.execute(session, parsed)


def _error_of(console: Console, error: CliError) -> int:
    hint = f" {error.hint}" if error.hint else ""
    try:
        return console.error(f"{error.message}{'' if error.message.endswith('.') else '.'}{hint}")
    except ReaderGone:
        _silence()
        return 1


def _worker_gone(session: commands.Session, gone: WorkerGone) -> int:
    if session.canceled:
        return _canceled(session.console)
    if gone.exit_code is not None:
        # A step has ended the process, or thrown where nobody could catch it: Node has said so.
        return gone.exit_code
    message = f"Node, which runs the flow's JavaScript, was killed by signal {gone.signal}"
    run = session.run
    try:
        if run is None:
            return session.console.error(message)
        run.failed_outside(message)
        return commands.failed(session.console, run, message, {"logFile": run.log.path})
    except ReaderGone:
        _silence()
        return 1


def _canceled(console: Console) -> int:
    """Ctrl-C has ended the run, and that is no failure: so the host has it."""
    try:
        console.say("\n◇  Canceled")  # on a line of its own: the terminal has shown ^C
    except ReaderGone:
        _silence()
    return 0


def _silence() -> None:
    """Nobody reads our output: keep the interpreter from trying once more as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


@contextmanager
def _deep() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
