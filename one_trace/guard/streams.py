"""The standard streams of this process, in whatever state the caller left them.

A stream may be closed (``>&-``), full, non-blocking, without a reader, or a terminal that claims a billion
columns. stderr is written to only here, cleaned; that must never end or block a run.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST = 1000
"""The most columns and lines that we believe a terminal has."""


def fill_closed() -> None:
    """Open the null device where stdin, stdout or stderr is closed: otherwise the next file that we open,
    perhaps a database, would get that descriptor and receive what is printed. Programs that we start do not
    inherit it.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor, not inherited
            if opened != fd:
                os.dup2(opened, fd, inheritable=False)
                os.close(opened)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  until the end
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def discard(fd: int) -> None:
    """What is written to a stream that nobody reads, or that is full, is lost from now on: flushing it once
    more at exit would fail again and change the exit code."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, fd)
    os.close(null)


def discard_closed() -> None:
    """A closed stdout or stderr must not fail once more at exit: that would change the exit code."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError):
                discard(number)


def leave(code: int, unfinished: Sequence[str] = ()) -> None:
    """End this process without the interpreter's own clean-up, which takes as long as starting it: all files
    are closed by then. Returns while threads other than the `unfinished` ones are at work."""
    discard_closed()
    threading = sys.modules.get("threading")
    others = threading.enumerate() if threading is not None else []
    if all(each.daemon or each.name in (*unfinished, "MainThread") for each in others):
        os._exit(code)


def say(line: str) -> None:
    """Print one line on stderr, whatever state stderr is in."""
    from one_trace.guard.text import clean

    say_bytes(clean(line).encode("utf-8", "replace") + b"\n")


def say_bytes(data: bytes) -> None:
    """Write clean bytes to stderr."""
    with suppress(OSError):
        write_all(2, data)


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data` without Python's buffers. Raises OSError."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:  # another process made the shared pipe non-blocking
            import select

            select.select([], [fd], [])


def columns(fd: int, fallback: int = 100) -> int:
    """The width for pages: COLUMNS if set, else that of the terminal at `fd`."""
    return _size("COLUMNS", 0, fd, fallback)


def rows(fd: int, fallback: int = 25) -> int:
    """The height of the screen: LINES if set, else that of the terminal at `fd`."""
    return _size("LINES", 1, fd, fallback)


def _size(variable: str, which: int, fd: int, fallback: int) -> int:
    given = os.environ.get(variable, "")
    size = int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0
    if not size:
        with suppress(OSError):
            size = os.get_terminal_size(fd)[which]
    return min(size or fallback, WIDEST)


def has_color(*, terminal: bool) -> bool:
    """Whether to print colours: NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE decide before the terminal does."""
    env = os.environ
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return env["FORCE_COLOR"] != "0"
    forced = env.get("CLICOLOR_FORCE", "0") not in ("", "0")
    return forced or (terminal and env.get("TERM") != "dumb")


def die_of(number: int) -> int:
    """End by this signal, like a program that does not handle it, so that a shell's loop ends too. Returns
    only if the signal is blocked: then the exit code that a shell would report.
    """
    import signal

    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number
