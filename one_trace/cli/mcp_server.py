"""`trace mcp` itself: the server on the standard streams, each of its tools one of our commands.

Started without Click, which is imported when the first tool is called.
"""

from __future__ import annotations

import gc
import io
import os
import threading
from collections.abc import Iterator

from one_trace.agents.server import Server
from one_trace.guard import streams

_CHUNK = 1 << 16
_LONGEST_LINE = 4 << 20
"""Bytes of a message. A longer one is answered as an error and forgotten."""


def serve() -> int:
    """Answer the client on standard input until it has gone. Returns the exit code."""
    if os.isatty(0):
        streams.say("one-trace: an MCP server for a client's standard input and output. Ctrl-D ends it.")
    os.set_blocking(0, True)
    protocol = os.dup(1)
    os.dup2(2, 1)  # whatever else prints would break the protocol
    code = 0

    def write(line: bytes) -> None:
        nonlocal code
        try:
            streams.write_all(protocol, line)
        except OSError as error:
            if not isinstance(error, BrokenPipeError) and not code:
                streams.say(f"one-trace: standard output cannot be written: {error.strerror}")
                code = 1
            server.close(drop=True)

    server = Server(_run, write)
    threading.Thread(target=server.receive, args=[_lines(0)], daemon=True).start()
    server.work()
    return code


def _lines(fd: int) -> Iterator[bytes]:
    """The lines of standard input; the last one may lack its end."""
    rest = b""
    while chunk := _read(fd):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > _LONGEST_LINE:
            rest = b"\0"  # which no JSON contains: the whole line is an error
    if rest:
        yield rest


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, _CHUNK)
    except OSError:  # a folder, a terminal that has gone: nothing more will come
        return b""


def _run(line: list[str]) -> tuple[str, bool]:
    """The document that a command of `one trace` prints for agents, and whether it reports an error."""
    from one_trace.guard.light import import_msgspec

    import_msgspec()
    from one_trace.cli import invoke
    from one_trace.cli.app import trace
    from one_trace.cli.out import Out

    document = io.BytesIO()
    speaker = Out(agent=True, line=["--agent", "trace", *line], into=document)
    try:
        failed = bool(invoke.exit_code(trace, line, speaker, "one trace"))
    finally:
        gc.enable()  # commands turn it off, as they end soon
    return document.getvalue().decode().rstrip("\n"), failed
