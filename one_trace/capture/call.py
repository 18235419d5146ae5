"""One call of a traced run: what its command line asks for, and what the host is given. The host waits for
this, so it imports next to nothing."""

from __future__ import annotations

import os

from one_trace.errors import BROKEN
from one_trace.host.argv import first_words
from one_trace.host.via import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from one_trace.runner.command_line import Parsed

PARENT = "ONE_TRACE_PARENT"
"""For what a traced run starts: ``TOKEN PROCESS PROJECT``. The token is the run's id or stands in its state,
the process traces the run."""


class Asked:
    """What the command line asks for, parsed only as far as needed. `tags`: as typed."""

    def __init__(self, argv: list[str], tags: list[str]) -> None:
        self.tags = tags
        self._argv, self._words = argv, first_words(argv)
        self._parsed: Parsed | None = None
        self._is_parsed = False

    @property
    def resumed(self) -> str | None:
        """The id of the run to resume, as typed."""
        return self._argument if self._words[1] == "resume" else None

    @property
    def flow(self) -> str | None:
        """The key or path of the flow."""
        return self._argument if self._words[1] != "resume" else None

    @property
    def parsed(self) -> Parsed | None:
        """All arguments; None if One CLI would refuse them."""
        if not self._is_parsed:
            self._is_parsed = True
            try:
                from one_trace.runner.command_line import parse

                self._parsed = parse(self._argv)
            except BROKEN:
                self._parsed = None
        return self._parsed

    @property
    def _argument(self) -> str | None:
        if len(self._words) > 2:  # nearly always: then the rest need not be parsed
            return self._words[2]
        return self.parsed.argument if self.parsed is not None else None

    @property
    def promises_run(self) -> bool:
        """Whether the command starts a run, which then has a trace."""
        parsed = self.parsed
        dry = parsed is not None and parsed.has("--dry-run") and not parsed.has("--stop-after")
        return parsed is None or not (parsed.help or dry)


def new_token() -> str:
    """A token for a run of One CLI."""
    return os.urandom(16).hex()


def parent_mark(token: str, project: str) -> str:
    """The value of PARENT for what our run starts."""
    return f"{token} {identity()} {project}"


def working_directory() -> str:
    """The path of the working directory; empty if it has been deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""
