"""One invocation, from its arguments to its exit code, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from one_trace.errors import BROKEN, CliError
from one_trace.guard import streams
from one_trace.guard.text import clean_page
from one_trace.runner.command_line import Parsed, UsageError, ctrl_c_cancels, parse
from one_trace.runner.failures import ReaderGone, WorkerBroken, WorkerGone
from one_trace.runner.output import Output, RunOutput
from one_trace.runner.session import CommandSession

if TYPE_CHECKING:
    from one_trace.runner.node import Process

_RECURSION_LIMIT = 12_000
"""Python's default is too low for flows that One CLI still runs."""


def serve(
    argv: list[str], output: Output, run_id: str | None, *, traced: bool, process: Process | None
) -> RunOutput:
    """See `one_trace.runner.run`."""
    session = CommandSession(output, run_id, traced=traced, process=process)
    try:
        parsed = parse([as_node(word) for word in argv])
    except UsageError as error:
        session.close()
        streams.say_bytes(f"{clean_page(str(error))}\n".encode())
        return RunOutput(1)
    session.agent = parsed.agent or os.environ.get("ONE_AGENT") == "1"
    session.cancels = output.for_people and ctrl_c_cancels(parsed)
    sys.stdout.flush()  # we write past its buffer
    with _recursion_limit():
        code = _guarded(session, parsed)
    interrupted = session.canceled or (session.run is not None and session.run.paused)
    with suppress(*BROKEN):  # capture meets the same error when it traces the run, and reports it
        return RunOutput(code, session.files() if traced else None, interrupted)
    return RunOutput(code, interrupted=interrupted)


def as_node(word: str) -> str:
    """An argument as Node decodes it: bytes that are not UTF-8 are replaced."""
    return word if word.isascii() else os.fsencode(word).decode("utf-8", "replace")


def _guarded(session: CommandSession, parsed: Parsed) -> int:
    try:
        return _run(session, parsed)
    except ReaderGone:
        streams.discard(1)
        return 1  # as One CLI, which ends when it cannot write
    finally:
        session.close()


def _run(session: CommandSession, parsed: Parsed) -> int:
    try:
        code = _command(session, parsed)
    except CliError as error:
        return _fail(session, error)
    except WorkerGone as gone:
        return _worker_gone(session, gone)
    except (WorkerBroken, OSError) as error:
        return _fail(session, CliError(f"The run cannot continue: {error}"))
    except RecursionError:
        return session.refuse("The flow is nested too deeply to be run")
    if session.run is not None:
        session.run.end_sizes()
    return code


def _command(session: CommandSession, parsed: Parsed) -> int:
    if parsed.help:
        from one_trace.runner import usage

        return usage.show(parsed.command, session.output)
    session.output.begin()
    if parsed.command in ("execute", "validate"):
        session.start_worker()
    from one_trace.runner import commands  # much code, read while Node boots

    if parsed.command == "list":
        return commands.list_flows(session)
    argument = parsed.argument or ""
    if parsed.command == "validate":
        return commands.validate_flow(session, argument)
    if parsed.command == "resume":
        return commands.resume(session, argument)
    return commands.execute(session, parsed)


def _fail(session: CommandSession, error: CliError) -> int:
    hint = f" {error.hint}" if error.hint else ""
    return session.refuse(f"{error.message}{'' if error.message.endswith('.') else '.'}{hint}")


def _worker_gone(session: CommandSession, gone: WorkerGone) -> int:
    if session.canceled:
        session.output.canceled()
        return 0  # as in One CLI, where Ctrl-C is not a failure
    if gone.exit_code is not None:
        # A step has ended the process, or thrown where nothing could catch it: Node has printed why.
        return gone.exit_code
    message = f"Node, which runs the flow's JavaScript, was killed by signal {gone.signal}"
    if session.run is None:
        return session.refuse(message)
    session.run.failed_outside(message)
    return session.failed(message, {"logFile": session.run.log.path})


@contextmanager
def _recursion_limit() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
