"""The standard streams of this process, in whatever state the caller has left them.

A stream may be closed (``>&-``), full, non-blocking, without a reader, or a terminal that claims a thousand
million columns. What is said on stderr is said here, cleaned; nothing of that may end or block a run.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

WIDEST = 1000
"""Columns and lines that we believe in: a page is made for eyes."""


def fill_closed() -> None:
    """Put the null device where stdin, stdout or stderr is closed: else the next file that we open, a
    database say, would stand there and take what is printed.

    It is closed again in whatever we become or start: that program finds what the user has given.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest that is free, and not inherited
            if opened != fd:
                os.dup2(opened, fd, inheritable=False)
                os.close(opened)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  until the end
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def say(line: str) -> None:
    """One line on stderr, whatever has become of stderr."""
    from one_trace.guard.text import clean

    say_bytes(clean(line).encode("utf-8", "replace") + b"\n")


def say_bytes(data: bytes) -> None:
    """What is clean already, to stderr."""
    with suppress(OSError):
        write_all(2, data)


def write_all(fd: int, data: bytes) -> None:
    """All of `data`, at once and past Python's buffers. Raises OSError."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:  # another process has made the pipe that we share non-blocking
            import select

            select.select([], [fd], [])


def columns(fd: int, fallback: int = 100) -> int:
    """How wide the page may be: COLUMNS where it says so, else as the terminal at `fd` has it."""
    return _size("COLUMNS", 0, fd, fallback)


def rows(fd: int, fallback: int = 25) -> int:
    """How many lines the screen has: LINES where it says so, else as the terminal at `fd` has it."""
    return _size("LINES", 1, fd, fallback)


def _size(variable: str, which: int, fd: int, fallback: int) -> int:
    given = os.environ.get(variable, "")
    size = int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0
    if not size:
        with suppress(OSError):
            size = os.get_terminal_size(fd)[which]
    return min(size or fallback, WIDEST)


def die_of(number: int) -> int:
    """End by this signal, as a program does that handles none: so a shell's loop ends, too. Returns only
    where the signal is blocked; then what a shell would say.
    """
    import signal

    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number
