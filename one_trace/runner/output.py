"""What the runner reports: JSON Lines, as One CLI's `--agent` mode prints them. It has no other language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from one_trace.guard import streams
from one_trace.guard.text import clean_json
from one_trace.runner.failures import ReaderGone
from one_trace.runner.run_log import to_json

if TYPE_CHECKING:
    from one_trace.record.files import RunFiles


class RunOutput(NamedTuple):
    """How an invocation ended. `files`: where a traced run was recorded. `interrupted`: by
    Ctrl-C, which ended the run or marked it as paused."""

    exit_code: int
    files: RunFiles | None = None
    interrupted: bool = False


class Output:
    """Standard output, unbuffered: the output of steps keeps its place between the lines.

    Subclass it to show a run to people.
    """

    for_people = False
    """Whether people see the run: then Ctrl-C cancels it, and its last line need not carry all results."""

    def begin(self) -> None:
        """A command other than help is about to run."""

    def line(self, document: bytes) -> None:
        """Report an event, a result or an error: a JSON object on one line. Raises ReaderGone."""
        self.write(clean_json(document) + b"\n")

    def pausing(self, run_id: str) -> None:
        """Ctrl-C has marked the run as paused. Called in the signal handler."""

    def canceled(self) -> None:
        """Ctrl-C has ended the run."""

    def laid_out(self, page: str) -> str:
        """A help page as it is to be printed."""
        return page

    def report(self, document: dict[str, Any]) -> None:
        self.line(to_json(document).encode())

    def write(self, data: bytes) -> None:
        """Raises ReaderGone if nobody reads standard output any more."""
        try:
            streams.write_all(1, data)
        except OSError:
            raise ReaderGone from None
