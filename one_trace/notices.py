"""The one line on stderr that a traced run adds. It leans on nothing but the standard library: it has to work
where all else is broken.
"""

from __future__ import annotations

import os
from contextlib import suppress

from one_trace.errors import Trouble


def say_trouble(error: Trouble, *, agent: bool) -> None:
    """What is wrong with tracing, and what to do next."""
    if agent:
        say({"event": "trace:trouble", "code": error.code, "message": error.message, "hint": error.hint})
    else:
        line = f"one-trace: {error.message}" + (f". {error.hint}" if error.hint else "")
        say("".join(c if c.isprintable() else " " if c.isspace() else repr(c)[1:-1] for c in line))


def as_trouble(error: BaseException, what: str = "this run is") -> Trouble:
    if isinstance(error, Trouble):
        return Trouble(f"{what} not traced: {error.message}", hint=error.hint, code=error.code)
    return Trouble(f"{what} not traced: {type(error).__name__}: {error}", code="trace-failed")


def say(line: str | dict[str, object]) -> None:
    """To stderr, whatever has become of stderr."""
    import json

    text = line if isinstance(line, str) else json.dumps(line, separators=(",", ":"))
    left = memoryview(text.rstrip("\n").encode("utf-8", "replace") + b"\n")
    with suppress(OSError):
        while left:
            left = left[os.write(2, left) :]
